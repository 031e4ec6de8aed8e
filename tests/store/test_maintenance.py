"""Partitions are made ahead, and what is older than the settings allow goes."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from kasparro.store import maintenance
from kasparro.store.pool import Pool

TICK = (
    "INSERT INTO price_history (source, coin_id, observed_at, price_usd, fetched_at, run_id, raw_id, raw_position) "
    "VALUES ('csv', 'bitcoin', $1, 1, now(), 1, 1, 0)"
)
PAGE = (
    "INSERT INTO raw (source, run_id, page, url, status, body, sha256, fetched_at) "
    "VALUES ('csv', 1, 1, 'x', 200, '', '', now() - $1 * interval '1 day')"
)


async def months(conn: asyncpg.Connection) -> set[date]:
    rows = await conn.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'price_history'::regclass"
    )
    return {datetime.strptime(row["name"], "price_history_%Y_%m").replace(tzinfo=UTC).date() for row in rows}


async def retain(conn: asyncpg.Connection, *, raw: int = 14, history: int = 36500, run: int = 90) -> maintenance.Gone:
    return await maintenance.retain(conn, raw_days=raw, history_days=history, run_days=run)


async def test_this_month_and_the_next_two_have_a_place(pool: Pool) -> None:
    async with pool.acquire() as conn:
        for _ in range(2):
            await maintenance.prepare(conn, ["csv", "odd-name'; DROP TABLE raw; --"])
        assert len(await months(conn)) == 3
        await conn.execute(TICK, datetime.now(UTC))
        await conn.execute(TICK, datetime.now(UTC) + timedelta(days=31))
        assert await conn.fetchval("SELECT count(*) FROM pg_inherits WHERE inhparent = 'raw'::regclass") == 2


@pytest.mark.parametrize("moment", ["2024-02-01T00:00:00+00:00", "2024-02-29T23:59:59.999999+00:00"])
async def test_month_is_cut_at_midnight_utc(pool: Pool, moment: str) -> None:
    async with pool.acquire() as conn:
        await maintenance.make_history(conn, [date(2024, 2, 15)])
        await conn.execute("SET timezone = 'Pacific/Auckland'")
        await conn.execute(TICK, datetime.fromisoformat(moment))
        assert await conn.fetchval("SELECT tableoid::regclass::text FROM price_history") == "price_history_2024_02"


async def test_months_that_ended_before_the_horizon_are_dropped_whole(pool: Pool) -> None:
    today = datetime.now(UTC).date()
    old, kept = today - timedelta(days=800), today - timedelta(days=300)
    async with pool.acquire() as conn:
        await maintenance.make_history(conn, [old, kept, today])
        assert await retain(conn, raw=1, history=365) == (0, 1, 0)
        assert await months(conn) == {kept.replace(day=1), today.replace(day=1)}


async def test_old_raw_pages_go_and_young_ones_stay(pool: Pool) -> None:
    async with pool.acquire() as conn:
        await maintenance.prepare(conn, ["csv"])
        for age in [*[20] * 250, 13, 1]:
            await conn.execute(PAGE, age)
        assert await retain(conn, raw=14) == (250, 0, 0)
        assert await conn.fetchval("SELECT count(*) FROM raw") == 2


async def test_retention_gives_up_rather_than_queue_for_a_lock(pool: Pool) -> None:
    async with pool.acquire() as reader, pool.acquire() as conn:
        await maintenance.make_history(conn, [date(2010, 1, 1)])
        async with reader.transaction():
            await reader.fetch("SELECT * FROM price_history")
            with pytest.raises(asyncpg.LockNotAvailableError):
                await retain(conn, history=365)
        assert await retain(conn, history=365) == (0, 1, 0)


async def test_old_runs_go_with_their_rejects_and_the_last_of_a_source_stays(pool: Pool) -> None:
    async with pool.acquire() as conn:
        for source, age in ("csv", 200), ("csv", 100), ("csv", 1), ("coingecko", 300):
            run_id = await conn.fetchval(
                "INSERT INTO etl_run (source, status, trigger, owner, fence, finished_at) "
                "VALUES ($1, 'success', 'manual', 'me', 1, now() - $2::int * interval '1 day') RETURNING run_id",
                *(source, age),
            )
            await conn.execute(
                "INSERT INTO etl_reject (source, run_id, position, record, reasons) VALUES ($1, $2, 0, 'x', '[1]')",
                *(source, run_id),
            )
        assert await retain(conn) == (0, 0, 2)
        for table in "etl_run", "etl_reject":
            assert await conn.fetchval(f"SELECT count(*) FROM {table}") == 2  # noqa: S608 - names of our own tables


async def test_processes_that_start_together_make_partitions_together(dsn: str) -> None:
    async def prepare() -> None:
        conn = await asyncpg.connect(dsn)
        await maintenance.prepare(conn, ["csv", "coingecko", "coinpaprika"])
        await maintenance.make_history(conn, [date(2020, month, 1) for month in range(1, 13)])
        await conn.close()

    await asyncio.gather(*(prepare() for _ in range(6)))
