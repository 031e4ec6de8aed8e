"""What is usual for a part of a source's snapshot, and how a page departs from it. Pure.

A part is the page of one cursor: page 1 of CoinGecko holds other coins than page 10, with other nulls and digits, so
each is held against itself in earlier runs. What is usual is learned: the counts of a page are added to those before,
which fade. A page that departs teaches nothing until its drift is acknowledged; what it showed then is one more normal
beside the old ones, for a vendor may go back and forth.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from kasparro.domain import Drift, DriftKind, Immutable, Portrait, Trait
from kasparro.ingest.histograms import Histogram, gap, is_chance, quantile
from kasparro.ingest.traits import in_words

_FADING = 0.9  # what is left of earlier counts when a page is added: some ten pages are remembered
_NORMALS = 3  # of one trait
# The narrowest gap, and the least factor, that is a change. Recorded pages have gaps of 0.01 in their nulls, 0.02 in
# their times and 0.18 in their digits a few hours apart, and of 0.47 in their digits three weeks apart, as percentages
# that are cut to two figures have fewer of them where the market moves more.
_STEPS: Mapping[DriftKind, tuple[float, float]] = {
    "null_rate": (0.1, 1.25),
    "precision": (0.6, 1.0),
    "time_grid": (0.5, 1.0),
}
_OCTAVES = 6  # a median 64 times as large or as small: no market moves so, that is another unit
_MOVED = (5, 0.1)  # coins at least, and their share of those compared: single ones are corrected


@dataclass(slots=True)
class Normals:
    """What is usual for one trait of one part, and the last departure from it that nobody has acknowledged."""

    usual: list[Histogram] = field(default_factory=list)
    departure: Histogram | None = None

    def weigh(self, trait: Trait) -> Drift | None:
        """Learn from a trait that is usual, or is the first; answer the drift of one that departs."""
        if self.usual and (self._departs(trait) or self._persists(trait)):
            self.departure = trait.counts
            return _departure(trait, self.usual[self._nearest(trait)])
        self._learn(trait)
        return None

    def accept(self, trait: Trait) -> None:
        """Somebody has acknowledged the departure: what it showed is usual from now on, and what the page shows."""
        if self.departure:
            self._add(self.departure)
        self.departure = None
        if self._departs(trait):
            self._add(trait.counts)
        else:
            self._learn(trait)

    def _departs(self, trait: Trait) -> bool:
        now = trait.counts
        return all(
            _is_change(trait.kind, usual, now) and not is_chance(usual, now, gap(usual, now)) for usual in self.usual
        )

    def _persists(self, trait: Trait) -> bool:
        """Whether the values, which may be too few to prove a departure, are rather more of the last than usual."""
        if self.departure is None or not all(_is_change(trait.kind, usual, trait.counts) for usual in self.usual):
            return False
        return gap(self.departure, trait.counts).width < gap(self.usual[self._nearest(trait)], trait.counts).width

    def _nearest(self, trait: Trait) -> int:
        if len(self.usual) == 1:
            return 0
        widths = [gap(usual, trait.counts).width for usual in self.usual]
        return widths.index(min(widths))

    def _add(self, counts: Histogram) -> None:
        """The oldest makes room."""
        self.usual = [*self.usual, counts][-_NORMALS:]

    def _learn(self, trait: Trait) -> None:
        if self.usual:
            at = self._nearest(trait)
            self.usual[at] = _added(self.usual[at], trait.counts)
        else:
            self._add(trait.counts)


def judge(
    portrait: Portrait, memory: Mapping[str, Any], acknowledged: Collection[str]
) -> tuple[list[Drift], dict[str, Any]]:
    """How a page departs from what is usual for its part, and what is remembered of the part from now on.

    `acknowledged` are the traits ("null_rate ath") that somebody has accepted since `memory` was kept.
    """
    drifts: list[Drift] = []
    traits, values = dict(memory.get("traits", {})), memory.get("immutables", {})
    for trait in portrait.traits:
        name = f"{trait.kind} {trait.path}"
        normals = _recalled(traits.get(name, {}))
        if name in acknowledged:
            normals.accept(trait)
        elif drift := normals.weigh(trait):
            drifts.append(drift)
        traits[name] = _kept(normals)
    drifts += [drift for item in portrait.immutables if (drift := _moved(item, values.get(item.path, {})))]
    return drifts, {"traits": traits, "immutables": {item.path: item.values for item in portrait.immutables}}


def _is_change(kind: DriftKind, usual: Histogram, now: Histogram) -> bool:
    """Whether they differ by more than they do from day to day."""
    if kind == "scale":
        return abs(quantile(now, 0.5) - quantile(usual, 0.5)) >= _OCTAVES
    found, (width, factor) = gap(usual, now), _STEPS[kind]
    return found.width >= width and found.factor >= factor


def _departure(trait: Trait, usual: Histogram) -> Drift:
    found = gap(usual, trait.counts)
    expected, observed = (in_words(trait.kind, found.at, share) for share in (found.usual, found.now))
    return Drift(trait.kind, trait.path, trait.severity, expected=expected, observed=observed, sample=trait.sample)


def _moved(now: Immutable, before: Mapping[str, tuple[str, str]]) -> Drift | None:
    """The drift of a path whose values have changed for many coins, their causes being what they were."""
    same = [coin for coin in sorted(now.values) if coin in before and before[coin][0] == now.values[coin][0]]
    moved = [coin for coin in same if before[coin][1] != now.values[coin][1]]
    if len(moved) < max(_MOVED[0], _MOVED[1] * len(same)):
        return None
    coin = moved[0]
    sample = f"{len(moved)} of {len(same)} coins; {coin}: {before[coin][1]} -> {now.values[coin][1]}"
    return Drift("immutable_change", now.path, now.severity, expected="the same", observed="changed", sample=sample)


def _added(usual: Histogram, now: Histogram) -> Histogram:
    return {value: usual.get(value, 0) * _FADING + now.get(value, 0) for value in {*usual, *now}}


def _recalled(kept: Mapping[str, Any]) -> Normals:
    departure = kept.get("departure")
    return Normals([_numbered(usual) for usual in kept.get("usual", ())], departure and _numbered(departure))


def _numbered(counts: Mapping[str, float]) -> Histogram:
    return {int(value): count for value, count in counts.items()}


def _kept(normals: Normals) -> dict[str, Any]:
    """As JSON has it; what has faded is forgotten."""
    kept: dict[str, Any] = {"usual": [_written(usual) for usual in normals.usual]}
    return kept | ({"departure": _written(normals.departure)} if normals.departure else {})


def _written(counts: Histogram) -> dict[str, float]:
    return {str(value): round(count, 1) for value, count in counts.items() if count >= 0.1}
