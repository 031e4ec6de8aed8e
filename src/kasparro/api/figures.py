"""Figures and times as people read them. What is rounded here is shown with its exact text beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Context, Decimal

_ROUNDED = Context(prec=3)
_UNITS = ((12, "T"), (9, "B"), (6, "M"), (3, "K"))  # powers of ten
_SMALLEST_PLAIN = -7  # below this power of ten, zeros are counted instead of written
_LARGEST_PLAIN = 15
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SPANS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def exact(figure: Decimal) -> str:
    """Every digit: 1E-18 -> `0.000000000000000001`."""
    return f"{figure:f}"


def price(dollars: Decimal) -> str:
    """67012.1234 -> `$67,012.12`, 0.00012345678 -> `$0.0001235`, 3.84e-18 -> `$3.84·10⁻¹⁸`."""
    if dollars == 0:
        return "$0"
    magnitude = dollars.adjusted()
    if magnitude >= _UNITS[1][0]:
        return amount(dollars)
    if magnitude >= 0:
        return f"${dollars:,.2f}"
    return f"${dollars:.{3 - magnitude}f}" if magnitude >= _SMALLEST_PLAIN else f"${_scientific(dollars)}"


def amount(dollars: Decimal) -> str:
    """1234567890 -> `$1.23 B`; what is below a thousand is shown as a price."""
    if dollars < 1000:
        return price(dollars)
    rounded = _ROUNDED.plus(dollars)
    magnitude = rounded.adjusted()
    if magnitude >= _LARGEST_PLAIN:
        return f"${_scientific(rounded)}"
    power, unit = next(each for each in _UNITS if magnitude >= each[0])
    return f"${rounded.scaleb(-power):.{2 - magnitude + power}f} {unit}"


def percent(change: Decimal) -> str:
    """1.5 -> `+1.50 %`, -2.26e18 -> `-2.26·10¹⁸ %`."""
    if change == 0:
        return "0.00 %"
    is_plain = change.adjusted() < _UNITS[2][0]
    return f"{change:+,.2f} %" if is_plain else f"{'+' * (change > 0)}{_scientific(change)} %"


def trend(change: Decimal | None) -> str:
    """`up`, `down`, or `flat` where a figure did not change or nobody knows."""
    return "flat" if not change else "up" if change > 0 else "down"


def _scientific(figure: Decimal) -> str:
    digits, _, power = f"{figure:.2e}".partition("e")
    return f"{digits}·10{power.removeprefix('+').translate(_SUPERSCRIPT)}"


def span(seconds: float) -> str:
    """3720 -> `1 h`."""
    for unit, size in _SPANS:
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return "0 s"


def ago(moment: datetime | str) -> str:
    """How long ago a time is; as text it is ISO."""
    return f"{span((datetime.now(UTC) - _time(moment)).total_seconds())} ago"


def until(moment: datetime | str) -> str:
    """How long it is until a time; one that has passed is due."""
    left = (_time(moment) - datetime.now(UTC)).total_seconds()
    return f"in {span(left)}" if left > 0 else "due now"


def clock(moment: datetime | str) -> str:
    """`2026-11-24 11:20:05 UTC`."""
    return f"{_time(moment).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _time(moment: datetime | str) -> datetime:
    return datetime.fromisoformat(moment) if isinstance(moment, str) else moment
