"""One schedule: when a source is due, what a tick is, what moves it. Time passes by writing it into the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from kasparro.errors import NotDue
from kasparro.ingest import cancel
from kasparro.ingest.claim import close_orphans
from kasparro.ingest.pipeline import Summary
from kasparro.ingest.scheduler import POLL, NotRun, Schedule
from kasparro.metrics import Metrics
from kasparro.sandbox import Sandbox, faults
from kasparro.settings import Rate
from kasparro.store import leases, requests, states
from kasparro.store.pool import Pool

from .conftest import MakePipeline

MakeSchedule = Callable[..., Schedule]
INTERVAL = 1200.0
NAME = "coingecko"


async def fetch(pool: Pool, query: str, *values: Any) -> list[asyncpg.Record]:
    async with pool.acquire() as conn:
        rows: list[asyncpg.Record] = await conn.fetch(query, *values)
        return rows


async def state(pool: Pool) -> asyncpg.Record:
    (row,) = await fetch(pool, "SELECT *, extract(epoch FROM next_run_at - now())::float8 AS seconds FROM source_state")
    return row


async def runs(pool: Pool) -> list[asyncpg.Record]:
    return await fetch(pool, "SELECT * FROM etl_run ORDER BY run_id")


async def declare(pool: Pool, interval: float = INTERVAL) -> None:
    async with pool.acquire() as conn:
        await states.declare(conn, NAME, interval, pace=interval, scope=None)


async def start(schedule: Schedule, pool: Pool) -> float:
    """As a process that starts with this schedule; returns the seconds until it runs the source."""
    async with pool.acquire() as conn:
        await close_orphans(conn, schedule.metrics)
        await schedule.declare(conn)
    return max(0.0, (await state(pool))["seconds"])


async def ask(pool: Pool) -> requests.Standing:
    async with pool.acquire() as conn:
        standing = await requests.run(conn, NAME)
    assert standing
    return standing


async def pass_by(pool: Pool, seconds: float) -> None:
    """Let time pass: the tick before is longer ago, and the next one nearer."""
    await fetch(
        pool,
        "UPDATE source_state SET (taken_at, next_run_at) = "
        "(SELECT taken_at - gone, next_run_at - gone FROM (SELECT $1 * interval '1 second' AS gone) AS time)",
        seconds,
    )


@pytest.fixture
def make_schedule(make_pipeline: MakePipeline, pool: Pool) -> MakeSchedule:
    """`make_schedule(INTERVAL, pages=1)`: the schedule of a process with these settings."""
    return lambda interval=INTERVAL, **options: Schedule(
        make_pipeline(NAME, interval=interval, **options), pool, Metrics(), interval
    )


@pytest.fixture
async def schedule(make_schedule: MakeSchedule, pool: Pool) -> Schedule:
    schedule = make_schedule()
    await start(schedule, pool)
    return schedule


async def test_first_run_is_at_once_and_the_next_on_the_grid(schedule: Schedule, pool: Pool) -> None:
    declared = (await state(pool))["next_run_at"]
    assert await schedule.turn() == 0.0
    (run,) = await runs(pool)
    assert (run["trigger"], run["scheduled_for"], run["status"]) == ("schedule", declared, "success")
    assert INTERVAL / 2 < (await state(pool))["seconds"] <= 1.5 * INTERVAL
    assert await schedule.turn() == POLL
    assert len(await runs(pool)) == 1


async def test_tick_is_the_moment_it_was_set_for_however_late_it_is_run(schedule: Schedule, pool: Pool) -> None:
    await schedule.turn()
    await pass_by(pool, 2 * INTERVAL)
    tick = (await state(pool))["next_run_at"]
    await schedule.turn()
    assert (await runs(pool))[-1]["scheduled_for"] == tick


async def test_day_that_was_missed_is_one_run(schedule: Schedule, pool: Pool) -> None:
    await schedule.turn()
    await pass_by(pool, 86_400 + INTERVAL)
    for _ in range(5):
        await schedule.turn()
    assert len(await runs(pool)) == 2
    assert (await state(pool))["seconds"] > INTERVAL / 2


@pytest.mark.parametrize("seconds", [0.01, 1.0, 60.0, 300.0, 1200.0, 86_400.0, 0.7, 12.5])
@pytest.mark.parametrize("phase", [0.0, 0.3, 0.999])
async def test_ticks_are_a_grid_that_every_process_sees_alike(pool: Pool, phase: float, seconds: float) -> None:
    stride = timedelta(seconds=seconds)
    now = datetime(2026, 3, 4, 5, 6, 7, 891011, tzinfo=UTC)
    moments = [now + stride * share for share in (0, 0.1, 0.3, 0.49, 0.51, 0.7, 0.9, 1)]
    rows = await fetch(
        pool,
        "SELECT next_tick($1, $2, after) AS tick FROM unnest($3::timestamptz[]) AS after ORDER BY after",
        phase, seconds, moments,
    )  # fmt: skip
    ticks = [row["tick"] for row in rows]
    assert all(stride / 2 < tick - moment <= stride * 1.5 for tick, moment in zip(ticks, moments, strict=True))
    assert {(tick - ticks[0]) % stride for tick in ticks} == {timedelta(0)}
    assert len(set(ticks)) == 2


async def test_neither_sources_nor_installations_call_in_the_same_second(pool: Pool) -> None:
    async with pool.acquire() as conn:
        for source in "csv", "coinpaprika", "coingecko":
            await states.declare(conn, source, 300, pace=300, scope=None)
    phases = {row["phase"] for row in await fetch(pool, "SELECT phase FROM source_state")}
    assert len(phases) == 3
    assert all(0 <= phase < 1 for phase in phases)


async def test_changed_interval_takes_effect_at_once_and_runs_no_tick_again(schedule: Schedule, pool: Pool) -> None:
    await schedule.turn()
    for interval in (60.0, 3600.0, 61.0, INTERVAL):
        async with pool.acquire() as conn:  # a process runs the source meanwhile
            fence = await leases.acquire(conn, NAME, "another")
            await declare(pool, interval)
            await leases.release(conn, NAME, fence)
        assert interval / 2 < (await state(pool))["seconds"] <= 1.5 * interval
        await schedule.turn()
    assert len(await runs(pool)) == 1


async def test_tick_that_a_clock_set_back_brings_again_is_no_tick_of_old(schedule: Schedule, pool: Pool) -> None:
    await schedule.turn()
    (done,) = await runs(pool)
    await fetch(pool, "UPDATE source_state SET next_run_at = $1", done["scheduled_for"])
    await schedule.turn()
    first, second = await runs(pool)
    assert second["scheduled_for"] > first["scheduled_for"]


@pytest.mark.parametrize(
    ("fault", "reason"), [(faults.RateLimited(retry_after=500), "rate limit"), (faults.PaymentRequired(), "credits")]
)
async def test_start_waits_for_what_an_answer_has_forbidden_and_no_longer(
    schedule: Schedule, pool: Pool, sandbox: Sandbox, fault: Any, reason: str
) -> None:
    sandbox.fail(NAME, fault)
    await schedule.turn()
    before = await state(pool)
    await start(schedule, pool)
    row = await state(pool)
    assert reason in row["reason"]
    assert row["is_parked"] == before["is_parked"]
    assert row["seconds"] == pytest.approx(before["seconds"], abs=5)
    assert await schedule.turn() == POLL
    await fetch(pool, "UPDATE request_hold SET until = now()")
    assert await start(schedule, pool) == 0
    await schedule.turn()
    assert [run["status"] for run in await runs(pool)] == ["failed", "success"]


async def test_start_runs_no_tick_again_that_was_run_well(schedule: Schedule, pool: Pool) -> None:
    await schedule.turn()
    tick = (await state(pool))["next_run_at"]
    for _ in range(3):
        assert await start(schedule, pool) > INTERVAL / 3
        await schedule.turn()
    assert len(await runs(pool)) == 1
    assert (await state(pool))["next_run_at"] == tick


async def test_start_runs_at_once_what_was_last_run_more_than_an_interval_ago(schedule: Schedule, pool: Pool) -> None:
    await schedule.turn()
    await pass_by(pool, 1.5 * INTERVAL)
    assert await start(schedule, pool) == 0


async def test_start_with_another_interval_counts_it_from_the_last_tick(
    schedule: Schedule, make_schedule: MakeSchedule, pool: Pool
) -> None:
    await schedule.turn()
    await pass_by(pool, 300)
    assert 6900 < await start(make_schedule(14_400.0), pool) + 300 <= 21_600
    assert await start(make_schedule(60.0), pool) == 0
    assert len(await runs(pool)) == 1


async def test_start_that_asks_for_something_else_runs_at_once(
    schedule: Schedule, make_schedule: MakeSchedule, pool: Pool
) -> None:
    await schedule.turn()
    assert await start(make_schedule(), pool) > 0
    for changed in make_schedule(pages=1), make_schedule(pages=1, api_key="CG-another"):
        assert await start(changed, pool) == 0
        await changed.turn()
        assert await start(changed, pool) > 0
    assert "CG-another" not in (await state(pool))["scope"]


async def test_start_forgets_retries(schedule: Schedule, pool: Pool, sandbox: Sandbox) -> None:
    sandbox.fail(NAME, faults.Html())
    await schedule.turn()
    assert await start(schedule, pool) == 0
    row = await state(pool)
    assert (row["failures"], row["reason"]) == (0, None)


async def test_start_keeps_a_slower_pace(schedule: Schedule, make_schedule: MakeSchedule, pool: Pool) -> None:
    slow = make_schedule(60.0, credits=40)  # of which 2 are kept, and no month lasts so long as 38 minutes
    await start(slow, pool)
    await slow.turn()
    wait = (await state(pool))["seconds"]
    assert wait == pytest.approx(slow.pace.interval, rel=0.01)
    assert wait > 100
    assert await start(make_schedule(60.0, credits=40), pool) == pytest.approx(wait, rel=0.05)
    before = (await state(pool))["next_run_at"]
    await ask(pool)
    await slow.turn()
    assert (await state(pool))["next_run_at"] == before
    assert await start(make_schedule(60.0, credits="unlimited"), pool) < 90
    assert [run["trigger"] for run in await runs(pool)] == ["schedule", "manual"]


async def test_clock_that_was_set_back_stops_no_source_for_ever(schedule: Schedule, pool: Pool) -> None:
    await schedule.turn()
    await pass_by(pool, -86_400)
    assert await start(schedule, pool) <= 1.5 * INTERVAL


async def test_start_beside_a_process_that_runs_the_source_moves_no_tick(schedule: Schedule, pool: Pool) -> None:
    await schedule.turn()
    tick = (await state(pool))["next_run_at"]
    async with pool.acquire() as conn:
        await leases.acquire(conn, NAME, "another")
        await declare(pool)
    assert (await state(pool))["next_run_at"] == tick


async def test_run_tells_what_follows_it_and_why(schedule: Schedule, pool: Pool, sandbox: Sandbox) -> None:
    sandbox.fail(NAME, faults.RateLimited(retry_after=4000))
    assert await schedule.turn() == 0.0
    row = await state(pool)
    assert 3990 < row["seconds"] <= 4000
    assert (row["is_parked"], row["failures"]) == (False, 1)
    assert "rate limit" in row["reason"]
    assert await schedule.turn() == POLL
    answer = await schedule.once()
    assert isinstance(answer, NotRun)
    assert answer.status == "waiting"
    assert len(sandbox.calls) == 1
    await pass_by(pool, 4000)
    await fetch(pool, "UPDATE request_hold SET until = now()")
    await schedule.turn()
    row = await state(pool)
    assert (row["failures"], row["reason"]) == (0, None)


async def test_failures_are_counted_in_the_database(schedule: Schedule, pool: Pool, sandbox: Sandbox) -> None:
    sandbox.fail(NAME, faults.Html(), times=None)
    for seconds in (30, 60, 120):
        await pass_by(pool, INTERVAL)
        await schedule.turn()
        assert seconds - 5 < (await state(pool))["seconds"] <= seconds
    sandbox.heal()
    await pass_by(pool, INTERVAL)
    await schedule.turn()
    row = await state(pool)
    assert (row["failures"], row["reason"]) == (0, None)
    assert row["seconds"] > INTERVAL / 2


async def test_run_tells_what_it_asked_of_the_network_and_waited_for(
    make_schedule: MakeSchedule, pool: Pool, sandbox: Sandbox, no_waiting: list[float]
) -> None:
    schedule = make_schedule(rate=Rate(2, 0.2))
    await start(schedule, pool)
    sandbox.fail(NAME, faults.ServerError(503), times=2)
    await schedule.turn()
    (run,) = await runs(pool)
    assert (run["status"], run["requests"], run["retries"]) == ("success", len(sandbox.calls), 2)
    assert run["pages"] == run["requests"] - run["retries"]
    assert run["backoff_seconds"] == pytest.approx(sum(no_waiting))
    assert run["waited_seconds"] - run["backoff_seconds"] > 0  # the rate limit


async def test_source_that_is_run_elsewhere_waits_its_turn(schedule: Schedule, pool: Pool) -> None:
    async with pool.acquire() as conn:
        fence = await leases.acquire(conn, NAME, "another")
        assert await schedule.turn() == POLL
        await leases.release(conn, NAME, fence)
    assert await runs(pool) == []
    await schedule.turn()
    assert len(await runs(pool)) == 1


async def test_claim_that_finds_nothing_due_leaves_the_source_free(schedule: Schedule, pool: Pool) -> None:
    await schedule.turn()
    before = await state(pool)
    with pytest.raises(NotDue):
        await schedule.pipeline.run("schedule")
    after = await state(pool)
    assert dict(before) | {"seconds": 0} == dict(after) | {"seconds": 0}
    assert await fetch(pool, "SELECT FROM lease_held") == []
    assert len(await runs(pool)) == 1


async def die(pool: Pool, pages: int) -> None:
    """As if the process of the last run had died in it, with so many pages committed."""
    await fetch(
        pool,
        "UPDATE etl_run SET status = 'running', finished_at = NULL, pages = $1 "
        "WHERE run_id = (SELECT max(run_id) FROM etl_run)",
        pages,
    )


@pytest.mark.parametrize("restarts", [True, False])
async def test_run_that_died_is_begun_again_at_once_by_whoever_looks(
    schedule: Schedule, pool: Pool, restarts: bool
) -> None:
    await schedule.turn()
    await die(pool, pages=2)
    if restarts:
        assert await start(schedule, pool) == 0
    await schedule.turn()
    dead, again = await runs(pool)
    assert (dead["status"], again["status"]) == ("abandoned", "success")
    assert again["scheduled_for"] > dead["scheduled_for"]
    assert await schedule.turn() == POLL


@pytest.mark.parametrize("restarts", [True, False])
async def test_run_that_dies_again_and_again_without_a_page_is_tried_later_and_later(
    schedule: Schedule, pool: Pool, restarts: bool
) -> None:
    for deaths, seconds in enumerate((0, 30, 60, 120), 1):
        await schedule.turn()
        await die(pool, pages=0)
        await fetch(pool, "UPDATE source_state SET failures = $1", deaths - 1)  # its process had no time to forgive
        if restarts:
            await start(schedule, pool)
        if seconds:
            assert await schedule.turn() == POLL
            assert (await state(pool))["seconds"] == pytest.approx(seconds, abs=5)
        assert len(await runs(pool)) == deaths
        await pass_by(pool, seconds)


async def test_request_is_run_between_two_ticks_and_moves_none(schedule: Schedule, pool: Pool) -> None:
    await schedule.turn()
    tick = (await state(pool))["next_run_at"]
    standing = await ask(pool)
    assert standing.requested_at
    assert (await ask(pool)).requested_at == standing.requested_at
    await schedule.turn()
    run = (await runs(pool))[-1]
    assert (run["trigger"], run["scheduled_for"], run["requested_at"]) == ("manual", None, standing.requested_at)
    row = await state(pool)
    assert (row["next_run_at"], row["requested_at"]) == (tick, None)
    assert await schedule.turn() == POLL


async def test_request_and_tick_that_are_due_together_are_one_run(schedule: Schedule, pool: Pool) -> None:
    await schedule.turn()
    standing = await ask(pool)
    await pass_by(pool, 2 * INTERVAL)
    await schedule.turn()
    await schedule.turn()
    _, run = await runs(pool)
    assert (run["trigger"], run["requested_at"]) == ("schedule", standing.requested_at)


async def test_request_of_a_failing_source_that_goes_well_brings_it_back_to_its_ticks(
    schedule: Schedule, pool: Pool, sandbox: Sandbox
) -> None:
    sandbox.fail(NAME, faults.Html())
    await schedule.turn()
    await pass_by(pool, -86_400)  # its retry is far away
    await ask(pool)
    await schedule.turn()
    row = await state(pool)
    assert (row["failures"], row["reason"]) == (0, None)
    assert row["seconds"] <= 1.5 * INTERVAL


@pytest.mark.parametrize("fault", [faults.RateLimited(retry_after=500), faults.Unauthorized()])
async def test_request_does_not_get_round_a_wait_that_an_answer_asked_for(
    schedule: Schedule, pool: Pool, sandbox: Sandbox, fault: Any
) -> None:
    sandbox.fail(NAME, fault)
    await schedule.turn()
    standing = await ask(pool)
    assert standing.requested_at is None
    assert standing.seconds
    assert standing.seconds > 490
    assert standing.reason
    await schedule.turn()
    assert len(await runs(pool)) == len(sandbox.calls) == 1


async def test_requested_look_at_files_without_news_is_kept(
    make_pipeline: MakePipeline, pool: Pool, tmp_path: Path
) -> None:
    (tmp_path / "coins.csv").write_text("coin_id,name,symbol,price\nbitcoin,Bitcoin,BTC,1.5\n")
    schedule = Schedule(make_pipeline("csv", path=str(tmp_path)), pool, Metrics(), INTERVAL)
    async with pool.acquire() as conn:
        await schedule.declare(conn)
        await schedule.turn()
        await requests.run(conn, "csv")
        await schedule.turn()
        await schedule.declare(conn)
        await schedule.turn()
    assert [(run["trigger"], run["fetched"]) for run in await runs(pool)] == [("schedule", 1), ("manual", 0)]
    assert (await state(pool))["checked_at"]


async def test_run_that_is_cancelled_while_its_vendor_is_silent_ends_at_once(
    schedule: Schedule, pool: Pool, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cancel, "POLL", 0.01)
    sandbox.fail(NAME, faults.Latency(30), on=lambda call: call.query["page"] == "3")
    turn = asyncio.create_task(schedule.turn())
    while not await fetch(pool, "SELECT FROM etl_run WHERE pages = 2"):
        await asyncio.sleep(0.02)
    (run,) = await runs(pool)
    assert run["requests"] >= 2  # told with every page, not only at the end
    async with pool.acquire() as conn:
        assert await requests.cancel(conn, run["run_id"]) == (NAME, "running")
    async with asyncio.timeout(5):
        await turn
    (run,) = await runs(pool)
    assert (run["status"], run["pages"], run["fetched"], run["error_kind"]) == ("cancelled", 2, 500, "Cancelled")
    row = await state(pool)
    assert (row["failures"], row["seconds"] > INTERVAL / 2) == (0, True)
    sandbox.heal()
    await pass_by(pool, 2 * INTERVAL)
    await schedule.turn()
    assert (await runs(pool))[-1]["resumed_from"] == run["run_id"]


async def test_run_whose_process_stops_is_handed_over(schedule: Schedule, pool: Pool, sandbox: Sandbox) -> None:
    sandbox.fail(NAME, faults.Latency(30))
    turn = asyncio.create_task(schedule.turn())
    while not sandbox.calls:
        await asyncio.sleep(0.01)
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert (await state(pool))["seconds"] <= 0
    sandbox.heal()
    await schedule.turn()
    assert [run["status"] for run in await runs(pool)] == ["cancelled", "success"]


async def test_database_that_is_away_is_looked_for_and_the_missed_ticks_are_one(
    make_pipeline: MakePipeline, pool: Pool, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = Schedule(make_pipeline(NAME), pool, Metrics(), INTERVAL)
    await declare(pool)

    async def nowhere(_: Any, __: str) -> float:
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr(states, "due_in", nowhere)
        assert [await schedule.turn() for _ in range(3)] == [POLL] * 3
    assert schedule.is_away
    await pass_by(pool, 5 * INTERVAL)
    for _ in range(3):
        await schedule.turn()
    assert not schedule.is_away
    assert len(await runs(pool)) == 1


async def test_run_by_hand_beside_the_schedule(schedule: Schedule, pool: Pool) -> None:
    await schedule.turn()
    tick = (await state(pool))["next_run_at"]
    assert isinstance(await schedule.once(), Summary)
    assert (await state(pool))["next_run_at"] == tick
    run = (await runs(pool))[-1]
    assert (run["trigger"], run["scheduled_for"], run["requested_at"]) == ("manual", None, None)
