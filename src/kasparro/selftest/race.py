"""A race of replicas for the ticks of their sources: each tick is run once, by whichever comes first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

import aiohttp

from kasparro.ingest.pipeline import Pipeline
from kasparro.ingest.reader import reader
from kasparro.ingest.scheduler import Schedule
from kasparro.ingest.transport import session
from kasparro.metrics import Metrics
from kasparro.settings import Rate
from kasparro.sources import SOURCES
from kasparro.store import maintenance
from kasparro.store.pool import Pool, ingest_pool
from kasparro.store.sql import statement

_TICKS = statement("selftest_ticks")
_POLL = 0.005  # seconds between the looks of a replica, where the product has 1
_OFTEN = 0.3  # how often a replica is held up after it has seen that its source is due


class Race(NamedTuple):
    """What the runs of a race say of themselves; all is well where the numbers between `well` and `owners` are 0."""

    runs: int
    well: int
    twice: int
    early: int
    overlapping: int
    off_grid: int
    owners: int


async def raced(dsn: str, base_url: str, *, ticks: int, interval: float = 0.02, seed: int = 7) -> Race:
    """Let three replicas run the ticks of CoinPaprika, played at `base_url`, until so many went well.

    The database is migrated, and the source has no run in it. Now and then a replica is held up when it has seen that
    the source is due, so that others have run it when it goes on.
    """
    async with replicas(dsn, {"coinpaprika": base_url}, interval=interval, chance=Random(seed)) as pool:  # noqa: S311
        while (await _so_far(pool, interval)).well < ticks:  # noqa: ASYNC110 - the ticks are rows, and no event
            await asyncio.sleep(0.1)
    async with ingest_pool(dsn, 1) as pool:
        return await _so_far(pool, interval)


async def _so_far(pool: Pool, interval: float) -> Race:
    async with pool.acquire() as conn:
        return Race(*await conn.fetchrow(_TICKS, "coinpaprika", interval))


@asynccontextmanager
async def replicas(
    dsn: str, urls: Mapping[str, str], *, interval: float, chance: Random | None = None, count: int = 3
) -> AsyncIterator[Pool]:
    """Replicas that run the sources at these URLs as long as the context lasts, each with a pool of its own."""
    async with AsyncExitStack() as stack:
        outbound = await stack.enter_async_context(session())
        pools = [await stack.enter_async_context(ingest_pool(dsn, 4 * len(urls) + 2)) for _ in range(count)]
        async with pools[0].acquire() as conn:
            await maintenance.prepare(conn, list(urls))
        schedules = [
            _Hesitant(_pipeline(source, url, outbound, pool, f"replica {number}"), pool, Metrics(), interval, _POLL)
            for number, pool in enumerate(pools)
            for source, url in urls.items()
        ]
        await stack.enter_async_context(_kept(schedules, chance))
        yield pools[0]


def _pipeline(source: str, url: str, outbound: aiohttp.ClientSession, pool: Pool, owner: str) -> Pipeline:
    options: Any = SOURCES[source].options_type
    read = options(base_url=url, rate=Rate(1_000_000, 1), credits="unlimited")
    return Pipeline(reader(SOURCES[source], read, outbound, Metrics()), pool, Metrics(), owner)


@dataclass(slots=True)
class _Hesitant(Schedule):
    """A schedule that chance holds up now and then, between the look and the run."""

    chance: Random | None = None

    async def due_in(self) -> float | None:
        seconds = await Schedule.due_in(self)
        if seconds == 0 and self.chance and self.chance.random() < _OFTEN:
            await asyncio.sleep(self.chance.uniform(0, 5 * self.interval))
        return seconds


@asynccontextmanager
async def _kept(schedules: list[_Hesitant], chance: Random | None) -> AsyncIterator[None]:
    for schedule in schedules:
        schedule.chance = chance
        async with schedule.pool.acquire() as conn:
            await schedule.declare(conn)
    tasks = [asyncio.create_task(schedule.keep()) for schedule in schedules]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
