"""The database goes away and comes back: the API says so, tells no secrets, and recovers by itself."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from kasparro.errors import DatabaseAway
from kasparro.store.reading import reading

NOWHERE = "postgresql://someone:hunter2@127.0.0.1:1/secret_name"
READS = ["/data", "/stats", "/runs", "/runs/1", "/runs/compare?a=1&b=2", "/drift", "/rejects"]


@pytest.fixture
async def stranded(api_pool_on: Any, aiohttp_client: Any, app_on: Any) -> Any:
    """A client of an API whose database cannot be reached."""
    return await aiohttp_client(app_on(await api_pool_on(NOWHERE)))


async def test_health_keeps_its_shape(stranded: Any) -> None:
    async with stranded.get("/health") as response:
        assert response.status == 503
        assert response.headers["Retry-After"] == "5"
        report = await response.json()
    assert report["status"] == "unhealthy"
    assert report["database"]["status"] == "unreachable"
    assert report["database"]["reason"].startswith("nothing answers there")
    assert report["etl_status"] == {}


@pytest.mark.parametrize("path", READS)
async def test_reads_are_503_problems(stranded: Any, path: str) -> None:
    async with stranded.get(path) as response:
        assert response.status == 503
        assert response.headers["Retry-After"] == "5"
        assert response.content_type == "application/problem+json"
        assert (await response.json())["detail"].startswith("the database is away: nothing answers there")


@pytest.mark.parametrize("path", [*READS, "/", "/health", "/health/ready", "/metrics"])
async def test_no_address_and_no_secret_is_told(stranded: Any, path: str) -> None:
    async with stranded.get(path) as response:
        text = await response.text()
    for secret in ("127.0.0.1", "hunter2", "someone", "secret_name", "asyncpg", "Traceback"):
        assert secret not in text


async def test_what_needs_no_database_still_answers(stranded: Any) -> None:
    for path in ("/", "/docs", "/openapi.json", "/metrics", "/health/live"):
        async with stranded.get(path) as response:
            assert response.status == 200, path


async def test_recovers_after_its_connections_are_killed(client: Any, get: Any, rows: Any) -> None:
    await rows.coin("csv", "x")
    await asyncio.gather(*(get("/data") for _ in range(8)))
    killed = await rows.conn.fetchval(
        "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert killed > 0
    async with client.get("/data") as response:
        assert response.status in (200, 503)  # the pool may not have heard yet
    for _ in range(8):
        assert (await get("/data"))["total"] == 1


@pytest.fixture
async def neighbour(server: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to another database of the same server."""
    conn = await asyncpg.connect(server)
    yield conn
    await conn.close()


async def test_recovers_when_the_database_returns(get: Any, rows: Any, dsn: str, neighbour: asyncpg.Connection) -> None:
    await rows.state("csv")
    await rows.run("csv")
    known = (await get("/health"))["etl_status"]
    name = urlsplit(dsn).path[1:]
    await neighbour.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    await neighbour.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = $1 AND application_name = 'kasparro'",
        name,
    )
    report = await get("/health", status=503)
    assert (report["status"], report["etl_status"]) == ("unhealthy", known)
    assert known["csv"]["last_run_status"] == "success"
    await get("/data", status=503)
    await neighbour.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert (await get("/health"))["status"] == "healthy"
    await get("/data")


async def test_a_statement_that_waits_is_given_up(pool: Any, rows: Any) -> None:
    async with rows.conn.transaction():
        await rows.conn.execute("LOCK TABLE etl_run")
        with pytest.raises(DatabaseAway, match="did not answer in time"):
            async with reading(pool, patience=0.2) as conn:
                await conn.fetchval("SELECT count(*) FROM etl_run")
    async with reading(pool) as conn:
        assert await conn.fetchval("SELECT count(*) FROM etl_run") == 0


async def test_a_full_pool_is_a_503_and_no_endless_queue(get: Any, pool: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("kasparro.store.reading.QUEUE", 0.3)
    async with AsyncExitStack() as stack:
        for _ in range(3):  # of four; the fourth listens
            await stack.enter_async_context(pool.acquire())
        answers = await asyncio.gather(*(get("/runs", status=503) for _ in range(20)))
        assert {answer["detail"] for answer in answers} == {"the database is away: it did not answer in time"}
        assert (await get("/health/live"))["status"] == "alive"
    assert await get("/runs") == []


async def test_our_own_mistakes_stay_mistakes(pool: Any) -> None:
    with pytest.raises(asyncpg.UndefinedColumnError):
        async with reading(pool) as conn:
            await conn.fetchval("SELECT nonsense FROM etl_run")


async def test_a_server_that_says_nothing_is_given_up(api_pool_on: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        pool = await api_pool_on(f"postgresql://someone@127.0.0.1:{silent.getsockname()[1]}/x?sslmode=disable")
        with pytest.raises(DatabaseAway, match="did not answer in time"):
            async with reading(pool, patience=0.2):
                pass
