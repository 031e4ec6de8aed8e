"""Small drawings of prices."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from kasparro.api.sparkline import HEIGHT, WIDTH, sparkline
from kasparro.store.overview import Tick

START = datetime(2026, 11, 24, 11, tzinfo=UTC)


def ticks(*prices: str) -> list[Tick]:
    """A price a minute."""
    return [Tick(START + timedelta(minutes=minute), Decimal(price)) for minute, price in enumerate(prices)]


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+),([\d.]+)", path)]


@pytest.mark.parametrize("count", [0, 1])
def test_one_price_is_no_course(count: int) -> None:
    assert sparkline(ticks(*"1" * count)) is None


def test_is_drawn_to_its_own_scale() -> None:
    drawn = sparkline(ticks("10", "30", "20"))
    assert drawn is not None
    assert points(drawn.line) == [(0, 29), (60, 3), (120, 16)]
    assert points(drawn.area) == [(0, HEIGHT), *points(drawn.line), (WIDTH, HEIGHT)]
    assert drawn.trend == "up"
    assert drawn.description == "$10.00 to $30.00, from 2026-11-24 11:00:00 UTC to 2026-11-24 11:02:00 UTC"


def test_time_is_to_scale() -> None:
    first, second, third = ticks("1", "2", "3")
    drawn = sparkline([first, second, third._replace(observed_at=START + timedelta(minutes=10))])
    assert drawn is not None
    assert [x for x, _ in points(drawn.line)] == [0, 12, 120]


@pytest.mark.parametrize(
    "prices", [("5", "5"), ("0", "0"), ("1E-30", "2E-30"), ("1E+400", "3E+400"), ("0", "1E+400"), ("1", "1" + "0" * 40)]
)
def test_whatever_the_prices_are_it_stays_in_its_box(prices: tuple[str, ...]) -> None:
    drawn = sparkline(ticks(*prices))
    assert drawn is not None
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points(drawn.line))


def test_a_price_that_does_not_move_is_flat() -> None:
    drawn = sparkline(ticks("5", "5.0"))
    assert drawn is not None
    assert (drawn.trend, {y for _, y in points(drawn.line)}) == ("flat", {HEIGHT / 2})
