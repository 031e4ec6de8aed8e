"""`/health`: the truth about every source, and never a surprise when there is none."""

from __future__ import annotations

from typing import Any

import pytest

from kasparro.api import drain

FIELDS = {
    "last_run_status", "last_run_time", "last_success", "last_attempt", "records_processed", "next_run_at", "reason",
    "enabled", "stale", "simulated", "interval_seconds",
}  # fmt: skip


async def one(get: Any) -> tuple[str, dict[str, Any]]:
    """The overall status, and the health of coinpaprika."""
    report = await get("/health")
    return report["status"], report["etl_status"]["coinpaprika"]


async def test_without_any_source_all_is_well(get: Any) -> None:
    report = await get("/health")
    assert report["status"] == "healthy"
    assert report["database"] == {"status": "connected", "reason": None}
    assert report["etl_status"] == {}
    assert report["simulated"] is False
    assert report["timestamp"].endswith("+00:00")


async def test_a_source_that_never_ran(get: Any, rows: Any) -> None:
    await rows.state("coinpaprika")
    status, source = await one(get)
    assert status == "degraded"
    assert set(source) == FIELDS
    assert source["last_run_status"] == "never_run"
    assert (source["last_run_time"], source["last_success"], source["records_processed"]) == (None, None, 0)


@pytest.mark.parametrize(
    ("run", "shown", "overall"),
    [
        ("success", "success", "healthy"),
        ("partial", "partial", "healthy"),
        ("failed", "failed", "degraded"),
        ("abandoned", "failed", "degraded"),
        ("cancelled", "failed", "degraded"),
    ],
)
async def test_the_last_run_decides(get: Any, rows: Any, run: str, shown: str, overall: str) -> None:
    await rows.state("coinpaprika")
    await rows.run("coinpaprika", "success", ago=120)
    await rows.run("coinpaprika", run, ago=60, inserted=90, rejected=10, error="why")
    status, source = await one(get)
    assert (status, source["last_run_status"]) == (overall, shown)
    assert source["records_processed"] == 90
    assert source["last_success"] is not None
    assert source["last_run_time"] > source["last_attempt"]
    assert source["reason"] == "why"


async def test_a_running_run_is_well_while_its_owner_lives(get: Any, rows: Any) -> None:
    await rows.state("coinpaprika")
    await rows.run("coinpaprika", "success", ago=120)
    await rows.run("coinpaprika", "running", ago=5)
    await rows.lease("coinpaprika", alive=True)
    status, source = await one(get)
    assert (status, source["last_run_status"]) == ("healthy", "running")


async def test_a_running_run_whose_owner_is_gone_has_failed(get: Any, rows: Any) -> None:
    await rows.state("coinpaprika")
    await rows.run("coinpaprika", "running", ago=500)
    await rows.lease("coinpaprika", alive=False)
    status, source = await one(get)
    assert (status, source["last_run_status"]) == ("degraded", "failed")
    assert source["reason"] == "the process that ran it ended"


async def test_parked_with_its_reason(get: Any, rows: Any) -> None:
    await rows.run("coinpaprika", "failed", error="the run's own words")
    await rows.state("coinpaprika", parked=True, reason="COINPAPRIKA_API_KEY is refused")
    status, source = await one(get)
    assert (status, source["last_run_status"]) == ("degraded", "parked")
    assert source["reason"] == "COINPAPRIKA_API_KEY is refused"
    assert source["next_run_at"] is not None


@pytest.mark.parametrize(("ago", "stale", "overall"), [(590, False, "healthy"), (630, True, "degraded")])
async def test_stale_after_two_intervals(get: Any, rows: Any, ago: float, stale: bool, overall: str) -> None:
    await rows.state("coinpaprika")
    await rows.run("coinpaprika", "success", ago=ago, seconds=10)
    status, source = await one(get)
    assert (status, source["stale"]) == (overall, stale)


async def test_a_disabled_source_does_not_count(get: Any, rows: Any) -> None:
    await rows.state("coinpaprika", enabled=False)
    status, source = await one(get)
    assert (status, source["enabled"], source["last_run_status"]) == ("healthy", False, "never_run")


async def test_one_bad_source_degrades_the_whole(get: Any, rows: Any) -> None:
    for name in ("coinpaprika", "csv"):
        await rows.state(name)
    await rows.run("csv")
    report = await get("/health")
    assert report["status"] == "degraded"
    assert list(report["etl_status"]) == ["coinpaprika", "csv"]


async def test_simulated_stands_at_the_top(get: Any, rows: Any) -> None:
    await rows.state("coinpaprika")
    await rows.state("csv", simulated=True)
    assert (await get("/health"))["simulated"] is True


async def test_live_and_ready(get: Any) -> None:
    assert await get("/health/live") == {"status": "alive"}
    assert await get("/health/ready") == {"status": "ready", "reason": None}


async def test_not_ready_while_draining(client: Any, get: Any) -> None:
    drain(client.app)
    assert (await get("/health/ready", status=503))["reason"] == "the service is stopping"
    assert await get("/health/live") == {"status": "alive"}


async def test_not_ready_before_migrations(empty_dsn: str, api_pool_on: Any, aiohttp_client: Any, app_on: Any) -> None:
    client = await aiohttp_client(app_on(await api_pool_on(empty_dsn)))
    async with client.get("/health/ready") as response:
        assert response.status == 503
        assert "0001.tables" in (await response.json())["reason"]
    async with client.get("/health") as response:
        assert response.status == 503
        assert (await response.json())["database"]["reason"] == "its tables are missing; run `kasparro migrate`"
