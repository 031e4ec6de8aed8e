"""What speaks for two listings being one coin, weighed once, in one table."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Literal, NamedTuple

from kasparro.identity.figures import Agreement, Ratios, agreement, compared
from kasparro.identity.listing import UNKNOWN_CHAIN, Listing
from kasparro.identity.names import Words

Method = Literal["manual", "contract", "name_symbol", "other_name", "name", "figures", "alone"]

ENOUGH = 75
"""A score from here on links, where no other candidate comes near it."""
WORTH_A_LOOK = 25
"""A score from here on makes a candidate that a person is shown."""

MANY = 1000
"""Coins of a source: that none of fewer has a name says little."""


class Name(IntEnum):
    """How far two names agree, in the words of `names.Words`."""

    NONE = 0
    CORE = 1
    PLAIN = 2
    OTHER = 3
    SAME = 4


class Ticker(IntEnum):
    """How two tickers stand to each other."""

    DIFFERS = 0
    UNKNOWN = 1
    SAME = 2


class Rarity(IntEnum):
    """Whether the two sources have other coins that are called as two listings are."""

    COMMON = 0
    LONE_TICKER = 1
    LONE_AMONG_MANY = 2


class Evidence(NamedTuple):
    """What was compared, how it came out, and the score in percent: 0 is nothing, 100 a person's word."""

    score: int
    method: Method
    name: Name
    ticker: Ticker
    agreement: Agreement
    ratios: Ratios
    ids_agree: bool = False
    marks_differ: bool = False
    shared_contracts: frozenset[str] = frozenset()
    contracts_differ: bool = False

    @property
    def forbids(self) -> bool:
        """Whether the two must not meet in one asset, whatever speaks for it."""
        return self.marks_differ or self.contracts_differ or self.agreement is Agreement.CONTRADICT

    @property
    def is_proven(self) -> bool:
        """Whether more than words speaks for it."""
        return bool(self.shared_contracts) or self.agreement >= Agreement.PRICE

    def beats(self, other: Evidence) -> bool:
        """Whether it leaves no doubt which of two candidates is meant: better in something, and worse in nothing."""
        by_figures = self.agreement > other.agreement and self.agreement >= Agreement.PRICE
        is_better = self.name > other.name or by_figures or self.ids_agree > other.ids_agree
        return self.score >= other.score and self.agreement >= other.agreement and is_better


# By name and ticker: the score where figures contradict, are unknown, doubtful, agree in price, agree in all.
_SCORES: dict[tuple[Name, Ticker], tuple[int, int, int, int, int]] = {
    (Name.SAME, Ticker.SAME): (30, 95, 90, 97, 99),
    (Name.OTHER, Ticker.SAME): (25, 90, 80, 94, 98),
    (Name.PLAIN, Ticker.SAME): (10, 80, 50, 92, 97),  # unknown: see `_tempered`
    (Name.CORE, Ticker.SAME): (0, 50, 30, 90, 96),
    (Name.NONE, Ticker.SAME): (0, 0, 0, 30, 90),
    (Name.SAME, Ticker.UNKNOWN): (25, 80, 50, 90, 96),
    (Name.OTHER, Ticker.UNKNOWN): (0, 50, 30, 60, 90),
    (Name.PLAIN, Ticker.UNKNOWN): (0, 30, 25, 50, 85),
    (Name.SAME, Ticker.DIFFERS): (0, 50, 25, 60, 92),
    (Name.OTHER, Ticker.DIFFERS): (0, 20, 10, 30, 85),
}
_NOTHING = (0,) * 5
_CONTRACT = 99
_CONTESTED = 30  # strong evidence for and against: a person has to look
_TICKER_TWICE = 85  # a coin that is called by its ticker has told one thing, not two
_LONGEST_TICKER = 10  # signs, of CoinPaprika's
_NOT_TELLING = 50  # a name that is merely alike says little where it is the ticker again, or others share that


def weighed(a: Listing, b: Listing, rarity: Rarity) -> Evidence:
    """The evidence for two listings of two sources."""
    ours, theirs = a.words, b.words
    ratios = compared(a.figures, b.figures)
    name, ticker = _names(ours, theirs), _tickers(a, b)
    found = agreement(ratios)
    shared = _shared(a.contracts, b.contracts)
    evidence = Evidence(
        score=_SCORES.get((name, ticker), _NOTHING)[found],
        method="contract" if shared else _method(name, ticker),
        name=name,
        ticker=ticker,
        agreement=found,
        ratios=ratios,
        ids_agree=not ours.others.isdisjoint(theirs.others),
        marks_differ=name is not Name.SAME and ours.marks != theirs.marks,
        shared_contracts=shared,
        contracts_differ=not shared and found is not Agreement.ALL and not _chains(a).isdisjoint(_chains(b)),
    )
    score = _tempered(evidence, is_telling=_is_telling(name, ours, theirs, rarity))
    return evidence if score == evidence.score else evidence._replace(score=score)


def _tempered(found: Evidence, *, is_telling: bool) -> int:
    """The score, with what stands beside names and figures taken into account."""
    if found.shared_contracts:
        is_alone = found.name is Name.NONE and found.ticker is not Ticker.SAME and found.agreement < Agreement.PRICE
        return _CONTESTED if found.forbids or is_alone else _CONTRACT  # vendors mix up what is bridged, too
    if found.marks_differ:
        return _CONTESTED if found.agreement is Agreement.ALL and found.score >= ENOUGH else 0
    if found.contracts_differ:
        return min(found.score, _CONTESTED)
    if found.agreement is not Agreement.UNKNOWN or is_telling:
        return found.score
    return min(found.score, _TICKER_TWICE if found.name is Name.SAME else _NOT_TELLING)


def _is_telling(name: Name, a: Words, b: Words, rarity: Rarity) -> bool:
    """Whether a name says more than its ticker; one that is merely alike says it only where it is rare."""
    match name:
        case Name.SAME:
            return a.name != a.ticker
        case Name.PLAIN:
            least = Rarity.LONE_TICKER if a.plain == b.plain else Rarity.LONE_AMONG_MANY
            return a.stem != a.ticker and rarity >= least
    return True


def _names(a: Words, b: Words) -> Name:
    if a.name and a.name == b.name:
        return Name.SAME
    if a.name in b.others or b.name in a.others or (a.core and a.core == b.core and not a.others.isdisjoint(b.others)):
        return Name.OTHER
    if a.stem and a.stem == b.stem:
        return Name.PLAIN
    if a.core and a.core == b.core:
        return Name.CORE
    return Name.NONE


def _tickers(a: Listing, b: Listing) -> Ticker:
    ours, theirs = a.words.ticker, b.words.ticker
    if not ours or not theirs:
        return Ticker.UNKNOWN
    return Ticker.SAME if ours == theirs or _is_cut(a, b) or _is_cut(b, a) else Ticker.DIFFERS


def _is_cut(short: Listing, long: Listing) -> bool:
    """Whether a vendor has cut a ticker to the length that it gives at most: STREAMERIN of STREAMERINU."""
    return len(short.symbol or "") == _LONGEST_TICKER and long.words.ticker.startswith(short.words.ticker)


def _method(name: Name, ticker: Ticker) -> Method:
    match name, ticker:
        case Name.SAME, Ticker.SAME:
            return "name_symbol"
        case ((Name.OTHER | Name.PLAIN | Name.CORE), Ticker.SAME):
            return "other_name"
        case _, Ticker.UNKNOWN:
            return "name"
    return "figures"


def _chains(listing: Listing) -> set[str]:
    return {contract.partition(":")[0] for contract in listing.contracts} - {UNKNOWN_CHAIN}


def _shared(ours: frozenset[str], theirs: frozenset[str]) -> frozenset[str]:
    """The contracts that both have; of one whose chain is not told, its address is enough."""
    return frozenset([*_found(ours, theirs), *_found(theirs, ours)])


def _found(some: frozenset[str], among: frozenset[str]) -> Iterator[str]:
    for contract in some:
        chain, _, address = contract.partition(":")
        if contract in among:
            yield contract
        elif chain == UNKNOWN_CHAIN:
            yield from (other for other in among if other.partition(":")[2] == address)
