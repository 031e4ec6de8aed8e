"""The composition root: the one room that knows all the others, and in what order they start and stop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from kasparro import __version__
from kasparro.app.shop import CONNECTIONS, Workshop, database, own_name, workshop
from kasparro.app.site import listen, serving, stop_on_signals
from kasparro.app.upkeep import collect, maintain, observe, tasks
from kasparro.app.workers import attend, working
from kasparro.domain import Coin, Span
from kasparro.ingest import census, named
from kasparro.ingest.assets import Resolver
from kasparro.ingest.backfill import Backfill
from kasparro.ingest.backfill import Summary as Backfilled
from kasparro.ingest.candles import Roller
from kasparro.ingest.claim import close_orphans
from kasparro.ingest.gap_map import Missing
from kasparro.ingest.pipeline import Summary
from kasparro.ingest.rebuild import Rebuild, Rebuilt
from kasparro.ingest.replay import Replay, Replayed, Unit, keep_replaying
from kasparro.ingest.scheduler import NotRun
from kasparro.log import logger
from kasparro.metrics import Metrics
from kasparro.sandbox import Sandbox
from kasparro.settings import ApiOptions, Rate, Settings
from kasparro.sources import SOURCES
from kasparro.store import states
from kasparro.store.pool import Connection, connect, ingest_pool
from kasparro.store.rejects import Choice

__all__ = [
    "Workshop",
    "attend",
    "backfill",
    "database",
    "demo",
    "demo_home",
    "ingest",
    "migrate",
    "missing",
    "on_database",
    "rebuild",
    "replay",
    "serve",
    "workshop",
]

_SHOWN = ("bitcoin", "ethereum", "solana")  # coins of the demo that have a past, so far
_PAST = timedelta(days=90)

Result = TypeVar("Result")
log = logger("app")


async def serve(settings: Settings, *works: Callable[[Workshop], Coroutine[None, None, None]]) -> None:
    """Run the service, and works beside it, until SIGTERM or SIGINT; raises ConfigurationError when it cannot start."""
    stop_on_signals()
    try:
        async with AsyncExitStack() as stack:
            listening = stack.enter_context(listen(settings))
            shop, group = await _start(settings, listening, stack)
            for work in works:
                group.create_task(work(shop))
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        log.info("stopped")


async def _start(
    settings: Settings, listening: socket.socket, stack: AsyncExitStack
) -> tuple[Workshop, asyncio.TaskGroup]:
    """Start everything, and leave its end on `stack`: what starts last stops first."""
    metrics = Metrics()
    dsn = await stack.enter_async_context(database(settings))
    shop = await stack.enter_async_context(workshop(settings, dsn, metrics))
    resolver = Resolver(shop.pool, metrics)
    async with shop.pool.acquire() as conn:
        await states.retire_others(conn, settings.sources)
        await close_orphans(conn, metrics)
        schedules = [shop.schedule(source, after=resolver.wake) for source in settings.sources]
        for schedule in schedules:
            await schedule.declare(conn)
    port = listening.getsockname()[1]
    leave = await stack.enter_async_context(
        serving(settings, dsn, listening, metrics)
        if settings.api_workers == 1
        else working(settings, dsn, port, metrics)
    )
    group = await stack.enter_async_context(tasks())
    group.create_task(observe(metrics))
    group.create_task(maintain(shop))
    group.create_task(keep_replaying(shop.pool, shop.owner, settings.history_retention_days))
    group.create_task(resolver.keep())
    group.create_task(census.keep_counting(shop.pool, metrics))
    group.create_task(Roller(shop.pool, metrics, settings.history_retention_days).keep())
    group.create_task(collect(shop, [schedule.pipeline.reader for schedule in schedules], resolver))
    for schedule in schedules:
        group.create_task(schedule.keep())
    stack.push_async_callback(leave)
    _greet(settings, listening)
    return shop, group


async def demo(settings: Settings) -> None:
    """Run the service against the sandbox, in a database of its own: simulated figures never meet real ones."""
    works = [_fill_in] if "coingecko" in settings.sources else []
    async with Sandbox(coins=2000, tick_every=5) as sandbox:
        await serve(_simulated(settings, sandbox), *works)


async def _fill_in(shop: Workshop) -> None:
    """What is missing of the last 90 days of a few coins."""
    now = datetime.now(UTC)
    try:
        await shop.backfill("coingecko").run([Coin(name, name) for name in _SHOWN], Span(now - _PAST, now))
    except Exception:  # a demo without a past is one all the same
        log.exception("backfill broke")


def _simulated(settings: Settings, sandbox: Sandbox) -> Settings:
    changes: dict[str, object] = {"database_url": None, "database_read_url": None, "kasparro_home": demo_home(settings)}
    for source, url in {"coinpaprika": sandbox.coinpaprika_url, "coingecko": sandbox.coingecko_url}.items():
        playing = {"base_url": url, "api_key": None, "rate": Rate(100, 1), "credits": "unlimited", "interval": 15.0}
        changes[source] = settings.options(source).model_copy(update=playing)
    return settings.model_copy(update=changes)


def demo_home(settings: Settings) -> Path:
    """The home of the demo: beside the real data, never in it."""
    return settings.kasparro_home / "demo"


async def ingest(settings: Settings, watch: Callable[[Summary], None]) -> list[Summary | NotRun]:
    """One cycle of every source in the settings, all at once; SIGTERM and SIGINT cancel it in order."""
    stop_on_signals()
    async with database(settings) as dsn, workshop(settings, dsn, Metrics()) as shop:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(shop.schedule(source, watch).once()) for source in settings.sources]
        await Resolver(shop.pool, shop.metrics).once()
    return [task.result() for task in tasks]


async def replay(settings: Settings, choice: Choice, unit: Unit) -> list[Replayed]:
    """Replay open records of the quarantine, source by source."""
    stop_on_signals()
    days, owner = settings.history_retention_days, own_name()
    async with database(settings) as dsn, ingest_pool(dsn, size=CONNECTIONS) as pool:
        return [await Replay(SOURCES[name], pool, owner, days, unit).told(choice) for name in settings.sources]


async def rebuild(settings: Settings, since: datetime | None) -> list[Rebuilt]:
    """Derive the latest rows and the history again from raw pages, source by source."""
    stop_on_signals()
    days, owner = settings.history_retention_days, own_name()
    async with database(settings) as dsn, ingest_pool(dsn, size=CONNECTIONS) as pool:
        return [
            await Rebuild(SOURCES[name], settings.options(name), dsn, pool, owner, days, settings.reject_budget).told(
                since
            )
            for name in settings.sources
        ]


async def backfill(settings: Settings, names: Sequence[str], within: Span, *, all_credits: bool) -> Backfilled:
    """Ask the one source in the settings for the past of some coins; raises NotThere, Busy."""
    stop_on_signals()
    async with _backfill(settings, names, all_credits=all_credits) as (work, coins):
        return await work.run(coins, within)


async def missing(settings: Settings, names: Sequence[str], within: Span) -> tuple[list[Missing], int | None]:
    """What a backfill would ask for, and how many calls are free for it; None where no number is promised."""
    async with _backfill(settings, names, all_credits=False) as (work, coins), work.pool.acquire() as conn:
        return [await work.missing(conn, coin, within) for coin in coins], await work.spare()


@asynccontextmanager
async def _backfill(
    settings: Settings, names: Sequence[str], *, all_credits: bool
) -> AsyncIterator[tuple[Backfill, list[Coin]]]:
    [source] = settings.sources
    async with database(settings) as dsn, workshop(settings, dsn, Metrics()) as shop:
        work = shop.backfill(source, all_credits=all_credits)
        async with shop.pool.acquire() as conn:
            coins = list(dict.fromkeys([await named.coin(conn, source, name) for name in names]))
        yield work, coins


async def migrate(settings: Settings) -> None:
    """Bring the database up to date."""
    async with database(settings):
        pass


async def on_database(settings: Settings, work: Callable[[Connection], Awaitable[Result]]) -> Result:
    """Do something on one connection, and return what it comes to."""
    async with database(settings) as dsn:
        conn = await connect(dsn)
        try:
            return await work(conn)
        finally:
            await conn.close()


def _greet(settings: Settings, listening: socket.socket) -> None:
    host, port = listening.getsockname()[:2]
    log.info(
        f"kasparro {__version__} serves http://{f'[{host}]' if ':' in host else host}:{port}",
        database="DATABASE_URL" if settings.database_url else f"embedded in {settings.kasparro_home}",
        workers=settings.api_workers,
        sources={name: _describe(settings, name) for name in settings.sources},
    )


def _describe(settings: Settings, source: str) -> str:
    options = settings.options(source)
    schedule = f"every {options.interval:g} s"
    if not isinstance(options, ApiOptions):
        return schedule
    return f"{schedule}, {'with a' if options.api_key else 'without'} key"
