"""`/stats`, `/runs` and what is below: what ingestion has done."""

from __future__ import annotations

from typing import Any

import pytest


async def test_stats_have_the_fields_of_the_contract(get: Any, rows: Any) -> None:
    await rows.state("csv")
    await rows.run("csv", "success", ago=90, seconds=4, inserted=10)
    await rows.run("csv", "partial", ago=70, seconds=3, inserted=10, rejected=2)
    await rows.run("csv", "failed", ago=50, seconds=2, inserted=5)
    await rows.run("csv", "running", ago=1, inserted=1)
    [stats] = await get("/stats")
    assert stats["source"] == "csv"
    assert (stats["records_processed"], stats["records_failed"], stats["total_runs"]) == (26, 2, 4)
    assert stats["success_rate"] == 66.67
    assert stats["last_run_duration_seconds"] == 2.0
    assert stats["last_success"] < stats["last_failure"]


async def test_stats_of_a_source_that_never_ran_and_of_one_declared_no_more(get: Any, rows: Any) -> None:
    await rows.state("csv")
    await rows.run("coingecko", "abandoned")
    gone, new = await get("/stats")
    assert (gone["source"], gone["success_rate"]) == ("coingecko", 0.0)
    assert (new["source"], new["total_runs"], new["success_rate"]) == ("csv", 0, None)


async def test_runs_have_the_fields_of_the_contract(get: Any, rows: Any) -> None:
    run_id = await rows.run("csv", "failed", seconds=2.5, inserted=7, rejected=3, error="it broke")
    [run] = await get("/runs")
    assert {key: run[key] for key in run if not key.endswith("_at")} == {
        "run_id": run_id, "source_name": "csv", "status": "failed", "records_processed": 7, "records_failed": 3,
        "duration_seconds": 2.5, "error_message": "it broke", "simulated": False, "flags": [],
    }  # fmt: skip
    assert run["started_at"] < run["completed_at"]


async def test_runs_are_limited_filtered_and_newest_first(get: Any, rows: Any) -> None:
    ids = [await rows.run(source) for source in ("csv", "coingecko") * 6]
    assert [run["run_id"] for run in await get("/runs")] == ids[:1:-1]
    assert [run["run_id"] for run in await get("/runs?limit=1&source=csv")] == [ids[-2]]
    assert await get("/runs?source=coinpaprika") == []
    await get("/runs?limit=101", status=400)


async def test_details_hold_the_ledger_the_traffic_and_the_checkpoints(get: Any, rows: Any) -> None:
    run_id = await rows.run("csv", "partial", inserted=7, rejected=3)
    await rows.conn.execute(
        "INSERT INTO etl_checkpoint (source, stream, cursor, run_id, page) "
        "VALUES ('csv', 'a.csv', '{\"byte\": 9}', $1, 2)",
        run_id,
    )
    await rows.conn.execute(
        "UPDATE etl_run SET pages = 4, requests = 6, retries = 2, waited_seconds = 7.5, backoff_seconds = 5"
    )
    run = await get(f"/runs/{run_id}")
    assert [run[name] for name in ("pages", "requests", "retries", "waited_seconds")] == [4, 6, 2, 7.5]
    assert run["waits"] == {"rate_limit_seconds": 2.5, "backoff_seconds": 5}
    assert run["ledger"] == {
        "fetched": 10, "inserted": 7, "updated": 0, "unchanged": 0, "stale": 0, "rejected": 3, "duplicate": 0,
    }  # fmt: skip
    assert [(point["stream"], point["cursor"]) for point in run["checkpoints"]] == [("a.csv", {"byte": 9})]


@pytest.mark.parametrize(
    ("path", "status"), [("/runs/999", 404), ("/runs/x", 400), ("/runs/0", 400), ("/runs/1?x=1", 400),
                         ("/runs/99999999999999999999", 400), ("/stats?source=csv", 400)]
)  # fmt: skip
async def test_runs_that_are_not(get: Any, path: str, status: int) -> None:
    await get(path, status=status)


async def test_the_last_two_finished_runs_are_compared(get: Any, rows: Any) -> None:
    await rows.run("csv", inserted=1)
    first = await rows.run("csv", inserted=100, seconds=10)
    await rows.run("coingecko")
    second = await rows.run("csv", "partial", inserted=50, rejected=50, seconds=12)
    await rows.run("csv", "running")
    comparison = await get("/runs/compare?source=csv")
    assert (comparison["a"]["run_id"], comparison["b"]["run_id"]) == (first, second)
    assert comparison["difference"]["records_processed"] == -50
    assert comparison["difference"]["duration_seconds"] == 2.0
    assert comparison["difference"]["reject_rate_percent"] == 50.0
    assert comparison["difference"]["ledger"]["rejected"] == 50
    assert [anomaly["name"] for anomaly in comparison["anomalies"]] == ["records_dropped", "reject_rate_up"]
    assert comparison == await get(f"/runs/compare?a={first}&b={second}")


async def test_slow_against_the_runs_before(get: Any, rows: Any) -> None:
    for seconds in (10, 11, 9, 10, 10, 12):
        await rows.run("csv", seconds=seconds)
    await rows.run("csv", seconds=40)
    comparison = await get("/runs/compare?source=csv")
    assert comparison["usual_duration_seconds"] == 10.0
    assert [anomaly["name"] for anomaly in comparison["anomalies"]] == ["slow"]


@pytest.mark.parametrize("query", ["", "a=1", "b=1", "a=1&b=2&source=csv", "a=x&b=1", "source=csv,coingecko", "c=1"])
async def test_a_comparison_needs_two_runs_or_a_source(get: Any, query: str) -> None:
    assert (await get(f"/runs/compare?{query}", status=400))["errors"]


async def test_runs_that_cannot_be_compared(get: Any, rows: Any) -> None:
    first, second = await rows.run("csv"), await rows.run("coingecko")
    await get(f"/runs/compare?a={first}&b={second}", status=400)
    await get(f"/runs/compare?a={first}&b=999", status=404)
    await get("/runs/compare?source=csv", status=404)
