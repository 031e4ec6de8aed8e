"""Drift over whole runs: named once, accepted, over, or the source frozen before anything is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from kasparro.errors import Drifted
from kasparro.ingest.scheduler import Schedule
from kasparro.metrics import Metrics
from kasparro.sandbox import Sandbox, faults
from kasparro.store import reports
from kasparro.store.pool import Pool

from .coins import FLIP
from .conftest import MakePipeline, cycle

TRAITS = {name for name in FLIP if "immutable" not in name}
WRITTEN = ("raw", "unified_crypto", "price_history", "etl_checkpoint", "drift_profile")


async def fetch(pool: Pool, query: str) -> list[Any]:
    async with pool.acquire() as conn:
        return list(await conn.fetch(query))


async def drifts(pool: Pool, where: str = "true") -> set[str]:
    rows = await fetch(pool, f"SELECT kind || ' ' || path AS name FROM schema_drift WHERE {where}")  # noqa: S608 - ours
    return {row["name"] for row in rows}


async def acknowledge(pool: Pool, source: str = "coingecko") -> int:
    async with pool.acquire() as conn:
        return await reports.acknowledge(conn, source, kind=None, path=None)


async def written(pool: Pool) -> list[Any]:
    return [await fetch(pool, f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in WRITTEN]  # noqa: S608 - ours


def told(lines: list[Any]) -> list[str]:
    """The drifts that were warned of."""
    return [f"{line['kind']} {line['path']}" for line in lines if line["event"] == "schema drift"]


@pytest.mark.parametrize("source", ["coinpaprika", "coingecko"])
async def test_market_that_moves_is_no_drift(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox, source: str
) -> None:
    pipeline = make_pipeline(source)
    for _ in range(5):
        assert (await pipeline.run("manual")).status == "success"
        sandbox.tick()
    assert await drifts(pool, "path <> 'circulating_supply'") == set()
    learned = await fetch(pool, "SELECT part FROM drift_profile ORDER BY part")
    assert [row["part"] for row in learned] == ([""] if source == "coinpaprika" else ["", "page=2", "page=3"])


async def test_flip_is_told_once_counted_and_over_when_the_vendor_returns(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    pipeline = make_pipeline("coingecko", pages=2)
    await pipeline.run("manual")
    sandbox.fail("coingecko", faults.Flip(), times=4)
    with capture_logs() as lines:
        for _ in range(3):
            assert (await pipeline.run("manual")).status == "success"
    assert await drifts(pool) == FLIP
    assert sorted(told(lines)) == sorted(FLIP)
    assert {line["drift"] for line in lines if line["event"] == "drift is over"} >= TRAITS
    assert await drifts(pool, "resolved_at IS NOT NULL") == TRAITS
    (row,) = await fetch(pool, "SELECT * FROM schema_drift WHERE kind = 'precision'")
    assert (row["pages"], row["severity"]) == (4, "warning")
    assert row["observed"] == "100% with at most 1 digits behind the point"


async def test_acknowledged_change_is_the_new_normal_and_a_further_one_is_news(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    pipeline = make_pipeline("coingecko", pages=2)
    await pipeline.run("manual")
    sandbox.fail("coingecko", faults.Flip(), times=8)
    await pipeline.run("manual")
    assert await acknowledge(pool) == len(FLIP)
    with capture_logs() as lines:
        for _ in range(4):  # flipped thrice more, and back
            await pipeline.run("manual")
    assert [line for line in lines if line["log_level"] == "warning"] == []
    assert await drifts(pool, "acknowledged_at IS NULL") == set()
    sandbox.fail("coingecko", faults.Drift(types={"last_updated": "null", "price_change_percentage_24h": "null"}))
    await pipeline.run("manual")
    nulls = {"null_rate last_updated", "null_rate price_change_percentage_24h"}
    assert await drifts(pool, "acknowledged_at IS NULL") == nulls


@pytest.mark.parametrize("value", ["a\0b", "x" * 10_000])
async def test_odd_text_that_is_not_mapped_costs_no_page(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox, value: str
) -> None:
    pipeline = make_pipeline("coinpaprika")
    await pipeline.run("manual")
    sandbox.fail("coinpaprika", faults.Drift(add={"first_data_at": value}))
    assert (await pipeline.run("manual")).status == "success"
    (row,) = await fetch(
        pool,
        "SELECT sample, length(learned::text) AS size FROM schema_drift, drift_profile WHERE kind = 'immutable_change'",
    )
    assert len(row["sample"]) < 300
    assert row["size"] < 100_000


async def test_type_that_changes_further_opens_its_drift_again(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    pipeline = make_pipeline("coingecko", pages=2)
    for kind, is_open in [("string", True), ("string", False), ("boolean", True)]:
        sandbox.fail("coingecko", faults.Drift(types={"roi": kind}), times=2)
        await pipeline.run("manual")
        assert ("type_change roi" in await drifts(pool, "acknowledged_at IS NULL")) == is_open
        await acknowledge(pool)


async def test_resumed_run_does_not_say_that_a_drift_is_over(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    pipeline = make_pipeline("coingecko", pages=2)
    sandbox.fail("coingecko", faults.Drift(add={"new": 1}), on=lambda call: call.query["page"] == "1")
    sandbox.fail("coingecko", faults.Html(), on=lambda call: call.query["page"] == "2")
    await pipeline.run("manual")
    await pipeline.run("manual")  # the second page, without the new field
    assert await drifts(pool, "resolved_at IS NULL") == {"new_field new"}
    await pipeline.run("manual")
    assert await drifts(pool, "resolved_at IS NULL") == set()


async def test_frozen_source_writes_nothing_of_the_page_but_its_drifts(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    pipeline = make_pipeline("coingecko", pages=2, drift="freeze")
    await pipeline.run("manual")
    before = await written(pool)
    sandbox.tick()
    sandbox.fail("coingecko", faults.Flip(), times=None)
    with capture_logs() as lines:
        failed = await pipeline.run("manual")
    assert (failed.status, failed.pages, type(failed.error)) == ("failed", 0, Drifted)
    assert await written(pool) == before
    assert await drifts(pool) == FLIP
    assert sorted(told(lines)) == sorted(FLIP)
    for word in ("time_grid ath_date", "POST /drift/acknowledge", "COINGECKO_DRIFT=warn"):
        assert word in str(failed.error)
    await acknowledge(pool)
    summary = await pipeline.run("manual")  # the page that was never seen to drift, too
    assert (summary.status, summary.pages) == ("success", 2)
    assert await drifts(pool, "acknowledged_at IS NULL") == set()


async def test_frozen_source_goes_on_by_itself_when_the_vendor_returns(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    pipeline = make_pipeline("coingecko", pages=2, drift="freeze")
    await pipeline.run("manual")
    sandbox.fail("coingecko", faults.Flip(), times=1)
    assert (await pipeline.run("manual")).status == "failed"
    assert (await pipeline.run("manual")).status == "success"
    assert await drifts(pool, "resolved_at IS NULL") == set()


@pytest.mark.parametrize(
    ("shape", "is_frozen"),
    [
        (faults.Drift(add={"new": 1}), False),
        (faults.Drift(drop=["image"]), False),
        (faults.Drift(drop=["ath"]), True),
        (faults.Drift(rename={"current_price": "price"}), True),
    ],
)
async def test_what_nobody_uses_freezes_nothing(
    make_pipeline: MakePipeline, sandbox: Sandbox, shape: faults.Drift, is_frozen: bool
) -> None:
    sandbox.fail("coingecko", shape)
    summary = await make_pipeline("coingecko", pages=1, drift="freeze").run("manual")
    assert isinstance(summary.error, Drifted) == is_frozen


async def test_frozen_source_says_why_and_how_to_go_on_and_then_does(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    schedule = Schedule(make_pipeline("coingecko", pages="all", drift="freeze"), pool, Metrics(), 1200.0)
    sandbox.fail("coingecko", faults.Drift(drop=["ath"]), times=None, on=lambda call: call.query["page"] == "2")
    assert 0 < await cycle(schedule, pool) < 2 * 1200  # its next tick on the grid, as ever
    health, run = await standing(pool)
    assert health["last_run_status"] == "parked"
    assert (run["status"], run["records_processed"]) == ("failed", 250)
    for said in (health["reason"], run["error_message"]):
        for word in ("missing_field ath", "POST /drift/acknowledge", "COINGECKO_DRIFT=warn"):
            assert word in said
    await acknowledge(pool)
    await cycle(schedule, pool)
    health, run = await standing(pool)
    assert (health["last_run_status"], health["reason"]) == ("success", None)
    assert (run["status"], run["records_processed"]) == ("success", 450)
    (counted,) = await fetch(pool, "SELECT count(*) AS coins FROM unified_crypto")
    assert counted["coins"] == 700


async def standing(pool: Pool) -> tuple[Any, Any]:
    """What /health says of the source, and /runs of its last run."""
    async with pool.acquire() as conn:
        health = json.loads(await reports.health(conn))
        (run,) = json.loads(await reports.runs(conn, sources=["coingecko"], limit=1))
    return health["coingecko"], run
