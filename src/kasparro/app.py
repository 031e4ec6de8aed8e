"""The composition root: the one module that knows all the others, and in what order they start and stop."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import aiohttp
from aiohttp import web

from kasparro import __version__, api
from kasparro.api.site import site
from kasparro.domain import Coin, Span
from kasparro.errors import ConfigurationError
from kasparro.ingest import census, named
from kasparro.ingest.assets import Resolver
from kasparro.ingest.backfill import Backfill
from kasparro.ingest.backfill import Summary as Backfilled
from kasparro.ingest.candles import Roller
from kasparro.ingest.claim import close_orphans
from kasparro.ingest.contracts import Collector
from kasparro.ingest.gap_map import Missing
from kasparro.ingest.pipeline import Pipeline, Summary
from kasparro.ingest.reader import ApiReader, Reader, reader
from kasparro.ingest.rebuild import Rebuild, Rebuilt
from kasparro.ingest.replay import Replay, Replayed, Unit, keep_replaying
from kasparro.ingest.scheduler import NotRun, Schedule
from kasparro.ingest.transport import session
from kasparro.log import logger
from kasparro.metrics import Metrics
from kasparro.postgres import embedded, running_dsn
from kasparro.sandbox import Sandbox
from kasparro.settings import ApiOptions, Rate, Settings
from kasparro.sources import SOURCES
from kasparro.store import maintenance, migrations, runs, states
from kasparro.store.pool import ERRORS, Connection, Pool, api_pool, connect, explain, ingest_pool
from kasparro.store.rejects import Choice

_HOUR = 3600.0
_SHOWN = ("bitcoin", "ethereum", "solana")  # coins of the demo that have a past, so far
_PAST = timedelta(days=90)
_LOOK = 60.0  # seconds between looks whether contracts are due
_SAMPLE = 0.1  # seconds between looks at the event loop: a step that lasts longer is never missed
_DRAIN = 0.5  # seconds between saying that we stop and stopping
_CLOSING = 2.0  # seconds for the runs that are still open at the end; the next process closes them too
_CONNECTIONS = 3  # of a run or a replay: itself, its heartbeat, its partitions

Result = TypeVar("Result")
log = logger("app")


@dataclass(frozen=True, slots=True)
class Workshop:
    """What every run needs."""

    settings: Settings
    pool: Pool
    metrics: Metrics
    session: aiohttp.ClientSession
    owner: str

    def schedule(
        self,
        source: str,
        watch: Callable[[Summary], None] = lambda _: None,
        after: Callable[[], None] = lambda: None,
    ) -> Schedule:
        """The schedule of a source, with its pipeline."""
        options = self.settings.options(source)
        reading = reader(SOURCES[source], options, self.session, self.metrics)
        days = self.settings.history_retention_days
        pipeline = Pipeline(
            reading, self.pool, self.metrics, self.owner, days, watch, reject_budget=self.settings.reject_budget
        )
        return Schedule(pipeline, self.pool, self.metrics, options.interval, after=after)

    def backfill(self, source: str, *, all_credits: bool = False) -> Backfill:
        """The backfill of a source; raises ConfigurationError where it tells nothing of the past."""
        reading = self.schedule(source).pipeline.reader
        if not isinstance(reading, ApiReader) or not reading.source.reaches(reading.options):
            raise ConfigurationError(
                f"{source} cannot be asked for the past; dated rows of a file become history when it is read: "
                "`CSV_PATH=history.csv kasparro ingest csv` reads one that is kept elsewhere"
            )
        days, reject_budget = self.settings.history_retention_days, self.settings.reject_budget
        return Backfill(reading, self.pool, self.metrics, self.owner, days, reject_budget, all_credits)


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[str]:
    """DSN of the database, migrated: the configured one, the one that the service runs, or one of our own meanwhile."""
    async with AsyncExitStack() as stack:
        if settings.database_url:
            dsn = settings.database_url.get_secret_value()
        elif (running := running_dsn(settings.kasparro_home)) is not None:
            dsn = running
        else:
            dsn = await stack.enter_async_context(embedded(settings.kasparro_home))
        for name in await migrations.migrate(dsn):
            log.info("migration applied", migration=name)
        yield dsn


@asynccontextmanager
async def workshop(settings: Settings, dsn: str, metrics: Metrics) -> AsyncIterator[Workshop]:
    """Pool, session and partitions for ingestion."""
    async with (
        ingest_pool(dsn, size=_CONNECTIONS * (len(settings.sources) + 1) + 4) as pool,
        session() as outbound,
    ):
        async with pool.acquire() as conn:
            await maintenance.prepare(conn, settings.sources)
        owner = _owner()
        try:
            yield Workshop(settings, pool, metrics, outbound, owner)
        finally:
            with suppress(*ERRORS):
                async with asyncio.timeout(_CLOSING), pool.acquire() as conn:
                    await runs.close_own(conn, owner)


def _owner() -> str:
    """A name that no other process has."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


async def serve(settings: Settings, *works: Callable[[Workshop], Coroutine[None, None, None]]) -> None:
    """Run the service, and works beside it, until SIGTERM or SIGINT; raises ConfigurationError when it cannot start."""
    _stop_on_signals()
    try:
        async with AsyncExitStack() as stack:
            listening = stack.enter_context(_listen(settings))
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
    readers = await stack.enter_async_context(api_pool(dsn))
    shop = await stack.enter_async_context(workshop(settings, dsn, metrics))
    resolver = Resolver(shop.pool, metrics)
    async with shop.pool.acquire() as conn:
        await states.retire_others(conn, settings.sources)
        await close_orphans(conn, metrics)
        schedules = [shop.schedule(source, after=resolver.wake) for source in settings.sources]
        for schedule in schedules:
            await schedule.declare(conn)
    application = api.create_app(pool=readers, metrics=metrics, settings=settings)
    await stack.enter_async_context(site(application, listening))
    group = await stack.enter_async_context(_tasks())
    group.create_task(_observe(metrics))
    group.create_task(_maintain(shop))
    group.create_task(keep_replaying(shop.pool, shop.owner, settings.history_retention_days))
    group.create_task(resolver.keep())
    group.create_task(census.keep_counting(shop.pool, metrics))
    group.create_task(Roller(shop.pool, metrics, settings.history_retention_days).keep())
    group.create_task(_collect(shop, [schedule.pipeline.reader for schedule in schedules], resolver))
    for schedule in schedules:
        group.create_task(schedule.keep())
    stack.push_async_callback(_drain, application)
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
    changes: dict[str, object] = {"database_url": None, "kasparro_home": demo_home(settings)}
    for source, url in {"coinpaprika": sandbox.coinpaprika_url, "coingecko": sandbox.coingecko_url}.items():
        playing = {"base_url": url, "api_key": None, "rate": Rate(100, 1), "credits": "unlimited", "interval": 15.0}
        changes[source] = settings.options(source).model_copy(update=playing)
    return settings.model_copy(update=changes)


def demo_home(settings: Settings) -> Path:
    """The home of the demo: beside the real data, never in it."""
    return settings.kasparro_home / "demo"


async def ingest(settings: Settings, watch: Callable[[Summary], None]) -> list[Summary | NotRun]:
    """One cycle of every source in the settings, all at once; SIGTERM and SIGINT cancel it in order."""
    _stop_on_signals()
    async with database(settings) as dsn, workshop(settings, dsn, Metrics()) as shop:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(shop.schedule(source, watch).once()) for source in settings.sources]
        await Resolver(shop.pool, shop.metrics).once()
    return [task.result() for task in tasks]


async def replay(settings: Settings, choice: Choice, unit: Unit) -> list[Replayed]:
    """Replay open records of the quarantine, source by source."""
    _stop_on_signals()
    days, owner = settings.history_retention_days, _owner()
    async with database(settings) as dsn, ingest_pool(dsn, size=_CONNECTIONS) as pool:
        return [await Replay(SOURCES[name], pool, owner, days, unit).told(choice) for name in settings.sources]


async def rebuild(settings: Settings, since: datetime | None) -> list[Rebuilt]:
    """Derive the latest rows and the history again from raw pages, source by source."""
    _stop_on_signals()
    days, owner = settings.history_retention_days, _owner()
    async with database(settings) as dsn, ingest_pool(dsn, size=_CONNECTIONS) as pool:
        return [
            await Rebuild(SOURCES[name], settings.options(name), dsn, pool, owner, days, settings.reject_budget).told(
                since
            )
            for name in settings.sources
        ]


async def backfill(settings: Settings, names: Sequence[str], within: Span, *, all_credits: bool) -> Backfilled:
    """Ask the one source in the settings for the past of some coins; raises NotThere, Busy."""
    _stop_on_signals()
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


def _stop_on_signals() -> None:
    """The first SIGTERM or SIGINT ends the service in order; a second one ends it as the system does."""
    loop, main = asyncio.get_running_loop(), asyncio.current_task()
    assert main  # noqa: S101 - we are inside it

    def stop() -> None:
        log.info("stopping")
        main.cancel()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


def _listen(settings: Settings) -> socket.socket:
    """The listening socket, taken before anything is started."""
    host, port = settings.api_host, settings.api_port
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except socket.gaierror:
        raise ConfigurationError(f"API_HOST: {host!r} is no address of this machine") from None
    except OSError as error:
        raise ConfigurationError(
            f"API_PORT: cannot listen on {host}:{port}: {error.strerror}; set API_HOST or API_PORT to others"
        ) from None


async def _drain(application: web.Application) -> None:
    """Say that we are about to stop, for long enough that a balancer may hear it."""
    api.drain(application)
    await asyncio.sleep(_DRAIN)


@asynccontextmanager
async def _tasks() -> AsyncIterator[asyncio.TaskGroup]:
    """A group of endless tasks, cancelled at the end."""
    async with asyncio.TaskGroup() as group:
        yield group


async def _observe(metrics: Metrics) -> None:
    """Measure how late the event loop is."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _SAMPLE
        await asyncio.sleep(_SAMPLE)
        metrics.loop_lag(max(0.0, loop.time() - due))


async def _maintain(shop: Workshop) -> None:
    """Partitions ahead and retention, every hour; what fails is tried again in an hour."""
    settings = shop.settings
    while True:
        try:
            async with shop.pool.acquire() as conn:
                await maintenance.prepare(conn, settings.sources)
                gone = await maintenance.retain(
                    conn,
                    raw_days=settings.raw_retention_days,
                    history_days=settings.history_retention_days,
                    run_days=settings.run_retention_days,
                )
            log.info("maintenance done", **{f"{what}_deleted": count for what, count in gone._asdict().items()})
        except ERRORS as error:
            log.warning("maintenance put off", reason=explain(error))
        except Exception:  # the one place that keeps maintenance alive whatever happens
            log.exception("maintenance broke")
        await asyncio.sleep(_HOUR)


async def _collect(shop: Workshop, readers: Sequence[Reader], resolver: Resolver) -> None:
    """Contracts of each source, once a day; prices come first, so not at once."""
    collectors = [Collector(reader, shop.pool, shop.metrics) for reader in readers if isinstance(reader, ApiReader)]
    while True:
        await asyncio.sleep(_LOOK)
        for collector in collectors:
            if await collector.once():
                resolver.wake_for_everything()


def _greet(settings: Settings, listening: socket.socket) -> None:
    host, port = listening.getsockname()[:2]
    log.info(
        f"kasparro {__version__} serves http://{f'[{host}]' if ':' in host else host}:{port}",
        database="DATABASE_URL" if settings.database_url else f"embedded in {settings.kasparro_home}",
        sources={name: _describe(settings, name) for name in settings.sources},
    )


def _describe(settings: Settings, source: str) -> str:
    options = settings.options(source)
    schedule = f"every {options.interval:g} s"
    if not isinstance(options, ApiOptions):
        return schedule
    return f"{schedule}, {'with a' if options.api_key else 'without'} key"
