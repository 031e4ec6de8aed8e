"""Reads on a standby, with a real pair of servers: what is behind is never told as new."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from kasparro.api.keys import MARKET, VERSIONS
from kasparro.errors import DatabaseAway
from kasparro.postgres import binaries, cluster, embedded, remove
from kasparro.postgres.process import output
from kasparro.store import migrations
from kasparro.store.pool import Pools, api_pools

from .conftest import Rows

PATHS = {
    **dict.fromkeys(
        ["/data", "/coins/csv/x", "/coins/csv/x/history", "/data?format=csv", "/assets", "/assets?q=x"], 200
    ),
    **dict.fromkeys(["/coins/csv/x/raw", "/assets/none", "/assets/none/price"], 404),
}
END_LISTENERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kasparro' AND pid <> pg_backend_pid()
"""
NOWHERE = "postgresql://someone:hunter2@127.0.0.1:1/secret_name"


class Pair(NamedTuple):
    """Two servers, and the data folder of the second, which follows the first."""

    primary: str
    standby: str
    data: Path

    @property
    def either(self) -> str:
        """Both in one address, the primary first: asyncpg looks for the standby."""
        user, _, name = self.primary.partition("@")
        hosts = [parse_qs(urlsplit(dsn).query)["host"][0] for dsn in (self.primary, self.standby)]
        path = name.partition("?")[0]
        return f"{user}@{path}?host={','.join(hosts)}&port=5432,5432&target_session_attrs=prefer-standby"


async def begin(folder: Path, stack: AsyncExitStack) -> Pair:
    """Both servers of the pair, until `stack` ends."""
    primary = await stack.enter_async_context(embedded(folder / "primary"))
    await migrations.migrate(primary)
    follower = folder / "standby"
    follower.mkdir(mode=0o711)
    place = cluster.locate(follower)
    await copy(primary, place)
    (place.folder / "password").write_text((cluster.locate(folder / "primary").folder / "password").read_text())
    standby = await stack.enter_async_context(embedded(follower))
    return Pair(primary, standby, place.data)


async def copy(primary: str, place: cluster.Cluster) -> None:
    """The data of the primary, as the beginning of a standby."""
    programs = await binaries.find(place.account, place.data, place.folder)
    place.data.mkdir(mode=0o700)
    os.chown(place.data, *place.account)
    arguments = ("--write-recovery-conf", "--checkpoint=fast", "--no-sync", f"--pgdata={place.data}")
    status, printed = await output(
        programs.folder / "pg_basebackup", f"--dbname={primary}", *arguments, account=place.account
    )
    assert status == 0, printed


@pytest.fixture(scope="module")
def pair(_background: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    stack, folder = AsyncExitStack(), tmp_path_factory.mktemp("pair")
    try:
        yield _background.run(begin(folder, stack))
    finally:
        _background.run(stack.aclose())
        for name in ("primary", "standby"):
            remove(folder / name)


@pytest.fixture
async def rows(pair: Pair) -> AsyncIterator[Rows]:
    """On the primary, which has a coin."""
    conn = await asyncpg.connect(pair.primary)
    await conn.execute("TRUNCATE unified_crypto, price_history")
    rows = Rows(conn)
    await rows.coin("csv", "x")
    await rows.tick("csv", "x", "2026-01-01T00:00:00Z")
    await rows.changed("csv")
    yield rows
    await conn.close()


@pytest.fixture
async def standby(pair: Pair) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(pair.standby)
    yield conn
    await conn.close()


@pytest.fixture
async def pools(pair: Pair, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pools]:
    monkeypatch.setattr("kasparro.api.market._AGAIN", 0.05)
    async with api_pools(pair.primary, pair.standby) as pools:
        yield pools


@pytest.fixture
async def client(pools: Pools, aiohttp_client: Any, app_on: Any) -> Any:
    client = await aiohttp_client(app_on(pools))
    await until(lambda: client.app[VERSIONS].token)
    await until(lambda: is_standby(client))
    return client


async def until(holds: Callable[[], Any]) -> None:
    """`holds` may be a coroutine function."""
    async with asyncio.timeout(20):
        while True:
            held = holds()
            if await held if isinstance(held, Awaitable) else held:
                return
            await asyncio.sleep(0.01)


async def is_standby(client: Any) -> bool:
    """Whether the standby serves, by its own word."""
    async with client.app[MARKET].reading() as conn:
        return bool(await conn.fetchval("SELECT pg_is_in_recovery()"))


async def reads(client: Any) -> dict[str, int]:
    """How often rows were read, by what came of asking the standby."""
    async with client.get("/metrics") as response:
        lines = (await response.text()).splitlines()
    told = [line.split('"') for line in lines if line.startswith("kasparro_standby_reads_total{")]
    return {outcome: int(value.strip("} ")) for _, outcome, value in told}


async def test_rows_come_from_the_standby_and_all_else_from_the_primary(client: Any, pools: Pools) -> None:
    opened, before = pools.market.get_size(), await reads(client)
    for path, status in PATHS.items():
        async with client.get(path) as response:
            assert response.status == status, await response.text()
    async with client.get("/", headers={"Accept": "text/html"}) as response:
        assert "csv" in await response.text()
    for path in ("/runs", "/sources", "/health", "/health/ready"):
        async with client.get(path) as response:
            assert response.status == 200, path
    assert (await reads(client))["standby"] == before["standby"] + len(PATHS) + 1
    assert pools.market.get_size() == opened


async def test_what_is_behind_is_never_told_as_new(client: Any, rows: Rows, standby: asyncpg.Connection) -> None:
    async with client.get("/data") as response:
        old = response.headers["ETag"]
    await standby.execute("SELECT pg_wal_replay_pause()")
    try:
        known = client.app[VERSIONS].token
        await rows.coin("csv", "y")
        await rows.changed("csv")
        await until(lambda: client.app[VERSIONS].token != known)
        for path in ("/data", "/data?format=csv"):
            async with client.get(path, headers={"If-None-Match": old}) as response:
                assert (response.status, "ETag" in response.headers) == (200, True)
                assert '"y"' in await response.text() or ",y," in await response.text()
                assert response.headers["ETag"] != old
        assert (await reads(client))["behind"] >= 2
        await rows.conn.execute(END_LISTENERS)
        await until(lambda: client.app[VERSIONS].token is None)
        async with client.get("/data") as response:  # deaf, and still not older than what was told
            assert '"y"' in await response.text()
        assert await standby.fetchval("SELECT count(*) FROM unified_crypto") == 1
    finally:
        await standby.execute("SELECT pg_wal_replay_resume()")
    await until(lambda: is_standby(client))


async def test_a_standby_that_is_killed_is_replaced_until_it_is_back(client: Any, pair: Pair) -> None:
    os.kill(int((pair.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    await until(lambda: is_primary(client))
    for size in range(1, 10):
        async with client.get(f"/data?page_size={size}") as response:
            assert (response.status, json.loads(await response.read())["total"]) == (200, 1)
    await until(lambda: is_standby(client))


async def is_primary(client: Any) -> bool:
    """A connection may break once, when the standby has just gone."""
    try:
        return not await is_standby(client)
    except DatabaseAway:
        return False


async def test_a_standby_that_cancels_a_query_is_a_503(client: Any, rows: Rows, standby: asyncpg.Connection) -> None:
    await standby.execute("ALTER SYSTEM SET max_standby_streaming_delay = 0")
    await standby.execute("SELECT pg_reload_conf()")

    async def slow() -> None:
        async with client.app[MARKET].reading(60.0) as conn:
            await conn.execute("SELECT pg_sleep(60) FROM unified_crypto")

    asked = asyncio.create_task(slow())
    await until(lambda: standby.fetchval("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))
    await until(lambda: standby.fetchval("SELECT current_setting('max_standby_streaming_delay') = '0'"))
    async with rows.conn.transaction():
        await rows.conn.execute("LOCK TABLE unified_crypto")
    with pytest.raises(DatabaseAway, match="gave up this statement"):
        await asked


async def test_one_address_may_name_both(pair: Pair, rows: Rows, aiohttp_client: Any, app_on: Any) -> None:
    async with api_pools(pair.primary, pair.either) as pools:
        client = await aiohttp_client(app_on(pools))
        await until(lambda: is_standby(client))
        await client.close()


async def test_without_a_primary_the_standby_is_read_and_nothing_is_tagged(
    pair: Pair, rows: Rows, aiohttp_client: Any, app_on: Any
) -> None:
    async with api_pools(NOWHERE, pair.standby) as pools:
        client = await aiohttp_client(app_on(pools))
        async with client.get("/data") as response:
            assert (response.status, "ETag" in response.headers) == (200, False)
        for path, status in {"/health/ready": 200, "/health": 503, "/runs": 503}.items():
            async with client.get(path) as response:
                assert response.status == status, path
        await client.close()
