"""Several replicas on one database: each tick is run once, whoever is slow, and an outage is caught up with once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from kasparro.sandbox import Sandbox, faults
from kasparro.selftest.race import Race, raced, replicas
from kasparro.store.pool import Pool


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(coins=1, seed=7) as sandbox:
        yield sandbox


async def runs(pool: Pool, source: str, status: str) -> list[asyncpg.Record]:
    async with pool.acquire() as conn:
        rows: list[asyncpg.Record] = await conn.fetch(
            "SELECT * FROM etl_run WHERE source = $1 AND status = $2 ORDER BY run_id", source, status
        )
        return rows


async def until(pool: Pool, source: str, count: int) -> None:
    while len(await runs(pool, source, "success")) < count:
        await asyncio.sleep(0.05)


async def test_each_tick_is_run_once_by_one_of_three_replicas(dsn: str, sandbox: Sandbox) -> None:
    race = await raced(dsn, sandbox.coinpaprika_url, ticks=100)
    assert race == Race(race.runs, race.well, twice=0, early=0, overlapping=0, off_grid=0, owners=3)
    assert race.well >= 100
    assert race.runs - race.well in (0, 1)  # one may have been cut off at the end
    assert race.well <= len(sandbox.calls) <= race.runs


async def test_source_that_was_away_catches_up_once_and_delays_no_other(dsn: str, sandbox: Sandbox) -> None:
    urls = {"coinpaprika": sandbox.coinpaprika_url, "coingecko": sandbox.coingecko_url}
    sandbox.fail("coingecko", faults.Html(), times=None)
    async with replicas(dsn, urls, interval=0.2) as pool:
        await until(pool, "coinpaprika", 15)
        failed = await runs(pool, "coingecko", "failed")
        assert await runs(pool, "coingecko", "success") == []
        sandbox.heal()
        before = len(await runs(pool, "coinpaprika", "success"))
        await until(pool, "coingecko", 6)
        during = len(await runs(pool, "coinpaprika", "success")) - before
    assert 5 <= len(failed) <= 25  # about one for each tick
    assert 3 <= during <= 12  # side by side: no tick of the outage was made up for
