"""What clients feel of an ingestion: `/data` while runs of 20,000 coins follow each other, and while there are none."""

from __future__ import annotations

import asyncio
import json
import tempfile
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg

from .databases import Databases
from .load import Load, Wish, load
from .process import Server, free_port, serving
from .report import Figure, Most
from .serving import CONNECTIONS, PATH, lines, resolved
from .upstream import upstream

COINS = 20_000
SECONDS = 5
ROUNDS = 3
_KEY = "bench"
_MOST = 2  # times as long
_BEGUN = "SELECT count(*) FROM etl_run"
_RUNNING = "SELECT count(*) FROM etl_run WHERE status = 'running'"


async def measure(made: Databases) -> list[Figure]:
    """Latencies of the same page of the same service, in turns."""
    dsn, port = await made.fresh(), free_port()
    with upstream(COINS, free_port(), tick_every=2) as vendors, tempfile.TemporaryDirectory() as folder:
        environ = {"COINPAPRIKA_BASE_URL": vendors.coinpaprika, "COINPAPRIKA_INTERVAL": "1d", "SOURCES": "coinpaprika"}
        limits = {"COINPAPRIKA_CREDITS": "unlimited", "COINPAPRIKA_RATE": "100/1", "ADMIN_API_KEY": _KEY}
        service = {"DATABASE_URL": dsn, "API_PORT": str(port), "KASPARRO_HOME": ".kasparro"}
        command = ("-m", "kasparro", "serve")
        with serving(Path(folder), port, PATH, *command, **environ, **limits, **service) as server:
            await resolved(dsn, COINS)
            return list(_figures(*await _rounds(server, dsn)))


async def _rounds(server: Server, dsn: str) -> tuple[list[Load], list[Load], list[int]]:
    """Loads without ingestion, loads with it, and how many runs began during each of these."""
    quiet, busy, runs = [], [], []
    conn = await asyncpg.connect(dsn)
    for _ in range(ROUNDS):
        quiet.append(await _load(server))
        before = await conn.fetchval(_BEGUN)
        async with _ordering(server):
            busy.append(await _load(server))
        runs.append(await conn.fetchval(_BEGUN) - before)
        assert runs[-1], "no run has begun meanwhile"
        await _at_rest(conn)
    await conn.close()
    return quiet, busy, runs


async def _at_rest(conn: asyncpg.Connection) -> None:
    """Until no run is under way."""
    while await conn.fetchval(_RUNNING):
        await asyncio.sleep(0.1)


async def _load(server: Server) -> Load:
    return await load(server, Wish([PATH]), connections=CONNECTIONS, seconds=SECONDS)


@asynccontextmanager
async def _ordering(server: Server) -> AsyncIterator[None]:
    """One run after the other, each as soon as the one before has ended."""
    task = asyncio.create_task(_order(server))
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _order(server: Server) -> None:
    wish = urllib.request.Request(  # noqa: S310 - loopback
        server.url("/runs"),
        json.dumps({"source": "coinpaprika"}).encode(),
        {"X-API-Key": _KEY, "Content-Type": "application/json"},
    )
    while True:
        with suppress(urllib.error.HTTPError):  # one is under way
            await asyncio.to_thread(urllib.request.urlopen, wish)
        await asyncio.sleep(0.05)


def _figures(quiet: list[Load], busy: list[Load], runs: list[int]) -> Iterator[Figure]:
    """The best round of each kind."""
    without, beside = (min(loads, key=lambda one: one.p99) for loads in (quiet, busy))
    yield from lines(f"GET {PATH}, no ingestion", without)
    for name in ("p50", "p99", "p999"):
        times = getattr(beside, name) / getattr(without, name)
        what = {"p50": "half", "p99": "99 %", "p999": "99.9 %"}[name]
        against = f"{times:.2f} times {Most(times, _MOST) if name == 'p99' else ''}"
        yield Figure(f"    while coins are ingested: {what} within", getattr(beside, name), "ms", against)
    yield from lines("    the same", beside, f"runs of {COINS:,} coins meanwhile: {runs}")
