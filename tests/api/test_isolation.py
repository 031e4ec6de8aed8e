"""What holds up some requests holds up no others: a table that is locked, pages that take long to cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from aiohttp import ClientSession

from kasparro.api.keys import CUTS
from kasparro.store.pool import Pools, api_pools

HTML = {"Accept": "text/html"}
OTHERS = ["/health", "/health/ready", "/metrics", "/runs", "/stats", "/sources", "/drift", "/rejects", "/quota"]
_WAITING = """
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE NOT granted AND datname = current_database()
"""


@pytest.fixture
async def pools(dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pools]:
    """As the service has them, but for less patience."""
    monkeypatch.setattr("kasparro.store.pool._READING", {"statement_timeout": "10s", "lock_timeout": "1s"})
    monkeypatch.setattr("kasparro.store.reading.QUEUE", 0.5)
    async with api_pools(dsn) as pools:
        yield pools


@pytest.fixture
async def client(pools: Pools, aiohttp_client: Any, app_on: Any) -> Any:
    return await aiohttp_client(app_on(pools))


async def refused(client: ClientSession, path: str) -> str:
    """Why the path cannot be answered now."""
    async with client.get(path) as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "5"), await response.text()
        return str((await response.json(content_type=None))["detail"])


async def waiting(conn: asyncpg.Connection, number: int) -> None:
    """Until so many wait for a lock."""
    async with asyncio.timeout(20):
        while await conn.fetchval(_WAITING) < number:
            await asyncio.sleep(0.01)


async def test_a_locked_market_is_a_503_and_all_else_goes_on(client: Any, rows: Any, pools: Pools) -> None:
    await rows.state("csv")
    await rows.run("csv")
    await rows.coin("csv", "x")
    async with rows.conn.transaction():
        await rows.conn.execute("LOCK TABLE unified_crypto")
        paths = [*(f"/data?page_size={size}" for size in range(1, 21)), "/coins/csv/x", "/data?format=csv"]
        asked = [asyncio.create_task(refused(client, path)) for path in paths]
        await waiting(rows.conn, pools.market.get_max_size())
        for path in OTHERS:
            async with client.get(path) as response:
                assert response.status == 200, path
        async with client.get("/", headers=HTML) as response:
            page = await response.text()
        assert (await asyncio.gather(*asked))[0] == "the database is away: a table is locked"
    assert "Not everything can be shown" in page
    assert "All sources are well" in page
    async with client.get("/data") as response:
        assert (await response.json())["total"] == 1


async def test_health_that_cannot_be_told_takes_one_connection_however_many_ask(
    client: Any, rows: Any, get: Callable[..., Awaitable[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kasparro.api.standing._PATIENCE", 0.5)
    async with rows.conn.transaction():
        await rows.conn.execute("LOCK TABLE etl_run")
        asked = [asyncio.create_task(get("/health", status=503)) for _ in range(20)]
        await waiting(rows.conn, 1)
        assert await get("/health/ready") == {"status": "ready", "reason": None}
        assert await rows.conn.fetchval(_WAITING) == 1
        assert {report["status"] for report in await asyncio.gather(*asked)} == {"unhealthy"}
    assert (await get("/health"))["status"] == "healthy"


async def test_who_cannot_cut_a_page_soon_is_told_to_come_again(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kasparro.api.coins.QUEUE", 0.05)
    async with client.app[CUTS], client.app[CUTS]:
        assert await refused(client, "/coins/csv/x/raw") == "raw pages are being cut for others, and they take long"
    async with client.get("/coins/csv/x/raw") as response:
        assert response.status == 404
