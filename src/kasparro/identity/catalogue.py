"""The listings of all sources, found by what they are called: whom a listing may be compared with."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kasparro.identity.evidence import MANY, WORTH_A_LOOK, Evidence, Rarity, weighed
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
        self._sizes = Counter(key.source for key in self.listings)
        self.sources = sorted(self._sizes)
        self._places: dict[tuple[str, str, str], list[Key]] = defaultdict(list)
        self._weighed: dict[tuple[Key, Key], Evidence] = {}
        self._found: dict[tuple[Key, str], list[Candidate]] = {}
        for listing in self.listings.values():
            for kind, word in _signs(listing):
                self._places[listing.key.source, kind, word].append(listing.key)
            self._places[listing.key.source, "stem", listing.words.stem].append(listing.key)

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
            known = self._weighed[pair] = weighed(left, right, self._rarity(left, right))
        return known

    def _rarity(self, a: Listing, b: Listing) -> Rarity:
        """How rare a ticker and a name are that two listings share: of listings that differ, nobody asks."""
        if a.words.stem != b.words.stem or not all(self._is_lone(each, "ticker", each.words.ticker) for each in (a, b)):
            return Rarity.COMMON
        are_many = max(self._sizes[a.key.source], self._sizes[b.key.source]) >= MANY
        is_single = all(self._is_lone(each, "stem", each.words.stem) for each in (a, b))
        return Rarity.LONE_AMONG_MANY if are_many and is_single else Rarity.LONE_TICKER

    def _is_lone(self, listing: Listing, kind: str, word: str) -> bool:
        """Whether its source has no other coin of that; variants, which say that they are, do not count."""
        others = self._places.get((listing.key.source, kind, word), ())
        return all(key == listing.key or self.listings[key].words.marks - listing.words.marks for key in others)


def _signs(listing: Listing) -> Iterator[tuple[str, str]]:
    """Where a listing can be found."""
    told: Words = listing.words
    if told.ticker:
        yield "ticker", told.ticker
    for name in {told.name, told.plain, *told.others} - {""}:
        yield "name", name
    for contract in listing.contracts:
        yield "contract", contract.partition(":")[2]


def _order(candidate: Candidate) -> tuple[object, ...]:
    score, _, name, ticker, agreement, *_ = candidate.evidence
    return -score, -name, -ticker, -agreement, not candidate.evidence.ids_agree, candidate.key
