"""The soak in short; ten minutes of it are `just soak`. And what it looks for is found where it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from .soak.gauges import Sample, growth, late
from .soak.tally import Tally
from .soak.trial import soak

QUIET = Sample(at=0.0, memory=80.0, files=9, tasks=7, taken=1, followers=0, open=0)


async def test_under_mixed_load_nothing_breaks_and_nothing_is_left_behind(tmp_path: Path, dsn: str) -> None:
    trial = await soak(dsn, tmp_path, seconds=3, seed=1)
    missed = [claim for claim in trial.claims() if not claim.holds]
    assert not missed, (missed, trial.tally.sentences, trial.errors)
    assert len({kind for kind, _ in trial.tally.answers}) >= 8
    assert trial.runs["success"] > 3


def test_what_is_left_behind_is_told() -> None:
    assert QUIET._replace(tasks=9, files=8, memory=99.0).over(QUIET) == {"tasks": 2}


def test_growth_is_that_of_the_line_not_of_its_ends() -> None:
    saw = [QUIET._replace(at=float(n), memory=80.0 + n % 2) for n in range(100)]
    assert abs(growth(saw)) < 0.1
    leak = [sample._replace(memory=sample.memory + sample.at / 10) for sample in saw]
    assert growth(leak) == pytest.approx(9.9, abs=0.1)


def test_lag_is_that_of_the_time_between() -> None:
    name = 'kasparro_event_loop_lag_seconds_bucket{{le="{}"}}'.format
    before = {name("0.01"): 100.0, name("0.5"): 150.0, name("+Inf"): 150.0}
    after = {name("0.01"): 199.0, name("0.5"): 250.0, name("+Inf"): 250.0}
    assert (late(before, after, 0.99), late(before, after, 1)) == (0.01, 0.5)


def test_only_a_503_that_says_when_to_come_back_is_deliberate() -> None:
    tally = Tally()
    for status, is_deliberate in ((503, True), (503, False), (500, True), (418, True)):
        tally.answered("kind", "/", status, is_deliberate=is_deliberate, is_expected=False)
    with tally.visit("kind"):
        raise ConnectionResetError
    assert tally.wrong == {"5xx": 2, "unexpected": 1, "broken": 1}
