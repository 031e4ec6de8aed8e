"""Records of coins that do not exist, in the vendors' shapes, and what drift detection makes of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from copy import deepcopy
from decimal import Decimal
from random import Random
from typing import Any

import orjson

from kasparro.domain import Drift, Portrait
from kasparro.ingest.drift import Profile, baseline
from kasparro.ingest.normals import judge
from kasparro.ingest.portraits import paint
from kasparro.ingest.sample import Sample
from kasparro.sandbox import simulated, wire
from kasparro.sources import SOURCES
from kasparro.store.text import storable

Page = list[dict[str, Any]]
FLIP = {
    "precision price_change_percentage_24h",
    "time_grid last_updated",
    "time_grid ath_date",
    "time_grid atl_date",
    "immutable_change ath_date",
    "immutable_change atl_date",
}
"""What is to be named when CoinGecko flips to its other variant."""
_SHAPES = {"coinpaprika": simulated.coinpaprika, "coingecko": simulated.coingecko}
_NOW = 1_782_000_000_000  # Unix milliseconds


def page(source: str = "coingecko", coins: int = 250, seed: int = 1) -> Page:
    """So many coins, numbers as decimals, each updated in the last two minutes."""
    random = Random(seed)  # noqa: S311 - figures to test with
    records = [_SHAPES[source](simulated.figures(number, random)) for number in range(coins)]
    for rank, record in enumerate(records, start=1):
        moment = _NOW - random.randrange(120_000)
        is_gecko = source == "coingecko"
        record["last_updated"] = wire.milliseconds(moment) if is_gecko else wire.seconds(moment)
        record["market_cap_rank" if is_gecko else "rank"] = rank
    return read(json.dumps(records))


def read(text: str) -> Page:
    records: Page = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    return records


def changed(records: Page, change: Callable[[dict[str, Any]], None]) -> Page:
    """A copy of the records, each changed."""
    copy = deepcopy(records)
    for record in copy:
        change(record)
    return copy


def profile(source: str, records: list[Any]) -> Profile:
    seen = Profile(baseline(SOURCES[source]))
    for record in records:
        seen.see(record)
    return seen


def portrait(source: str, records: list[Any]) -> Portrait:
    sample = Sample()
    for record in records:
        if isinstance(record, dict):
            sample.offer(storable(str(record.get("id"))), record)
    return paint("", baseline(SOURCES[source]), sample.records)


class Memory:
    """What is usual for one page of a source, as the database would keep it."""

    def __init__(self, source: str = "coingecko") -> None:
        self.source = source
        self.learned: dict[str, Any] = {}

    def see(self, records: list[Any], acknowledged: Collection[str] = ()) -> list[Drift]:
        """Show it a page; returns how that departs from what is usual."""
        found, learned = judge(portrait(self.source, records), self.learned, acknowledged)
        kept = orjson.dumps(learned)
        assert not re.search(rb"(?<!\\)(\\\\)*\\u0000", kept)
        self.learned = orjson.loads(kept)
        return found


def names(drifts: list[Drift]) -> set[str]:
    return {f"{drift.kind} {drift.path}" for drift in drifts}
