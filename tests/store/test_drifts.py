"""Drifts are kept once; what was learned of a page is kept with what was acknowledged since."""

from __future__ import annotations

import pytest

from kasparro.domain import Drift
from kasparro.store import drifts, maintenance, reports
from kasparro.store.drifts import Memory, Noted
from kasparro.store.pool import Connection, Pool

NEWS, KNOWN, ACCEPTED = Noted(True, True), Noted(False, True), Noted(False, False)


def seen(observed: str | None, renamed_to: str | None = None) -> Drift:
    return Drift("type_change", "roi", "info", observed=observed, renamed_to=renamed_to)


async def acknowledge(conn: Connection) -> None:
    await reports.acknowledge(conn, "csv", kind=None, path=None)


async def test_drift_is_news_once(pool: Pool) -> None:
    async with pool.acquire() as conn:
        assert await drifts.note(conn, "csv", seen("string"), 1) == NEWS
        assert await drifts.note(conn, "csv", seen("boolean"), 2) == KNOWN
        assert await conn.fetchval("SELECT pages FROM schema_drift") == 2


@pytest.mark.parametrize(
    ("before", "now", "noted"),
    [
        ("string", "string", ACCEPTED),
        ("string", "null", ACCEPTED),
        ("array, string", "string", ACCEPTED),
        (None, None, ACCEPTED),
        ("string", "array, string", NEWS),
        ("null", "string", NEWS),
        ("40.0% null", "70.0% null", NEWS),
    ],
)
async def test_acknowledged_drift_is_news_when_it_changes_further(
    pool: Pool, before: str | None, now: str | None, noted: Noted
) -> None:
    async with pool.acquire() as conn:
        await drifts.note(conn, "csv", seen(before), 1)
        await acknowledge(conn)
        assert await drifts.note(conn, "csv", seen(now), 2) == noted


async def test_field_that_is_renamed_again_is_news(pool: Pool) -> None:
    async with pool.acquire() as conn:
        await drifts.note(conn, "csv", seen("string", renamed_to="gain"), 1)
        await acknowledge(conn)
        assert await drifts.note(conn, "csv", seen("string", renamed_to="gain"), 2) == ACCEPTED
        assert await drifts.note(conn, "csv", seen("string", renamed_to="return"), 3) == NEWS


async def test_drift_that_is_seen_again_is_not_over(pool: Pool) -> None:
    async with pool.acquire() as conn:
        run = await conn.fetchval(
            "INSERT INTO etl_run (source, trigger, owner, fence) VALUES ('csv', 'manual', 'test', 1) RETURNING run_id"
        )
        await drifts.note(conn, "csv", seen("string"), run - 1)
        assert await drifts.resolve(conn, "csv", run) == ["type_change roi"]
        assert await drifts.resolve(conn, "csv", run) == []
        assert await drifts.note(conn, "csv", seen("string"), run) == KNOWN
        assert await conn.fetchval("SELECT resolved_at FROM schema_drift") is None
        assert await drifts.resolve(conn, "csv", run) == []


async def test_memory_knows_what_was_acknowledged_since(pool: Pool) -> None:
    async with pool.acquire() as conn:
        assert await drifts.recall(conn, "csv", "page=2") == Memory({}, frozenset())
        await drifts.note(conn, "csv", seen("string"), 1)
        await acknowledge(conn)
        await drifts.learn(conn, "csv", "page=2", {"a": 1})
        assert await drifts.recall(conn, "csv", "page=2") == Memory({"a": 1}, frozenset())
        await drifts.note(conn, "csv", seen("array"), 1)
        await acknowledge(conn)
        assert await drifts.recall(conn, "csv", "page=2") == Memory({"a": 1}, frozenset({"type_change roi"}))


async def test_pages_that_do_not_come_any_more_are_forgotten(pool: Pool) -> None:
    async with pool.acquire() as conn:
        for part in ("", "page=99"):
            await drifts.learn(conn, "csv", part, {"a": 1})
        await conn.execute("UPDATE drift_profile SET as_of = now() - interval '91 days' WHERE part <> ''")
        await maintenance.retain(conn, raw_days=14, history_days=36500, run_days=90)
        assert [row["part"] for row in await conn.fetch("SELECT part FROM drift_profile")] == [""]
