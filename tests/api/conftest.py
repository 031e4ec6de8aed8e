"""The API on a real socket before a real database, and rows to fill it with."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from playwright.async_api import Browser, async_playwright

from kasparro.api import create_app
from kasparro.api.site import site
from kasparro.metrics import Metrics
from kasparro.settings import ApiOptions, Settings, SourceOptions
from kasparro.store import versions
from kasparro.store.pool import Pool, Pools, api_pool

ADMIN_KEY = "täst-key"
OPTIONS = {"coinpaprika": ApiOptions, "coingecko": ApiOptions, "csv": SourceOptions}
CHROMIUM = Path("/usr/bin/chromium")
HAS_CHROMIUM = CHROMIUM.exists()
Client = TestClient[web.Request, web.Application]

_COIN = """
INSERT INTO unified_crypto (source, coin_id, name, symbol, rank, price_usd, market_cap_usd, price_change_24h_percent,
    observed_at, fetched_at, run_id, raw_id, raw_position)
VALUES ($1, $2, $3, $4, $5, $6::text::numeric, $7::text::numeric, $8::text::numeric, now(), now(), 1, 1, 0)
"""
_STATE = """
INSERT INTO source_state (source, enabled, interval_seconds, is_parked, reason, simulated, next_run_at)
VALUES ($1, $2, 300, $3, $4, $5, now() + interval '5 minutes')
"""
_RUN = """
INSERT INTO etl_run (source, status, trigger, owner, fence, started_at, finished_at, fetched, inserted, rejected,
    error_message, resumed_from)
VALUES ($1, $2, 'schedule', 'test', 1, now() - $3::float8 * interval '1 second',
    CASE WHEN $2 <> 'running' THEN now() - ($3 - $4::float8) * interval '1 second' END,
    $5::bigint + $6::bigint, $5, $6, $7, $8)
RETURNING run_id
"""
_LEASE = """
INSERT INTO source_lease (source, owner, fence, expires_at, backend_pid, backend_start)
SELECT $1, 'test', 1, now(), pid, backend_start + CASE WHEN $2 THEN interval '0' ELSE interval '-1 day' END
FROM pg_stat_activity WHERE pid = pg_backend_pid()
"""
_DRIFT = """
INSERT INTO schema_drift (source, kind, path, severity, confidence, first_run_id, last_run_id)
VALUES ($1, $2, $3, 'warning', 1, 1, 1)
"""
_PLAN = """
INSERT INTO source_plan (source, plan, key, credits, kept, interval_seconds)
VALUES ($1, 'free', $2, $3::bigint, coalesce($3 / 20, 0), $4)
"""
_TICK = """
INSERT INTO price_history (source, coin_id, observed_at, price_usd, fetched_at, run_id, raw_id, raw_position)
VALUES ($1, $2, $3::text::timestamptz, $4::text::numeric, now(), 1, 1, 0)
"""
_ABSENCE = """
INSERT INTO coin_absence (source, coin_id, missed_by, confirmed_by, confirmed_at)
VALUES ($1, $2, 1, CASE WHEN $3 THEN 2 END, CASE WHEN $3 THEN now() END)
"""
_USED = "INSERT INTO request_quota (source, key, used) VALUES ($1, $2, $3)"
_REJECT = """
INSERT INTO etl_reject (source, run_id, position, record, reasons)
VALUES ($1, $2, 0, $3, '[{"path": "quotes.USD.price", "message": "not a number", "value": "\\"x\\""}]')
"""

_PAGE = """
INSERT INTO raw (source, raw_id, run_id, page, url, status, body, sha256, fetched_at)
VALUES ($1, 1, 1, 1, 'here', 200, $2, sha256($2::text::bytea), now())
"""


class Rows:
    """Writes rows, one call each."""

    def __init__(self, conn: asyncpg.Connection) -> None:
        self.conn = conn

    async def coin(
        self,
        source: str,
        coin_id: str,
        *,
        symbol: str | None = "SYM",
        rank: int | None = None,
        price: str | None = "1",
        cap: str | None = None,
        change: str | None = None,
        name: str = "A coin",
    ) -> None:
        await self.conn.execute(_COIN, source, coin_id, name, symbol, rank, price, cap, change)

    async def tick(self, source: str, coin_id: str, at: str, price: str = "1") -> None:
        """What the source said at a time."""
        await self.conn.execute("SELECT ensure_history_partition($1::text::date)", at)
        await self.conn.execute(_TICK, source, coin_id, at, price)

    async def absence(self, source: str, coin_id: str, *, confirmed: bool) -> None:
        await self.conn.execute(_ABSENCE, source, coin_id, confirmed)

    async def page(self, source: str, body: str) -> None:
        """The raw page that the coins of the source came on, all at its first place."""
        await self.conn.execute("SELECT ensure_raw_partition($1)", source)
        await self.conn.execute(_PAGE, source, body)

    async def changed(self, source: str) -> None:
        """Tell that the data has changed, as ingestion does."""
        await versions.bump(self.conn, source)

    async def state(
        self,
        source: str,
        *,
        enabled: bool = True,
        parked: bool = False,
        reason: str | None = None,
        simulated: bool = False,
    ) -> None:
        """At an interval of 300 seconds."""
        await self.conn.execute(_STATE, source, enabled, parked, reason, simulated)

    async def run(
        self,
        source: str,
        status: str = "success",
        *,
        ago: float = 60,
        seconds: float = 10,
        inserted: int = 100,
        rejected: int = 0,
        error: str | None = None,
        resumed_from: int | None = None,
    ) -> int:
        """A run that began `ago` seconds ago."""
        run_id: int = await self.conn.fetchval(
            _RUN, source, status, float(ago), float(seconds), inserted, rejected, error, resumed_from
        )
        return run_id

    async def lease(self, source: str, *, alive: bool) -> None:
        """A lease that has just run out, of a session that lives or of one that has ended."""
        await self.conn.execute(_LEASE, source, alive)

    async def drift(self, source: str, kind: str, path: str) -> None:
        await self.conn.execute(_DRIFT, source, kind, path)

    async def plan(self, source: str, limit: int | None, *, used: int = 0, key: str = "", pace: float = 300) -> None:
        """What a source may spend in a month and has spent, at a pace in seconds."""
        await self.conn.execute(_PLAN, source, key, limit, float(pace))
        if used:
            await self.conn.execute(_USED, source, key, used)

    async def reject(self, source: str, run_id: int, record: str) -> None:
        await self.conn.execute(_REJECT, source, run_id, record)


@pytest.fixture
async def rows(dsn: str) -> AsyncIterator[Rows]:
    conn = await asyncpg.connect(dsn)
    yield Rows(conn)
    await conn.close()


@pytest.fixture
async def filled(rows: Rows) -> None:
    """At least one row for every schema."""
    for source in ("csv", "coingecko"):
        await rows.state(source)
        await rows.coin(source, "x", rank=1, price="1.5")
        await rows.coin(source, "y", price=None, symbol=None)
    await rows.conn.execute("INSERT INTO asset (asset_id, name, sources) VALUES ('x-y', 'X', 1)")
    await rows.conn.execute(
        "INSERT INTO asset_source (source, coin_id, asset_id, name, method, confidence) "
        "VALUES ('csv', 'x', 'x-y', 'X', 'manual', 1)"
    )
    await rows.page("csv", "coin_id,price\nx,1.5\n")
    await rows.tick("csv", "x", "2026-01-31T12:00:00Z", "1.5")
    await rows.run("csv", "partial", inserted=100)
    run_id = await rows.run("csv", "failed", inserted=10, rejected=5, error="x")
    await rows.run("csv", "running")
    await rows.conn.execute(
        "INSERT INTO etl_checkpoint (source, cursor, run_id, page) VALUES ('csv', '{\"byte\": 1}', $1, 1)", run_id
    )
    await rows.drift("csv", "new_field", "x")
    await rows.plan("coingecko", 1000)
    await rows.plan("coinpaprika", None)
    await rows.reject("csv", 2, "x")


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Pool]:
    """A pool as the API has it. It is asked for before `aiohttp_client`, which so ends before it."""
    async with api_pool(dsn, 4) as pool:
        yield pool


@pytest.fixture
def app_on() -> Callable[..., web.Application]:
    """Builds the application on one pool, or on several, with settings as from the environment."""

    def build(pool: Pool | Pools, **environ: str) -> web.Application:
        settings = Settings.load(OPTIONS, environ, Path("no such file"))
        pools = pool if isinstance(pool, Pools) else Pools(pool, pool, pool)
        return create_app(pools=pools, metrics=Metrics(), settings=settings)

    return build


@pytest.fixture
async def client(
    pool: Pool, aiohttp_client: Callable[..., Awaitable[Client]], app_on: Callable[..., web.Application]
) -> Client:
    return await aiohttp_client(app_on(pool, ADMIN_API_KEY=ADMIN_KEY))


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[web.Application], Awaitable[int]]]:
    """Puts an application on a socket as the service does, and returns its port."""
    async with AsyncExitStack() as stack:

        async def put(application: web.Application) -> int:
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            await stack.enter_async_context(site(application, listening))
            return int(listening.getsockname()[1])

        yield put


@pytest.fixture
def get(client: Client) -> Callable[..., Awaitable[Any]]:
    """The JSON behind a path, which must answer with this status."""

    async def fetch(path: str, status: int = 200) -> Any:
        async with client.get(path) as response:
            assert response.status == status, await response.text()
            return await response.json(content_type=None)

    return fetch


@pytest.fixture
async def api_pool_on() -> AsyncIterator[Callable[[str], Awaitable[Pool]]]:
    """Opens the API's pool on any address, reachable or not."""
    async with AsyncExitStack() as stack:

        async def build(dsn: str) -> Pool:
            return await stack.enter_async_context(api_pool(dsn, 4))

        yield build


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A real Chromium, without a window."""
    if not HAS_CHROMIUM:
        pytest.skip("no Chromium is installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()
