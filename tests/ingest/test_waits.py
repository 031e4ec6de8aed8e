"""What follows a run: the next tick, a retry, a wait that the vendor asked for, a parked source."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kasparro.errors import (
    Cancelled,
    Drifted,
    Malformed,
    PlanLimit,
    QuotaSpent,
    RateLimited,
    SourceError,
    TooManyRejected,
    Unauthorized,
    Unavailable,
)
from kasparro.ingest.quota import PARKED, Pace, hold_after
from kasparro.ingest.waits import Course, after_death
from kasparro.store.runs import Orphan
from kasparro.store.states import Due, Wait

INTERVAL = 1200.0
TICK = Due(datetime(2026, 1, 1, tzinfo=UTC))
ASKED = Due()
EVEN = Pace(INTERVAL)


def after(error: BaseException | None, due: Due = TICK, *, failures: int = 0, pace: Pace = EVEN) -> Wait | None:
    return Course(due._replace(failures=failures), INTERVAL, pace).after(error)


@pytest.mark.parametrize("due", [TICK, ASKED])
def test_after_a_good_run_the_next_tick_stands_and_all_is_forgiven(due: Due) -> None:
    assert after(None, due, failures=3) == Wait(None, failures=0)


def test_credits_that_would_not_last_put_the_next_tick_off_and_a_run_between_two_does_not() -> None:
    assert after(None, pace=Pace(5000)) == Wait(5000)
    assert after(None, ASKED, pace=Pace(5000)) == Wait(None)


@pytest.mark.parametrize("due", [TICK, ASKED])
@pytest.mark.parametrize("error", [None, Malformed("coingecko", "HTML")])
def test_credits_that_are_gone_park_the_source(due: Due, error: SourceError | None) -> None:
    assert after(error, due, pace=Pace(9999, "all are used")) == Wait(9999, parked=True, reason="all are used")
    assert after(QuotaSpent("coingecko", "none left", 77.0), due) == Wait(77.0, parked=True, reason="none left")


@pytest.mark.parametrize("due", [TICK, ASKED])
def test_frozen_source_is_parked_and_looked_at_again_at_its_next_tick(due: Due) -> None:
    assert after(Drifted("coingecko", "missing_field ath"), due) == Wait(None, parked=True, reason="missing_field ath")
    assert after(Drifted("coingecko", "ath"), pace=Pace(5000)) == Wait(5000, parked=True, reason="ath")


@pytest.mark.parametrize("due", [TICK, ASKED])
@pytest.mark.parametrize("error", [Unauthorized("coingecko", "wrong key"), PlanLimit("coingecko", "no credits")])
def test_key_or_plan_to_be_mended_parks_the_source(due: Due, error: SourceError) -> None:
    assert after(error, due) == Wait(PARKED, parked=True, reason=error.reason, failures=1)


@pytest.mark.parametrize("due", [TICK, ASKED])
def test_retry_after_is_waited_for_whoever_ran_into_it(due: Due) -> None:
    wait = Wait(3000.0, reason="slow down", failures=1)
    assert after(RateLimited("coingecko", "slow down", 3000.0), due) == wait


@pytest.mark.parametrize("error", [Unavailable("coingecko", "away"), Malformed("coingecko", "HTML"), KeyError("x")])
def test_failures_are_retried_later_and_later_up_to_the_interval(error: Exception) -> None:
    waits = [after(error, failures=failures) for failures in range(7)]
    assert [wait.seconds for wait in waits if wait] == [30, 60, 120, 240, 480, 960, INTERVAL]
    assert [wait.failures for wait in waits if wait] == [1, 2, 3, 4, 5, 6, 7]


def test_source_gone_mad_is_left_alone_for_its_interval() -> None:
    wait = Wait(INTERVAL, reason="600 of 700 records rejected", failures=1)
    assert after(TooManyRejected("coingecko", "600 of 700 records rejected")) == wait


def test_pause_that_an_answer_asked_for_grows_as_a_retry_does_where_it_is_asked_for_again_and_again() -> None:
    waits = [after(RateLimited("coingecko", "slow down", 100.0), failures=failures) for failures in range(4)]
    assert [wait.seconds for wait in waits if wait] == [100, 100, 120, 240]


@given(st.sampled_from([TICK, ASKED]), st.integers(0, 50), st.floats(0, 1e6))
def test_no_run_follows_before_a_hold_is_over(due: Due, failures: int, seconds: float) -> None:
    for error in RateLimited("coingecko", "slow", seconds), Unauthorized("coingecko", "key"):
        hold, wait = hold_after(error), after(error, due, failures=failures)
        assert hold
        assert wait
        assert wait.seconds is not None
        assert wait.seconds >= hold.seconds
        assert wait.parked is hold.parked


@pytest.mark.parametrize("error", [Malformed("coingecko", "HTML"), OSError()])
def test_failure_between_two_ticks_moves_none(error: Exception) -> None:
    assert after(error, ASKED) is None


@pytest.mark.parametrize(
    ("pages", "failures", "wait"),
    [
        (3, 0, Wait(0)),
        (1, 5, Wait(0)),
        (0, 0, Wait(0, failures=1)),
        (0, 1, Wait(30, failures=2)),
        (0, 3, Wait(120, failures=4)),
        (0, 50, Wait(INTERVAL, failures=51)),
    ],
)
def test_run_that_died_is_carried_on_at_once_and_one_that_dies_again_and_again_ever_later(
    pages: int, failures: int, wait: Wait
) -> None:
    assert after_death(Orphan(7, "coingecko", "schedule", pages, failures, INTERVAL)) == wait


def test_run_whose_process_stops_is_due_at_once_and_no_failure() -> None:
    assert after(asyncio.CancelledError(), failures=2) == Wait(0.0, failures=2)
    assert after(asyncio.CancelledError(), ASKED) is None


def test_cancelled_run_changes_nothing() -> None:
    assert after(Cancelled("coingecko", "on request")) is None
