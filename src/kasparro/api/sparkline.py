"""The course of a price as a small drawing, in inline SVG: it needs no script and no style of its own."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from kasparro.api.figures import clock, price, trend
from kasparro.store.overview import Tick

WIDTH, HEIGHT = 120, 32
_MARGIN = 3  # for the width of the line


class Sparkline(NamedTuple):
    """`line` and `area` are paths in a box of WIDTH x HEIGHT."""

    line: str
    area: str
    trend: str
    description: str


def sparkline(ticks: Sequence[Tick]) -> Sparkline | None:
    """Drawn to the scale of its own lowest and highest price; None below two ticks, which are no line."""
    if len(ticks) < 2:
        return None
    first, last = ticks[0], ticks[-1]
    prices = [tick.price_usd for tick in ticks]
    low, high = min(prices), max(prices)
    duration = (last.observed_at - first.observed_at).total_seconds()
    points = " ".join(
        f"{WIDTH * (observed_at - first.observed_at).total_seconds() / duration:.1f},{_y(figure, low, high):.1f}"
        for observed_at, figure in ticks
    )
    description = f"{price(low)} to {price(high)}, from {clock(first.observed_at)} to {clock(last.observed_at)}"
    area = f"M0,{HEIGHT} L{points} L{WIDTH},{HEIGHT} Z"
    return Sparkline(f"M{points}", area, trend(last.price_usd - first.price_usd), description)


def _y(figure: Decimal, low: Decimal, high: Decimal) -> float:
    """From the top; a price that did not move is drawn half-way up. Scaled as decimals: a float ends at 1.8e308."""
    share = float((figure - low) / (high - low)) if high > low else 0.5
    return _MARGIN + (HEIGHT - 2 * _MARGIN) * (1 - share)
