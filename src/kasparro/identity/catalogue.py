"""The listings of all sources, found by what they are called: whom a listing may be compared with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kasparro.identity.evidence import WORTH_A_LOOK, Evidence, weighed
from kasparro.identity.listing import Key, Listing
from kasparro.identity.names import Words


class Candidate(NamedTuple):
    """Another source's listing that may be the same coin, with what speaks for it."""

    listing: Listing
    evidence: Evidence

    @property
    def key(self) -> Key:
        return self.listing.key


class Catalogue:
    """Every listing there is. Each pair is weighed once, when it is first asked for."""

    def __init__(self, listings: Iterable[Listing]) -> None:
        self.listings = {listing.key: listing for listing in listings}
        self.sources = sorted({key.source for key in self.listings})
        self._places: dict[tuple[str, str, str], list[Key]] = defaultdict(list)
        self._weighed: dict[tuple[Key, Key], Evidence] = {}
        self._lone: dict[Key, bool] = {}
        self._found: dict[tuple[Key, str], list[Candidate]] = {}
        for listing in self.listings.values():
            for kind, word in _signs(listing):
                self._places[listing.key.source, kind, word].append(listing.key)

    def candidates(self, listing: Listing, source: str) -> list[Candidate]:
        """The listings of another source that are worth a look, the best first."""
        if (known := self._found.get((listing.key, source))) is None:
            known = self._found[listing.key, source] = self._search(listing, source)
        return known

    def _search(self, listing: Listing, source: str) -> list[Candidate]:
        keys = {key for kind, word in _signs(listing) for key in self._places.get((source, kind, word), ())}
        found = [Candidate(self.listings[key], self.evidence(listing.key, key)) for key in keys]
        worth = [candidate for candidate in found if candidate.evidence.score >= WORTH_A_LOOK]
        return sorted(worth, key=_order)

    def evidence(self, a: Key, b: Key) -> Evidence:
        """What speaks for two listings being one coin."""
        pair = (a, b) if a < b else (b, a)
        if (known := self._weighed.get(pair)) is None:
            left, right = self.listings[pair[0]], self.listings[pair[1]]
            known = self._weighed[pair] = weighed(left, right, is_lone=self._is_lone(left) and self._is_lone(right))
        return known

    def _is_lone(self, listing: Listing) -> bool:
        """Whether its source has no other coin under the ticker; variants, which say that they are, do not count."""
        if (known := self._lone.get(listing.key)) is None:
            marks, ticker = listing.words.marks, listing.words.ticker
            others = [key for key in self._places.get((listing.key.source, "ticker", ticker), ()) if key != listing.key]
            known = self._lone[listing.key] = all(self.listings[key].words.marks - marks for key in others)
        return known


def _signs(listing: Listing) -> Iterator[tuple[str, str]]:
    """Where a listing can be found."""
    told: Words = listing.words
    if told.ticker:
        yield "ticker", told.ticker
    for name in {told.name, told.plain, *told.others} - {""}:
        yield "name", name
    for contract in listing.contracts:
        yield "contract", contract


def _order(candidate: Candidate) -> tuple[object, ...]:
    score, _, name, ticker, agreement, *_ = candidate.evidence
    return -score, -name, -ticker, -agreement, not candidate.evidence.ids_agree, candidate.key
