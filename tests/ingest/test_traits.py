"""What is told of values, and of which records."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kasparro.ingest.traits import in_words, traits


def told(*values: Any) -> dict[str, dict[int, float]]:
    return {kind: dict(counts) for kind, counts in traits(list(values))}


@pytest.mark.parametrize(
    ("figure", "digits"),
    [("0", -1), ("0.00", -1), ("7", 0), ("21000000.0", 0), ("1e3", 0), ("0.85", 2), ("3.84e-18", 20), ("1.50", 1)],
)
def test_digits_behind_the_point_are_those_that_count(figure: str, digits: int) -> None:
    assert told(Decimal(figure))["precision"] == {digits: 1}


def test_digits_of_what_fell_are_not_counted() -> None:
    assert told(Decimal("-446.2385341551999"), Decimal("3286.31"))["precision"] == {2: 1}
    assert "precision" not in told(Decimal("-0.85"))


@pytest.mark.parametrize(
    ("time", "grid"),
    [
        ("2026-07-23T01:17:17.001Z", 0),
        ("2026-07-23T01:17:17.000Z", 1),
        ("2026-07-23T01:17:17Z", 1),
        ("2026-07-23T01:17:10Z", 2),
        ("2026-07-23T01:17:00.000+00:00", 3),
        ("2026-07-23T01:00:00Z", 4),
        ("2026-07-23T00:00:00Z", 5),
    ],
)
def test_grid_of_a_time(time: str, grid: int) -> None:
    assert told(time)["time_grid"] == {grid: 1}


def test_moment_that_many_coins_share_counts_once() -> None:
    assert told(*["2026-07-23T01:17:10Z"] * 50, "2026-07-23T01:17:11Z")["time_grid"] == {2: 1, 1: 1}


def test_scale_is_told_of_figures_that_are_never_negative() -> None:
    assert told(Decimal(1), Decimal(100), Decimal(0))["scale"] == {1: 1, 7: 1}
    assert "scale" not in told(Decimal(1), Decimal(-100))
    assert "scale" not in told(Decimal(0))


@pytest.mark.parametrize("value", [None, True, "bitcoin", "2026-07-23", {}, [], Decimal("NaN"), Decimal("Infinity")])
def test_nothing_is_told_of_other_values(value: Any) -> None:
    assert told(value) == {}


def test_figure_of_any_size_has_a_scale() -> None:
    assert told(Decimal("1e400"), Decimal("1e-400"))["precision"] == {0: 1, 400: 1}


def test_shares_in_words() -> None:
    assert in_words("null_rate", 0, 0.403) == "40.3% null"
    assert in_words("precision", 1, 1.0) == "100% with at most 1 digits behind the point"
    assert in_words("precision", -1, 0.5) == "50% with at most 0 digits behind the point"
    assert in_words("time_grid", 0, 0.95) == "95% finer than whole seconds"
    assert in_words("scale", 10, 0.5) == "50% below 1e+03"
