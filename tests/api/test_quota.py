"""`/quota`: what each source may spend, what it has spent, and when that is all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

FIELDS = [
    "source", "plan", "key_fingerprint", "month", "limit", "used", "reserved", "remaining", "calls_per_cycle",
    "interval_seconds", "effective_interval_seconds", "runs_out_at", "resets_at",
]  # fmt: skip


async def test_nothing_before_a_source_has_run(get: Any, rows: Any) -> None:
    await rows.state("csv")
    assert await get("/quota") == []


async def test_fields_of_a_source_with_a_limit(get: Any, rows: Any) -> None:
    await rows.state("coingecko")
    await rows.plan("coingecko", 10_000, used=42, key="a1b2", pace=450)
    await costing(rows, 4)
    [quota] = await get("/quota")
    assert list(quota) == FIELDS
    now = datetime.now(UTC)
    assert quota["month"] == f"{now:%Y-%m}"
    assert datetime.fromisoformat(quota["resets_at"]) > now
    assert {name: quota[name] for name in FIELDS if name not in {"month", "resets_at"}} == {
        "source": "coingecko", "plan": "free", "key_fingerprint": "a1b2", "limit": 10_000, "used": 42, "reserved": 500,
        "remaining": 9_958, "calls_per_cycle": 4, "interval_seconds": 300, "effective_interval_seconds": 450,
        "runs_out_at": None,
    }  # fmt: skip


async def test_source_without_a_limit_has_nothing_that_could_run_out(get: Any, rows: Any) -> None:
    await rows.plan("coingecko", None, used=7)
    await costing(rows, 4)
    [quota] = await get("/quota")
    nothing = {name: quota[name] for name in ("key_fingerprint", "limit", "remaining", "runs_out_at")}
    assert nothing == dict.fromkeys(nothing)
    assert (quota["used"], quota["reserved"]) == (7, 0)


async def test_forecast_is_the_moment_at_which_the_cycles_have_used_what_remains(get: Any, rows: Any) -> None:
    await rows.plan("coingecko", 100, used=60, pace=0.5)
    await costing(rows, 4)
    [quota] = await get("/quota")
    left = datetime.fromisoformat(quota["runs_out_at"]) - datetime.now(UTC)
    assert left.total_seconds() == pytest.approx(40 / 4 * 0.5, abs=2)


@pytest.mark.parametrize("limit", [100, 60])
async def test_credits_that_are_used_up_ran_out_with_the_last_call(get: Any, rows: Any, limit: int) -> None:
    await rows.plan("coingecko", limit, used=100)
    await rows.conn.execute("UPDATE request_quota SET updated_at = '2026-01-02T03:04:05Z'")
    [quota] = await get("/quota")
    assert (quota["remaining"], quota["runs_out_at"]) == (0, "2026-01-02T03:04:05+00:00")


async def test_astronomic_limit_is_no_error(get: Any, rows: Any) -> None:
    await rows.plan("coingecko", 10**12, pace=366 * 86400)
    await costing(rows, 1)
    assert (await get("/quota"))[0]["runs_out_at"] is None


async def test_last_month_and_other_keys_do_not_count(get: Any, rows: Any) -> None:
    await rows.plan("coingecko", 100, used=60, key="new")
    await rows.conn.execute("UPDATE request_quota SET month = month - interval '1 month'")
    await rows.conn.execute("INSERT INTO request_quota (source, key, used) VALUES ('coingecko', 'old', 30)")
    assert (await get("/quota"))[0]["used"] == 0


async def test_source_that_is_run_no_more_is_left_out(get: Any, rows: Any) -> None:
    for source, enabled in ("coingecko", False), ("coinpaprika", True):
        await rows.state(source, enabled=enabled)
        await rows.plan(source, 100)
    assert [quota["source"] for quota in await get("/quota")] == ["coinpaprika"]


async def costing(rows: Any, calls: int) -> None:
    """A run of CoinGecko that cost so many calls."""
    run_id = await rows.run("coingecko")
    await rows.conn.execute("UPDATE etl_run SET requests = $2 WHERE run_id = $1", run_id, calls)
