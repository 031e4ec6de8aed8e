"""How values are written: how finely figures are, how large, and on what grid times stand. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from kasparro.domain import DriftKind
from kasparro.ingest.histograms import Histogram

NULL, KNOWN = 0, 1  # the classes of `null_rate`
_ZERO = -1  # the class of a figure of nothing: vendors round to it, and write it for "unknown"
_GRIDS = ("fractions of a second", "whole seconds", "tens of seconds", "whole minutes", "whole hours", "whole days")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?")


def traits(values: list[Any]) -> Iterator[tuple[DriftKind, Histogram]]:
    """How the values of one path spread over the classes of each kind that can be told of them."""
    figures = [value for value in values if isinstance(value, Decimal) and value.is_finite()]
    # CoinGecko rounds a change that is a rise, and writes a fall in full: a market that turns is no drift.
    if risen := [figure for figure in figures if figure >= 0]:
        yield "precision", Counter(map(_digits, risen))
    if any(figures) and min(figures) >= 0:  # changes, which fall too, are small on one day and large on another
        yield "scale", Counter(math.frexp(float(figure))[1] for figure in figures if figure)
    # Many coins share a moment: each counts once, or that moment alone would decide.
    if times := {found[0]: found for value in values if isinstance(value, str) and (found := _TIME.match(value))}:
        yield "time_grid", Counter(map(_grid, times.values()))


def _digits(figure: Decimal) -> int:
    return len(f"{figure:f}".rstrip("0").partition(".")[2]) if figure else _ZERO


def _grid(time: re.Match[str]) -> int:
    hour, minute, second, fraction = time.groups()
    if fraction and fraction.strip("0"):
        return 0
    if second[1] != "0":
        return 1
    finer = [part != "00" for part in (second, minute, hour)]
    return 2 + finer.index(True) if any(finer) else 5


def in_words(kind: DriftKind, at: int, share: float) -> str:
    """That this share of the values is up to or in a class, for people."""
    match kind:
        case "null_rate":
            return f"{share:.1%} null"
        case "precision":
            return f"{share:.0%} with at most {max(at, 0)} digits behind the point"
        case "time_grid":
            return f"{share:.0%} finer than {_GRIDS[at + 1]}"
        case _:
            return f"{share:.0%} below {math.ldexp(1.0, min(at, 1023)):.0e}"
