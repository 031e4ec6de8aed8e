"""Pipelines as the service has them, against the sandbox and a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import asyncpg
import pytest

from kasparro.ingest.pipeline import Pipeline
from kasparro.ingest.reader import reader
from kasparro.ingest.scheduler import Schedule
from kasparro.ingest.transport import session
from kasparro.metrics import Metrics
from kasparro.sandbox import Sandbox
from kasparro.settings import Rate
from kasparro.sources import SOURCES
from kasparro.store import maintenance, states
from kasparro.store.pool import Pool

MakePipeline = Callable[..., Pipeline]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(coins=700, seed=7) as sandbox:
        yield sandbox


@pytest.fixture
async def outbound() -> AsyncIterator[aiohttp.ClientSession]:
    async with session() as outbound:
        yield outbound


@pytest.fixture
async def make_pipeline(sandbox: Sandbox, pool: Pool, outbound: aiohttp.ClientSession) -> MakePipeline:
    """`make_pipeline("coingecko", pages="all")`: a pipeline of the source, against the sandbox where it is an API."""
    async with pool.acquire() as conn:
        await maintenance.prepare(conn, SOURCES)
    urls = {"coinpaprika": sandbox.coinpaprika_url, "coingecko": sandbox.coingecko_url}

    def make(source: str, **changes: Any) -> Pipeline:
        api = {"base_url": urls[source], "rate": Rate(10_000, 1)} if source in urls else {}
        options = SOURCES[source].options_type(**api | changes)
        return Pipeline(reader(SOURCES[source], options, outbound, Metrics()), pool, Metrics(), "test")

    return make


@pytest.fixture
def fetch(pool: Pool) -> Callable[..., Any]:
    """`await fetch("SELECT ...")`: the rows."""

    async def rows(query: str, *values: Any) -> list[asyncpg.Record]:
        async with pool.acquire() as conn:
            return await conn.fetch(query, *values)  # type: ignore[no-any-return]

    return rows


async def cycle(schedule: Schedule, pool: Pool) -> float:
    """What the schedule does at a tick that is due now; returns the seconds until the next one."""
    async with pool.acquire() as conn:
        await states.declare(conn, schedule.source, schedule.interval, pace=schedule.interval, scope=None)
    await schedule.turn()
    async with pool.acquire() as conn:
        return float(await conn.fetchval("SELECT extract(epoch FROM next_run_at - now()) FROM source_state"))


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Retries at once; the list says how long they would have waited."""
    waits: list[float] = []

    async def wait(self: Any, seconds: float) -> None:
        waits.append(seconds)
        self._waited(seconds)

    monkeypatch.setattr("kasparro.ingest.transport.Transport.wait", wait)
    return waits
