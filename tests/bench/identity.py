"""How much processor time it takes to say which listings are one coin."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from kasparro.identity.changes import changes
from kasparro.identity.figures import Figures
from kasparro.identity.listing import Key, Listing
from kasparro.identity.names import words
from kasparro.identity.resolve import resolved

from .databases import Databases
from .report import Figure, Most

SOURCES = {"coinpaprika": 20_000, "coingecko": 13_000, "csv": 1_000}
ROUNDS = 3
_SHARED = 6  # every sixth coin of CoinGecko's list has the ticker of another
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def measure(made: Databases) -> list[Figure]:
    """Seconds for all listings at once, as on the first day, and for a single new one."""
    listings = {listing.key: listing for listing in _listings()}
    whole = min(_seconds(listings, listings) for _ in range(ROUNDS))
    single = min(_seconds(listings, [Key("csv", "coin-7")]) for _ in range(ROUNDS))
    return [
        Figure(f"{len(listings):,} listings of three sources, all new", whole, "s of processor time", Most(whole, 10)),
        Figure("    one new listing among them", single, "s of processor time", Most(single, 1)),
    ]


def _listings() -> Iterator[Listing]:
    for source, count in SOURCES.items():
        for number in range(count):
            price = 1.5 ** (number % 40)
            figures = Figures(price, price * 1e6, 1e6, 2e6, None, _NOW)
            yield Listing(Key(source, f"coin-{number}"), f"Coin Number {number}", f"c{number // _SHARED}", figures)


def _seconds(listings: dict[Key, Listing], wanted: Collection[Key]) -> float:
    words.cache_clear()
    started = time.process_time()
    changes(listings, resolved(listings.values(), wanted), ())
    return time.process_time() - started
