"""Counts of values by ordered class, and whether two of them can be of one population. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

Histogram = Mapping[int, float]

_CERTAIN = math.log(1e6)  # at most about one false alarm in a million comparisons


class Gap(NamedTuple):
    """Where two histograms differ most: the shares of their values up to and in the class `at`."""

    at: int
    usual: float
    now: float

    @property
    def width(self) -> float:
        return abs(self.now - self.usual)

    @property
    def factor(self) -> float:
        """How many times more, or fewer, values are on either side of the class now."""
        return max(_factor(self.usual, self.now), _factor(1 - self.usual, 1 - self.now))


def gap(usual: Histogram, now: Histogram) -> Gap:
    """The widest gap of two histograms, neither of them empty: Kolmogorov and Smirnov's distance."""
    widest, before, after = Gap(min(now), 0.0, 0.0), 0.0, 0.0
    whole, part = sum(usual.values()), sum(now.values())
    for value in sorted({*usual, *now}):
        before += usual.get(value, 0) / whole
        after += now.get(value, 0) / part
        if abs(after - before) > widest.width:
            widest = Gap(value, before, after)
    return widest


def is_chance(usual: Histogram, now: Histogram, found: Gap) -> bool:
    """Whether the gap may be the luck of two draws from one population (the likelihood ratio of a G-test)."""
    drawn, draws = (sum(usual.values()), found.usual), (sum(now.values()), found.now)
    pooled = (drawn[0] * drawn[1] + draws[0] * draws[1]) / (drawn[0] + draws[0])
    return sum(n * _divergence(share, pooled) for n, share in (drawn, draws)) < _CERTAIN


def quantile(counts: Histogram, share: float) -> int:
    """The class below or in which this share of the values is."""
    wanted, seen = share * sum(counts.values()), 0.0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= wanted:
            return value
    return max(counts)


def _factor(one: float, other: float) -> float:
    small, large = sorted((max(one, 0.0), max(other, 0.0)))  # rounding may have gone below
    return large / small if small else math.inf if large else 1.0


def _divergence(share: float, pooled: float) -> float:
    """Kullback and Leibler's, of two coins that show heads in these shares."""
    sides = ((share, pooled), (1 - share, 1 - pooled))
    return sum(p * math.log(p / q) for p, q in sides if p > 0 and q > 0)
