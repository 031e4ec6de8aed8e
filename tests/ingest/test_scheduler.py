"""What follows a run: the usual interval, a retry, a wait that the vendor asked for, a parked source."""

from __future__ import annotations

import pytest

from kasparro.errors import Malformed, PlanLimit, RateLimited, SourceError, Unauthorized, Unavailable
from kasparro.ingest.pipeline import Summary
from kasparro.ingest.scheduler import PARKED, NotRun, Schedule
from kasparro.metrics import Metrics
from kasparro.sandbox import Sandbox, faults
from kasparro.store import leases, states
from kasparro.store.pool import Pool
from kasparro.store.states import Wait

from .conftest import MakePipeline

INTERVAL = 1200.0


@pytest.fixture
def schedule(make_pipeline: MakePipeline, pool: Pool) -> Schedule:
    return Schedule(make_pipeline("coingecko"), pool, Metrics(), INTERVAL)


def after(schedule: Schedule, error: SourceError | None, elapsed: float = 10.0) -> Wait:
    return schedule.wait_after(Summary("coingecko", 1, error=error), elapsed)


def test_interval_counts_from_start_to_start_with_a_little_jitter(schedule: Schedule) -> None:
    waits = [after(schedule, None).seconds for _ in range(50)]
    assert all(INTERVAL - 10 <= wait <= INTERVAL * 1.05 - 10 for wait in waits)
    assert len(set(waits)) > 1


def test_run_longer_than_its_interval_is_followed_almost_at_once(schedule: Schedule) -> None:
    assert after(schedule, None, elapsed=5000).seconds == 1.0


@pytest.mark.parametrize("error", [Unauthorized("coingecko", "wrong key"), PlanLimit("coingecko", "no credits")])
def test_key_or_plan_to_be_mended_parks_the_source(schedule: Schedule, error: SourceError) -> None:
    assert after(schedule, error) == Wait(PARKED, parked=True, reason=error.reason)


def test_retry_after_is_binding(schedule: Schedule) -> None:
    assert after(schedule, RateLimited("coingecko", "slow down", 3000.0)) == Wait(
        3000.0, binding=True, reason="slow down"
    )


@pytest.mark.parametrize("error", [Unavailable("coingecko", "away"), Malformed("coingecko", "HTML")])
def test_failures_are_retried_later_and_later_up_to_the_interval(schedule: Schedule, error: SourceError) -> None:
    assert [after(schedule, error).seconds for _ in range(7)] == [30, 60, 120, 240, 480, 960, INTERVAL]
    after(schedule, None)
    assert after(schedule, error).seconds == 30


async def test_cycle_writes_when_the_source_runs_next_and_why(schedule: Schedule, pool: Pool, sandbox: Sandbox) -> None:
    async with pool.acquire() as conn:
        await states.declare(conn, "coingecko", INTERVAL)
    sandbox.fail("coingecko", faults.RateLimited(retry_after=4000))
    assert await schedule.cycle() == 4000.0
    async with pool.acquire() as conn:
        wait = await states.waiting(conn, "coingecko")
    assert wait
    assert 3990 < wait.seconds <= 4000
    assert (wait.parked, wait.binding) == (False, True)
    assert "rate limit" in str(wait.reason)


async def test_restart_keeps_the_wait_that_a_vendor_asked_for(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    sandbox.fail("coingecko", faults.RateLimited(retry_after=500))
    for _ in range(2):
        schedule = Schedule(make_pipeline("coingecko"), pool, Metrics(), INTERVAL)
        async with pool.acquire() as conn:
            await states.declare(conn, "coingecko", INTERVAL)
        left = await schedule.left_over()
        await schedule.cycle()
    assert left
    assert (490 < left.seconds <= 500, left.binding) == (True, True)
    assert isinstance(await schedule.once(), NotRun)
    assert len(sandbox.calls) == 1


async def test_source_that_is_run_elsewhere_waits_its_turn(schedule: Schedule, pool: Pool) -> None:
    async with pool.acquire() as conn:
        await leases.acquire(conn, "coingecko", "another")
        assert await schedule.cycle() == 5.0


async def test_source_that_another_process_has_run_meanwhile_is_not_due(schedule: Schedule, pool: Pool) -> None:
    assert await schedule.run_by_another() == 0.0
    async with pool.acquire() as conn:
        await states.declare(conn, "coingecko", INTERVAL)
        await states.schedule(conn, "coingecko", Wait(700))
    assert 690 < await schedule.run_by_another() <= 700
