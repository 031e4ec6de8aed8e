"""The portrait of a page: what its values look like, to be held against the same part of earlier snapshots. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kasparro.domain import Immutable, Portrait, Trait
from kasparro.ingest.drift import Baseline, shortened
from kasparro.ingest.traits import KNOWN, NULL, traits

Coins = Mapping[str, Any]
"""Coin -> its record, as JSON with decimals."""


def paint(part: str, baseline: Baseline, coins: Coins) -> Portrait:
    """The portrait of a page of which these records are looked at."""
    spread = [trait for path, values in _columns(baseline, coins).items() for trait in _traits(path, values, baseline)]
    return Portrait(part, tuple(spread), tuple(_immutables(baseline, coins)))


def _columns(baseline: Baseline, coins: Coins) -> dict[str, list[Any]]:
    """Of each declared path that came at all: its values, one for each parent that was there, None where absent."""
    columns = {"": list(coins.values())}
    for path in sorted(baseline.types):  # parents first
        above, _, key = path.rpartition(".")
        parents = [parent for parent in columns.get(above, ()) if isinstance(parent, dict)]
        if any(key in parent for parent in parents):
            columns[path] = [parent.get(key) for parent in parents]
    del columns[""]
    return columns


def _traits(path: str, values: list[Any], baseline: Baseline) -> Iterator[Trait]:
    """How many values are null; how finely, how large and on what grid the others are: no such change is critical."""
    severity, nulls = baseline.severity(path), values.count(None)
    yield Trait("null_rate", path, severity, {NULL: nulls, KNOWN: len(values) - nulls})
    for kind, counts in traits(values):
        sample = next(shortened(value) for value in values if value is not None)
        yield Trait(kind, path, "info" if severity == "info" else "warning", counts, sample)


def _immutables(baseline: Baseline, coins: Coins) -> Iterator[Immutable]:
    for path, cause in baseline.immutable.items():
        rows = zip(coins, _column(coins, cause), _column(coins, path), strict=True)
        values = {coin: (shortened(why), shortened(value)) for coin, why, value in rows if value is not None}
        yield Immutable(path, baseline.severity(path), values)


def _column(coins: Coins, path: str) -> list[Any]:
    """The values at a path, None where there are none."""
    values = list(coins.values())
    for key in path.split("."):
        values = [value.get(key) if isinstance(value, dict) else None for value in values]
    return values
