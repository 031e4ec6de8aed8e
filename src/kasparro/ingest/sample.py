"""Some records of some pages, for what is too dear to look at in all."""

from __future__ import annotations

from dataclasses import dataclass, field
from zlib import crc32

from kasparro.domain import Record

_MOST = 100  # records: each takes 20 us to be looked at
_FIRST, _THEN = 4, 16  # pages: the first of a run, and one in so many behind them


@dataclass(slots=True)
class Sample:
    """The records of some coins, by coin: the same coins in every run, in whatever order they come."""

    records: dict[str, Record] = field(default_factory=dict)
    below: int = 2**32

    def offer(self, coin_id: str, record: Record) -> None:
        """Take the record if its coin is one of them."""
        if _mark(coin_id) < self.below:
            self.records[coin_id] = record
            while len(self.records) > _MOST:
                self.below //= 2
                self.records = {coin: kept for coin, kept in self.records.items() if _mark(coin) < self.below}


def closely(number: int, part: str) -> Sample | None:
    """A sample, still empty, of the run's page of this number, if it is one of those that are looked at closely.

    They are the same parts of every whole snapshot.
    """
    return Sample() if number <= _FIRST or _mark(part) % _THEN == 0 else None


def _mark(name: str) -> int:
    return crc32(name.encode("utf-8", "surrogatepass"))
