"""Rounded figures and times, as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from kasparro.api import figures


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("0", "$0"),
        ("67012.1234", "$67,012.12"),
        ("999999999.99", "$999,999,999.99"),
        ("1234567890", "$1.23 B"),
        ("1", "$1.00"),
        ("0.99999", "$1.0000"),
        ("0.5", "$0.5000"),
        ("0.00012345678", "$0.0001235"),
        ("0.0000001", "$0.0000001000"),
        ("0.00000001", "$1.00·10⁻⁸"),
        ("3.84E-18", "$3.84·10⁻¹⁸"),
        ("123456789012345678901234567890.123456789", "$1.23·10²⁹"),
        ("1E+400", "$1.00·10⁴⁰⁰"),
    ],
)
def test_price(given: str, shown: str) -> None:
    assert figures.price(Decimal(given)) == shown


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("0", "$0"),
        ("999.5", "$999.50"),
        ("999.9", "$999.90"),
        ("1000", "$1.00 K"),
        ("12345", "$12.3 K"),
        ("999999", "$1.00 M"),
        ("1234567890", "$1.23 B"),
        ("123456789012", "$123 B"),
        ("999600000000000", "$1.00·10¹⁵"),
        ("123456789012345", "$123 T"),
    ],
)
def test_amount(given: str, shown: str) -> None:
    assert figures.amount(Decimal(given)) == shown


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("0", "0.00 %"),
        ("1.005", "+1.00 %"),
        ("-12345.678", "-12,345.68 %"),
        ("2.26E+18", "+2.26·10¹⁸ %"),
        ("-2.26E+18", "-2.26·10¹⁸ %"),
    ],
)
def test_percent(given: str, shown: str) -> None:
    assert figures.percent(Decimal(given)) == shown


@pytest.mark.parametrize(("given", "shown"), [("1", "up"), ("-1", "down"), ("0.00", "flat")])
def test_trend(given: str, shown: str) -> None:
    assert figures.trend(Decimal(given)) == shown
    assert figures.trend(None) == "flat"


@pytest.mark.parametrize("text", ["1E-18", "123456789012345678901234567890.123456789", "0.10", "0"])
def test_exact_has_every_digit_and_no_exponent(text: str) -> None:
    shown = figures.exact(Decimal(text))
    assert "E" not in shown
    assert str(Decimal(shown)) == text


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0 s"), (59.9, "59 s"), (60, "1 min"), (3720, "1 h"), (200_000, "2 d"), (-5, "0 s")]
)
def test_span(seconds: float, shown: str) -> None:
    assert figures.span(seconds) == shown


def test_times_are_told_from_now() -> None:
    now = datetime.now(UTC)
    assert figures.ago(now - timedelta(minutes=5, seconds=1)) == "5 min ago"
    assert figures.ago((now - timedelta(days=3)).isoformat()) == "3 d ago"
    assert figures.until(now + timedelta(hours=1, seconds=5)) == "in 1 h"
    assert figures.until(now - timedelta(hours=1)) == "due now"
    assert figures.clock("2026-11-24T12:20:05.5+01:00") == "2026-11-24 11:20:05 UTC"
