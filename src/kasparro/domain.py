"""The words of the house as plain values: what a ticker, a page, a fault, a run is. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, NamedTuple

Numeral = Decimal | str
"""An exact figure: a decimal, or the very digits that the source wrote. PostgreSQL is the first to compute with it."""


class Ticker(NamedTuple):
    """One coin as one source saw it at one moment. The fields are the columns of the staging table, in order.

    Figures are in US dollars, coins or percent; None means the source does not know.
    """

    coin_id: str
    name: str
    symbol: str | None
    rank: int | None
    price_usd: Numeral | None
    market_cap_usd: Numeral | None
    fully_diluted_valuation_usd: Numeral | None
    volume_24h_usd: Numeral | None
    open_usd: Numeral | None
    high_usd: Numeral | None
    low_usd: Numeral | None
    price_change_1h_percent: Numeral | None
    price_change_24h_percent: Numeral | None
    price_change_7d_percent: Numeral | None
    circulating_supply: Numeral | None
    total_supply: Numeral | None
    max_supply: Numeral | None
    ath_usd: Numeral | None
    ath_at: datetime | None
    atl_usd: Numeral | None
    atl_at: datetime | None
    source_updated_at: datetime | None


class Fault(NamedTuple):
    """Why a record was rejected: the upstream path of the value, what is wrong with it, and the value, shortened."""

    path: str
    message: str
    value: str


class Kind(StrEnum):
    """What a source's records are: the present state of each coin, or dated observations of coins."""

    SNAPSHOT = "snapshot"
    SERIES = "series"


RunStatus = Literal["running", "success", "partial", "failed", "abandoned", "cancelled"]
Trigger = Literal["schedule", "manual", "backfill"]
DriftKind = Literal[
    "new_field",
    "missing_field",
    "renamed_field",
    "type_change",
    "null_rate",
    "precision",
    "time_grid",
    "scale",
    "immutable_change",
]
Severity = Literal["info", "warning", "critical"]
Outcome = Literal["inserted", "updated", "unchanged", "stale", "rejected", "duplicate"]
Replayal = Literal["inserted", "updated", "unchanged", "stale", "reread"]
"""What became of a quarantined record that was replayed."""
FlagName = Literal["torn", "shrunken"]


class Flag(NamedTuple):
    """Why a snapshot is no evidence of what it does not list.

    torn: coins moved, or may have moved, from page to page while it was read. shrunken: clearly fewer coins than usual.
    """

    name: FlagName
    reason: str


class Span(NamedTuple):
    """A stretch of time, without its end."""

    since: datetime
    until: datetime


class Reach(NamedTuple):
    """What a plan tells of the past: points `step` apart, as far `back` from now (None: to the beginning).

    A call brings a stretch of at most `span`.
    """

    step: timedelta
    back: timedelta | None
    span: timedelta


class Part(NamedTuple):
    """A stretch of the past of a coin that is asked for in one call, in points `step` apart."""

    since: datetime
    until: datetime
    step: timedelta


class Coin(NamedTuple):
    """A coin as its source calls it."""

    coin_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Request:
    """One GET that a source wants: `path` below its base URL, with query and headers (keys travel in headers only)."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: status, headers (lower-case names) and the whole decompressed body."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    fetched_at: datetime


class Record(NamedTuple):
    """One upstream record: its place in the page, and its exact bytes."""

    position: int
    body: bytes

    @property
    def text(self) -> str:
        """The same as text; bytes that are no UTF-8 are lone surrogates."""
        return self.body.decode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that did not become a ticker, with every reason."""

    position: int
    text: str
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Drift:
    """A difference between what a source is declared, or known by now, to send and what it sent."""

    kind: DriftKind
    path: str
    severity: Severity
    confidence: float = 1.0
    expected: str | None = None
    observed: str | None = None
    renamed_to: str | None = None
    sample: str | None = None


class Trait(NamedTuple):
    """How the values of a path spread over the ordered classes of a kind: class -> how many, as digits -> figures."""

    kind: DriftKind
    path: str
    severity: Severity
    counts: Mapping[int, float]
    sample: str | None = None


class Immutable(NamedTuple):
    """The values of a path that may change only with their causes: coin -> (cause, value)."""

    path: str
    severity: Severity
    values: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Portrait:
    """What the values of a page look like, to be held against the same part of earlier snapshots."""

    part: str
    traits: tuple[Trait, ...]
    immutables: tuple[Immutable, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The origin of one transaction: where it was fetched from, its exact text, the checksum of the bytes received.

    What is no UTF-8 is escaped in the text, so that it has no lone surrogates.
    `number` counts the pages of the run, `stream` names the checkpoint that the page moves. `reading` is what has to be
    known to read the text again, where it does not tell by itself. `same_as` is the raw_id of a page of the source that
    has been kept with the very same text.
    """

    number: int
    url: str
    status: int
    text: str
    checksum: bytes
    fetched_at: datetime
    stream: str = ""
    simulated: bool = False
    reading: Mapping[str, Any] = field(default_factory=dict)
    same_as: int | None = None


@dataclass(slots=True)
class Ledger:
    """Where every fetched record went. `fetched` is the sum of the others, and a CHECK in the database says so."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    rejected: int = 0
    duplicate: int = 0

    @property
    def fetched(self) -> int:
        return self.inserted + self.updated + self.unchanged + self.stale + self.rejected + self.duplicate

    @property
    def processed(self) -> int:
        """Records that were understood: what the seed's contract calls `records_processed`."""
        return self.fetched - self.rejected

    def add(self, other: Ledger) -> None:
        self.inserted += other.inserted
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.stale += other.stale
        self.rejected += other.rejected
        self.duplicate += other.duplicate


@dataclass(frozen=True, slots=True)
class Refusal:
    """A whole file that cannot be read as tickers: one rejected record. `cursor` remembers the refused content."""

    stream: str
    faults: tuple[Fault, ...]
    cursor: Mapping[str, Any]


class Entry(NamedTuple):
    """A ticker and the place of its record in the page."""

    position: int
    ticker: Ticker


class Duplicate(NamedTuple):
    """The place of a record whose coin was in the snapshot before, with nothing newer to say."""

    position: int


class Share(NamedTuple):
    """What one page brought to its snapshot: records, coins that no page before it had, and coins that one had."""

    records: int
    fresh: int
    repeated: int
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class Census:
    """A snapshot, counted when its last page is read.

    `scope` is what the source was asked for; `coins` are the ids in all records, also in those that were rejected;
    `unnamed` counts the rejected ones that tell no id. Of a resumed snapshot an earlier run has brought the beginning.
    """

    scope: str
    is_resumed: bool
    shares: Sequence[Share]
    coins: Set[str]
    unnamed: int

    @property
    def listed(self) -> int:
        """How many coins are listed, as far as can be told."""
        return len(self.coins) + self.unnamed


class Closing(NamedTuple):
    """What is known of a page once its records are read: where the source goes on, how it differs from the declaration
    of the source, and, of some pages, what its values look like.

    The last page of a snapshot brings the census of all. `coins` are those of a page in which every record is a ticker
    of a coin of its own, each with its time; `unchanged` counts the records that nobody had to look at. `contracts`
    tell where tokens live, as coin_id, chain and address.
    """

    cursor: Mapping[str, Any]
    drifts: Sequence[Drift] = ()
    census: Census | None = None
    portrait: Portrait | None = None
    coins: Mapping[str, datetime | None] | None = None
    unchanged: int = 0
    contracts: Sequence[tuple[str, str, str]] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """A page on its way to the store. `entries` parses while it is iterated: a large page never holds the event loop.

    `close` is called once, when the entries are used up.
    """

    page: Page
    entries: Iterator[Entry | Rejection | Duplicate]
    close: Callable[[], Closing]
