"""Several processes on one database: each tick is run once, whoever is slow, stopped, or wrong about the time."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from typing import Any

import aiohttp
import asyncpg
import pytest

from kasparro.ingest import scheduler
from kasparro.ingest.pipeline import Pipeline
from kasparro.ingest.reader import reader
from kasparro.ingest.scheduler import Schedule
from kasparro.metrics import Metrics
from kasparro.sandbox import Sandbox, faults
from kasparro.settings import Rate
from kasparro.sources import SOURCES
from kasparro.store import maintenance, states
from kasparro.store.pool import Connection, Pool, ingest_pool

TICKS = 1000
REPLICAS = 3
INTERVAL = 0.02


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(coins=1, seed=7) as sandbox:
        yield sandbox


@pytest.fixture
async def replicas(
    dsn: str, pool: Pool, sandbox: Sandbox, outbound: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[str, float], list[Schedule]]]:
    """Schedules of one source as of several processes, each with a pool of its own."""
    monkeypatch.setattr(scheduler, "POLL", 0.005)
    async with pool.acquire() as conn:
        await maintenance.prepare(conn, SOURCES)
    urls = {"coinpaprika": sandbox.coinpaprika_url, "coingecko": sandbox.coingecko_url}
    async with AsyncExitStack() as stack:
        pools = [await stack.enter_async_context(ingest_pool(dsn, 6)) for _ in range(REPLICAS)]

        def make(source: str, interval: float) -> list[Schedule]:
            unbound = {"rate": Rate(1_000_000, 1), "credits": "unlimited"}
            options = SOURCES[source].options_type(base_url=urls[source], **unbound)
            readers = [reader(SOURCES[source], options, outbound, Metrics()) for _ in pools]
            pipelines = [
                Pipeline(each, own, Metrics(), f"replica {number}")
                for number, (each, own) in enumerate(zip(readers, pools, strict=True))
            ]
            return [Schedule(each, each.pool, Metrics(), interval) for each in pipelines]

        yield make


@asynccontextmanager
async def kept(schedules: list[Schedule]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(schedule.keep()) for schedule in schedules]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def declare(pool: Pool, source: str, interval: float) -> None:
    async with pool.acquire() as conn:
        await states.declare(conn, source, interval, pace=interval, scope=None)


async def runs(pool: Pool, source: str, where: str = "true") -> list[asyncpg.Record]:
    async with pool.acquire() as conn:
        rows: list[asyncpg.Record] = await conn.fetch(
            f"SELECT * FROM etl_run WHERE source = $1 AND {where} ORDER BY run_id",  # noqa: S608 - our own condition
            source,
        )
        return rows


async def until(pool: Pool, source: str, count: int, where: str = "status = 'success'") -> None:
    while len(await runs(pool, source, where)) < count:
        await asyncio.sleep(0.1)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Now and then a process is held up after it has seen that a source is due: others have run it when it goes on."""
    seen, chance = states.due_in, random.Random(7)  # noqa: S311 - a play of chance

    async def due_in(conn: Connection, source: str) -> float | None:
        seconds = await seen(conn, source)
        if seconds == 0 and chance.random() < 0.3:
            await asyncio.sleep(chance.uniform(0, 5 * INTERVAL))
        return seconds

    monkeypatch.setattr(states, "due_in", due_in)


@pytest.mark.usefixtures("slow")
async def test_each_of_a_thousand_ticks_is_run_once(replicas: Any, pool: Pool, sandbox: Sandbox) -> None:
    await declare(pool, "coinpaprika", INTERVAL)
    async with kept(replicas("coinpaprika", INTERVAL)):
        await until(pool, "coinpaprika", TICKS)
    found = await runs(pool, "coinpaprika")
    ticks = [run["scheduled_for"] for run in found]
    fences = [run["fence"] for run in found]
    assert None not in ticks
    assert ticks == sorted(set(ticks))
    assert fences == sorted(set(fences))
    assert all(before["finished_at"] <= after["started_at"] for before, after in pairwise(found))
    assert all(run["started_at"] >= run["scheduled_for"] for run in found)
    async with pool.acquire() as conn:
        off_grid = await conn.fetchval(
            "SELECT count(*) FROM etl_run "
            "WHERE extract(epoch FROM next_tick(source, $1, started_at) - scheduled_for)::numeric % $1::numeric <> 0",
            INTERVAL,
        )
    assert off_grid == 1  # the first, which is the start
    assert {run["status"] for run in found[:TICKS]} == {"success"}
    assert len(sandbox.calls) in (len(found), len(found) + 1)  # one may have been cut off at the end
    shares = Counter(run["owner"] for run in found)
    assert len(shares) == REPLICAS
    assert min(shares.values()) > TICKS / REPLICAS / 10


async def test_source_that_was_away_catches_up_once_and_delays_no_other(
    replicas: Any, pool: Pool, sandbox: Sandbox
) -> None:
    interval = 0.1
    sandbox.fail("coingecko", faults.Html(), times=None)
    for source in ("coingecko", "coinpaprika"):
        await declare(pool, source, interval)
    async with kept(replicas("coingecko", interval) + replicas("coinpaprika", interval)):
        await until(pool, "coinpaprika", 40)
        failed = len(await runs(pool, "coingecko", "status = 'failed'"))
        assert await runs(pool, "coingecko", "status = 'success'") == []
        sandbox.heal()
        before = len(await runs(pool, "coinpaprika"))
        await until(pool, "coingecko", 10)
        during = len(await runs(pool, "coinpaprika")) - before
    assert 20 <= failed <= 60  # about one for each tick
    assert 5 <= during <= 15  # side by side: no tick of the outage was made up for
    on_time = await runs(pool, "coinpaprika", "started_at < scheduled_for + interval '0.1 seconds'")
    assert len(on_time) > 0.9 * len(await runs(pool, "coinpaprika"))
