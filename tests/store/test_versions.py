"""The version of the data moves with the data, in its transaction, and never without it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from kasparro.domain import Entry, Ticker
from kasparro.store import maintenance, notices, rebuild, tickers, versions
from kasparro.store.pool import Pool

NOW = datetime.now(UTC)


def ticker(price: str, minutes: int = 0) -> Ticker:
    blank = dict.fromkeys(Ticker._fields)
    moment = NOW + timedelta(minutes=minutes)
    return Ticker(**{**blank, "coin_id": "x", "name": "X", "price_usd": price, "source_updated_at": moment})


async def merge(conn: Any, price: str, minutes: int = 0) -> None:
    origin = tickers.Origin("csv", 1, 1, NOW, False, NOW - timedelta(days=1))
    await tickers.merge(conn, origin, tickers.copy_text([Entry(0, ticker(price, minutes))]))


async def number(conn: Any) -> int:
    return sum(version.version for version in await versions.current(conn))


async def test_what_changes_moves_the_version_and_what_does_not_leaves_it(pool: Pool) -> None:
    async with pool.acquire() as conn:
        await maintenance.prepare(conn, ["csv"])
        seen = []
        for price, minutes in (("1", 0), ("1", 0), ("2", 1), ("3", 0), ("2", 1)):
            async with conn.transaction():
                await merge(conn, price, minutes)
            seen.append(await number(conn))
    assert seen == [1, 1, 2, 2, 2]


async def test_a_version_is_told_when_the_data_is_committed_and_not_before(pool: Pool) -> None:
    heard = asyncio.Event()
    async with pool.acquire() as writer, notices.listening(pool, heard.set) as reader:
        await maintenance.prepare(writer, ["csv"])
        given_up = writer.transaction()
        await given_up.start()
        await merge(writer, "1")
        await given_up.rollback()
        async with writer.transaction():
            await merge(writer, "1")
            assert await number(reader) == 0
            assert not heard.is_set()
        async with asyncio.timeout(10):
            await heard.wait()
        assert await number(reader) == 1


INVENTED = """
WITH page AS (
    INSERT INTO raw (source, run_id, page, url, status, body, sha256, fetched_at)
    VALUES ('csv', 1, 1, 'here', 200, '', '', now()) RETURNING raw_id
)
INSERT INTO unified_crypto (source, coin_id, name, observed_at, fetched_at, run_id, raw_id, raw_position)
SELECT 'csv', 'invented', 'X', now(), now(), 1, raw_id, 0 FROM page
"""


async def test_what_a_rebuild_writes_moves_the_version_too(dsn: str) -> None:
    async with rebuild.session(dsn) as conn:
        await maintenance.prepare(conn, ["csv"])
        await conn.execute(INVENTED)
        await rebuild.begin(conn, "csv", since=None, needs_reading=False)
        coins = await rebuild.derived(conn, "csv")
        for deleted in (1, 0):
            async with conn.transaction():
                written = await rebuild.write(conn, "csv", coins)
            assert (written.latest_deleted, await number(conn)) == (deleted, 1)


async def test_months_that_are_dropped_move_the_version_too(pool: Pool) -> None:
    async with pool.acquire() as conn:
        await versions.bump(conn, "csv")
        await maintenance.make_history(conn, [(NOW - timedelta(days=800)).date()])
        for _ in range(2):
            await maintenance.retain(conn, raw_days=1, history_days=365, run_days=1)
            assert await number(conn) == 2
