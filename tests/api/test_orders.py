"""`POST /runs` and `POST /runs/{run_id}/cancel`, with ingestion played by statements of the test."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kasparro.api import orders

KEY = {"X-API-Key": "täst-key"}

HOLD = """
WITH plan AS (
    INSERT INTO source_plan (source, plan, key, kept, interval_seconds) VALUES ('coingecko', 'demo', 'k', 0, 300)
)
INSERT INTO request_hold (source, key, plan, until, is_parked, reason)
VALUES ('coingecko', 'k', 'demo', now() + interval '5 minutes', false, 'rate limit reached')
"""


async def post(client: Any, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
    async with client.post(path, json=body, headers=headers or KEY) as response:
        return response.status, await response.json(content_type=None), response.headers


async def running(rows: Any) -> int:
    """A run under way, its source held by a living process."""
    run_id: int = await rows.run("csv", "running")
    await rows.lease("csv", alive=True)
    await rows.conn.execute("UPDATE source_lease SET run_id = $1, expires_at = now() + interval '1 minute'", run_id)
    return run_id


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "_PATIENCE", 0.2)


async def test_run_that_a_process_has_begun_is_accepted(client: Any, get: Any, rows: Any) -> None:
    await rows.state("csv")
    asking = asyncio.create_task(post(client, "/runs", {"source": "csv"}))
    async with asyncio.timeout(5):
        while not (requested_at := await rows.conn.fetchval("SELECT requested_at FROM source_state")):
            await asyncio.sleep(0.01)
    run_id = await rows.run("csv", "running")
    await rows.conn.execute("UPDATE etl_run SET requested_at = $1, trigger = 'manual'", requested_at)
    status, reply, headers = await asking
    assert (status, reply["run_id"], reply["source"]) == (202, run_id, "csv")
    assert headers["Location"] == f"/runs/{run_id}"
    run = await get(f"/runs/{run_id}")
    assert (run["trigger"], run["scheduled_for"]) == ("manual", None)
    assert run["requested_at"] is not None


@pytest.mark.usefixtures("impatient")
async def test_nobody_there_is_said_and_nothing_is_left_for_later(client: Any, rows: Any) -> None:
    await rows.state("csv")
    status, problem, headers = await post(client, "/runs", {"source": "csv"})
    assert status == 503
    assert "no process has taken csv up" in problem["detail"]
    assert headers["Retry-After"] == "5"
    assert await rows.conn.fetchval("SELECT requested_at FROM source_state") is None


async def test_run_that_begins_at_the_same_moment_is_named(
    client: Any, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "_PATIENCE", 2)
    await rows.state("csv")
    asking = asyncio.create_task(post(client, "/runs", {"source": "csv"}))
    async with asyncio.timeout(5):
        while not await rows.conn.fetchval("SELECT requested_at FROM source_state"):
            await asyncio.sleep(0.01)
    run_id = await running(rows)
    status, problem, _ = await asking
    assert (status, problem["run_id"]) == (409, run_id)
    assert await rows.conn.fetchval("SELECT requested_at FROM source_state") is None


@pytest.mark.parametrize("declared", [True, False])
async def test_source_that_is_left_out_of_sources_is_a_conflict(client: Any, rows: Any, declared: bool) -> None:
    if declared:
        await rows.state("csv", enabled=False)
    status, problem, _ = await post(client, "/runs", {"source": "csv"})
    assert status == 409
    assert "SOURCES leaves it out" in problem["detail"]


async def test_running_run_is_named(client: Any, rows: Any) -> None:
    await rows.state("csv")
    run_id = await running(rows)
    status, problem, _ = await post(client, "/runs", {"source": "csv"})
    assert (status, problem["run_id"]) == (409, run_id)
    assert f"run {run_id}" in problem["detail"]
    assert await rows.conn.fetchval("SELECT requested_at FROM source_state") is None


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("change", ["backend_pid = 0", "expires_at = now() - interval '1 second'"])
async def test_lease_of_a_dead_or_stopped_process_is_in_nobodys_way(client: Any, rows: Any, change: str) -> None:
    await rows.state("csv")
    await rows.lease("csv", alive=True)
    await rows.conn.execute("UPDATE source_lease SET expires_at = now() + interval '1 minute'")
    await rows.conn.execute(f"UPDATE source_lease SET {change}")  # noqa: S608 - ours
    assert (await post(client, "/runs", {"source": "csv"}))[0] == 503


async def test_wait_that_the_vendor_asked_for_is_named(client: Any, rows: Any) -> None:
    await rows.state("coingecko")
    await rows.conn.execute(HOLD)
    status, problem, headers = await post(client, "/runs", {"source": "coingecko"})
    assert status == 409
    assert problem["detail"] == "coingecko is not asked for 300 s more: rate limit reached"
    assert 290 < int(headers["Retry-After"]) <= 300


@pytest.mark.usefixtures("impatient")
async def test_pause_of_another_key_is_in_nobodys_way(client: Any, rows: Any) -> None:
    await rows.state("coingecko")
    await rows.conn.execute(HOLD)
    await rows.conn.execute("UPDATE source_plan SET key = 'another'")
    assert (await post(client, "/runs", {"source": "coingecko"}))[0] == 503


async def test_running_run_is_told_to_end(client: Any, get: Any, rows: Any) -> None:
    run_id = await rows.run("csv", "running")
    for _ in range(2):
        status, reply, headers = await post(client, f"/runs/{run_id}/cancel")
        assert (status, reply["run_id"], reply["source"]) == (202, run_id, "csv")
        assert headers["Location"] == f"/runs/{run_id}"
    assert (await get(f"/runs/{run_id}"))["cancel_requested_at"] is not None


async def test_run_that_has_ended_cannot_be_cancelled(client: Any, get: Any, rows: Any) -> None:
    run_id = await rows.run("csv", "partial")
    status, problem, _ = await post(client, f"/runs/{run_id}/cancel")
    assert (status, problem["run_id"]) == (409, run_id)
    assert "ended already: partial" in problem["detail"]
    assert (await get(f"/runs/{run_id}"))["cancel_requested_at"] is None


@pytest.mark.parametrize(
    ("path", "status"),
    [("/runs/99/cancel", 404), ("/runs/x/cancel", 400), ("/runs/0/cancel", 400), ("/runs/1/cancel?now=1", 400)],
)
async def test_runs_that_are_not_cannot_be_cancelled(client: Any, path: str, status: int) -> None:
    assert (await post(client, path))[0] == status


@pytest.mark.parametrize("body", [{}, {"source": "nowhere"}, {"source": "csv", "x": 1}, [], None])
async def test_wrong_bodies_are_400(client: Any, body: Any) -> None:
    status, problem, _ = await post(client, "/runs", body)
    assert status == 400
    assert problem["errors"][0]["in"] == "body"


@pytest.mark.parametrize("path", ["/runs", "/runs/1/cancel"])
async def test_only_with_the_admin_key(client: Any, rows: Any, path: str) -> None:
    await rows.state("csv")
    await rows.run("csv", "running")
    assert (await post(client, path, {"source": "csv"}, **{"X-API-Key": "wrong"}))[0] == 401
    assert await rows.conn.fetchval("SELECT requested_at FROM source_state") is None
    assert await rows.conn.fetchval("SELECT cancel_requested_at FROM etl_run") is None


@pytest.mark.parametrize("path", ["/runs", "/runs/1/cancel"])
async def test_closed_without_a_configured_key(pool: Any, aiohttp_client: Any, app_on: Any, path: str) -> None:
    client = await aiohttp_client(app_on(pool))
    assert (await post(client, path, {"source": "csv"}, **{"X-API-Key": ""}))[0] == 403
