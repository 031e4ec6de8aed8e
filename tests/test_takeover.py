"""Services on one database: one is stopped, killed, or wrong about the time, and no page is lost or written late."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import asyncpg
import pytest

from kasparro.sandbox import Sandbox, faults

from .serving import Health, Service, eventually, fetch, serving, settled, upstreams

RUNS = "SELECT run_id, status, fence, pages, fetched, resumed_from, owner FROM etl_run ORDER BY run_id"
# What a process imports before everything else.
SHORT_LEASE = "import kasparro.store.leases as leases; leases.TTL = 1.0"
WRONG_CLOCK = """
import datetime, time
import kasparro.sources  # decodes records, into the real class only
real, now = datetime.datetime, time.time
class Kind(type):
    def __instancecheck__(cls, value): return isinstance(value, real)
class Wrong(real, metaclass=Kind):
    @classmethod
    def now(cls, tz=None): return real.now(tz) + datetime.timedelta(hours=HOURS)
    @classmethod
    def __get_pydantic_core_schema__(cls, source, handler): return handler(real)
datetime.datetime, time.time = Wrong, lambda: now() + HOURS * 3600
"""


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(coins=1500, seed=3) as sandbox:
        yield sandbox


def first_of_all(folder: Path, code: str) -> dict[str, str]:
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code)
    return {"PYTHONPATH": str(folder)}


async def pages(dsn: str) -> int:
    (row,) = await fetch(dsn, "SELECT count(*) AS n FROM raw")
    return int(row["n"])


async def success(dsn: str) -> bool:
    return bool(await fetch(dsn, "SELECT FROM etl_run WHERE status = 'success'"))


async def test_owner_that_was_stopped_past_its_lease_commits_nothing_when_it_wakes(
    tmp_path: Path, dsn: str, sandbox: Sandbox
) -> None:
    environ = upstreams(sandbox, dsn, SOURCES="coingecko") | first_of_all(tmp_path / "first", SHORT_LEASE)
    sandbox.fail("coingecko", faults.Latency(1.5), on=lambda call: call.query["page"] == "3")

    async def two_pages() -> bool:
        return await pages(dsn) == 2

    async with serving(tmp_path, **environ) as owner, serving(tmp_path, **environ) as other:
        await eventually(two_pages)
        stopped, going = (owner, other) if await runs_in(owner, dsn) else (other, owner)
        stopped.process.send_signal(signal.SIGSTOP)
        await eventually(lambda: success(dsn))
        before = await fetch(dsn, RUNS), await pages(dsn)
        stopped.process.send_signal(signal.SIGCONT)
        await stopped.until(settled)
        await asyncio.sleep(1)  # it has its answer, and its chance
        assert (await fetch(dsn, RUNS), await pages(dsn)) == before
        code, log = await stopped.stop()
        assert code == (await going.stop())[0] == 0
    abandoned, resumed = before[0]
    assert (abandoned["status"], abandoned["pages"]) == ("abandoned", 2)
    assert (resumed["status"], resumed["resumed_from"]) == ("success", abandoned["run_id"])
    assert resumed["fence"] == abandoned["fence"] + 1
    assert abandoned["fetched"] + resumed["fetched"] == 1500
    (end,) = [line for line in map(json.loads, log.splitlines()) if line["event"] == "run failed"]
    assert "another process has taken the source over" in end["error"]


async def runs_in(service: Service, dsn: str) -> bool:
    (run,) = await fetch(dsn, "SELECT owner FROM etl_run")
    return int(run["owner"].split(":")[1]) == service.process.pid


async def test_run_of_a_killed_process_is_carried_on_by_another_at_once(
    tmp_path: Path, dsn: str, sandbox: Sandbox
) -> None:
    environ = upstreams(sandbox, dsn, SOURCES="coingecko")
    sandbox.fail("coingecko", faults.Latency(60), on=lambda call: call.query["page"] == "4")

    async def three_pages() -> bool:
        return await pages(dsn) == 3

    async with serving(tmp_path, **environ) as one, serving(tmp_path, **environ) as two:
        await eventually(three_pages)
        for service in (one, two):
            await service.until(lambda health: bool(health["etl_status"]))
        killed, other = (one, two) if await runs_in(one, dsn) else (two, one)
        killed.process.kill()
        (clock,) = await fetch(dsn, "SELECT clock_timestamp() AS now")
        await eventually(lambda: success(dsn))
        assert (await other.stop())[0] == 0
    dead, resumed = await fetch(dsn, "SELECT * FROM etl_run ORDER BY run_id")
    assert (dead["status"], resumed["resumed_from"]) == ("abandoned", dead["run_id"])
    assert (resumed["started_at"] - clock["now"]).total_seconds() < 3
    assert [call.query["page"] for call in sandbox.calls] == ["1", "2", "3", "4", "4", "5", "6", "7"]


async def test_process_that_dies_at_every_start_spends_no_credit_at_each(
    tmp_path: Path, dsn: str, sandbox: Sandbox
) -> None:
    sandbox.fail("coinpaprika", faults.Latency(60), times=None)
    environ = upstreams(sandbox, dsn, SOURCES="coinpaprika")
    for calls, status in (1, "running"), (2, "running"), (2, "failed"), (2, "failed"):
        async with serving(tmp_path, **environ) as service:

            def is_so(health: Health, calls: int = calls, status: str = status) -> bool:
                state = health["etl_status"].get("coinpaprika")
                return state is not None and (state["last_run_status"], len(sandbox.calls)) == (status, calls)

            health = await service.until(is_so)
            await service.stop(signal.SIGKILL)
    wait = datetime.fromisoformat(health["etl_status"]["coinpaprika"]["next_run_at"]) - datetime.now(UTC)
    assert timedelta(seconds=5) < wait < timedelta(seconds=30)


async def test_restart_asks_no_vendor_again(tmp_path: Path, dsn: str, sandbox: Sandbox) -> None:
    environ = upstreams(sandbox, dsn)
    async with serving(tmp_path, **environ) as service:
        before = (await service.until(settled))["etl_status"]
        assert (await service.stop())[0] == 0
    calls = len(sandbox.calls)
    async with serving(tmp_path, **environ) as service:
        looked = before["csv"]["last_success"]
        health = await service.until(lambda health: health["etl_status"]["csv"]["last_success"] > looked)
        assert (await service.stop())[0] == 0
    assert len(sandbox.calls) == calls
    for source in "coinpaprika", "coingecko":
        assert health["etl_status"][source] == before[source]


@pytest.mark.parametrize("hours", [-7, 7])
async def test_clock_of_the_process_decides_nothing(tmp_path: Path, dsn: str, sandbox: Sandbox, hours: int) -> None:
    code = WRONG_CLOCK.replace("HOURS", str(hours))
    environ = upstreams(sandbox, dsn, SOURCES="coingecko", COINGECKO_INTERVAL="1") | {"COINGECKO_PAGES": "1"}
    coin = b'[{"id": "bitcoin", "name": "Bitcoin", "current_price": 1, "last_updated": "2021-01-01T00:00:00Z"}]'
    sandbox.fail(
        "coingecko", faults.Literal(200, {}, coin), times=None
    )  # dated so that no clock takes it for the future

    async def five_runs() -> bool:
        return len(await ticks(dsn)) >= 5

    async with serving(tmp_path, **environ | first_of_all(tmp_path / "first", code)) as service:
        await eventually(five_runs)
        health = await service.until(settled)
        assert (await service.stop())[0] == 0
    off = datetime.fromisoformat(health["timestamp"]) - datetime.now(UTC)
    assert abs(off) > timedelta(hours=6)
    _, *found = await ticks(dsn)
    assert all((run["started_at"] - run["scheduled_for"]).total_seconds() < 0.9 for run in found)
    gaps = {(b["scheduled_for"] - a["scheduled_for"]).total_seconds() for a, b in pairwise(found)}
    assert gaps == {1.0}


async def ticks(dsn: str) -> list[asyncpg.Record]:
    return await fetch(dsn, "SELECT scheduled_for, started_at FROM etl_run ORDER BY run_id")
