"""A coin as a source lists it, and what is known of where it belongs."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from kasparro.identity.figures import Figures
from kasparro.identity.names import Words, words


class Key(NamedTuple):
    """What a source calls a coin: the one name that never moves."""

    source: str
    coin_id: str


UNKNOWN_CHAIN = "unknown"
"""Where an address is told without its chain: it may be on any, so that it can speak for a link, and never against."""


class Contract(NamedTuple):
    """Where a token lives: the chain in CoinGecko's word, the address in small letters where that is all the same."""

    coin_id: str
    chain: str
    address: str


class Standing(NamedTuple):
    """Where a listing was put, and since when the asset exists; what the listing was called then.

    A pinned listing was put there by a person, and stays. An ambiguous one is shown with what it might be, too.
    """

    asset: str
    since: datetime
    name: str
    symbol: str | None
    is_pinned: bool = False
    is_ambiguous: bool = False


class Listing(NamedTuple):
    """A coin of a source. `contracts` are `chain:address`, as far as the source tells; one without standing is new."""

    key: Key
    name: str
    symbol: str | None = None
    figures: Figures = Figures()
    contracts: frozenset[str] = frozenset()
    standing: Standing | None = None

    @property
    def words(self) -> Words:
        return words(self.key.coin_id, self.name, self.symbol)
