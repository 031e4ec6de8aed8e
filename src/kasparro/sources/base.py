"""What a source is: a declaration of requests, pages and records. No source does I/O or reads the environment."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from pydantic import TypeAdapter, ValidationError

from kasparro.domain import Coin, Fault, Kind, Part, Reach, Record, Request, Response, Ticker
from kasparro.errors import Rejected
from kasparro.identity.listing import Contract
from kasparro.settings import ApiOptions, Rate, SourceOptions
from kasparro.sources import json_list
from kasparro.sources.fast_lane import FastLane, Foreign
from kasparro.sources.records import AHEAD, Text, TickerRecord, upstream_keys, upstream_path, validated

_text: TypeAdapter[str] = TypeAdapter(Text)


class Plan(NamedTuple):
    """What a vendor allows: a rate, and credits, which are calls in a month (None: no number is promised)."""

    name: str
    rate: Rate
    credits: int | None = None


class Source(ABC):
    """A place that tickers come from. Declare one in a file of its own in this folder and it is registered."""

    name: ClassVar[str]
    kind: ClassVar[Kind] = Kind.SNAPSHOT
    options_type: ClassVar[type[SourceOptions]]


class ApiSource(Source):
    """A source read over HTTP: pages of JSON records, one request a page."""

    options_type: ClassVar[type[ApiOptions]] = ApiOptions
    record_type: ClassVar[type[TickerRecord]]
    known: ClassVar[Mapping[str, str]] = {}
    """Upstream paths that are known and not mapped -> their JSON type."""
    optional: ClassVar[Mapping[str, str]] = {}
    """Upstream paths that come only when asked for, or on some plans -> their JSON type."""
    immutable: ClassVar[Mapping[str, str]] = {}
    """Upstream paths whose value never changes, for one coin, unless that of another path does -> the other path."""
    zero_is_unknown: ClassVar[frozenset[str]] = frozenset()
    """Fields of ours for which the vendor writes 0 where it means "unknown"."""
    point_type: ClassVar[type[TickerRecord]]
    """A point of a coin's past; none is needed where `reaches` has nothing."""

    @abstractmethod
    def home(self, options: Any) -> str:
        """The vendor's base URL for these options."""

    @abstractmethod
    def plan(self, options: Any) -> Plan:
        """The plan that these options are on."""

    @abstractmethod
    def request(self, options: Any, cursor: Mapping[str, Any]) -> Request:
        """The request for the page at `cursor`; an empty cursor is the first page."""

    @abstractmethod
    def following(self, options: Any, cursor: Mapping[str, Any], fresh: int) -> Mapping[str, Any]:
        """The cursor of the page after `cursor`, which brought `fresh` new coins; empty when the snapshot is whole."""

    def records(self, response: Response) -> Iterator[Record]:
        """The records of a page, one by one, each with its exact text. Raises Malformed where it is no JSON list."""
        return json_list.read(self.name, response.body)

    def ordinary(self, record: Record) -> Ticker | None:
        """The record as a ticker, at once, where it holds what it always does; None where `ticker` has to judge it."""
        return self._fast_lane.ticker(record.body) if self._fast_lane else None

    def ticker(self, record: Record) -> Ticker:
        """The record as a ticker; raises Rejected with every fault, each at its upstream path."""
        return self._ticker(validated(self.record_type, json_list.value(record)))

    def _ticker(self, record: TickerRecord) -> Ticker:
        values = vars(record)
        known = {field: values[field] or None for field in self.zero_is_unknown}
        return Ticker(**values | known)

    def dated(self, ticker: Ticker, fetched_at: datetime) -> Ticker:
        """The same ticker; raises Rejected where its time was yet to come when it was fetched, even if it is past."""
        moment = ticker.source_updated_at
        if moment is not None and moment > fetched_at + AHEAD:
            path = upstream_path(self.record_type.model_fields["source_updated_at"])
            raise Rejected((Fault(path, "later than now", str(moment)),))
        return ticker

    def coin_id(self, record: Record) -> str | None:
        """The id in a record that is no ticker; None where it tells none."""
        value = json_list.value(record)
        for key in upstream_keys(self.record_type.model_fields["coin_id"]):
            value = value.get(key) if isinstance(value, dict) else None
        try:
            return _text.validate_python(value).strip() or None
        except ValidationError:
            return None

    def contract_requests(self, options: Any) -> Sequence[Request]:
        """What to ask once a day for the contracts of all tokens; nothing where the vendor does not tell them."""
        return ()

    def contracts(self, request: Request, response: Response) -> Iterator[Contract]:
        """The contracts in the answer to one of these requests. Raises Malformed where it is no JSON list."""
        yield from ()

    def reaches(self, options: Any) -> Sequence[Reach]:
        """What the plan tells of the past, the finest first; nothing where the vendor tells none."""
        return ()

    def past(self, options: Any, coin_id: str, part: Part) -> Request:
        """The request for a part of a coin's past; it may bring more than was asked for."""
        raise NotImplementedError

    def points(self, response: Response) -> Iterator[Record]:
        """The points of a coin's past, one by one. Raises Malformed where the answer holds none."""
        return self.records(response)

    def point(self, record: Record, coin: Coin) -> Ticker:
        """A point as a ticker of the coin; raises Rejected as `ticker` does."""
        value = json_list.value(record)
        named = {**value, **coin._asdict()} if isinstance(value, dict) else value
        return self._ticker(validated(self.point_type, named))

    @cached_property
    def _fast_lane(self) -> FastLane | None:
        with suppress(Foreign):
            return FastLane(self.record_type, {**self.known, **self.optional}, self.zero_is_unknown)
        return None


def base_url(options: ApiOptions, home: str) -> str:
    """Where requests go: the configured URL, with the vendor's path if it has none of its own; no trailing slash."""
    if options.base_url is None:
        return home
    configured = options.base_url.rstrip("/")
    _, _, rest = configured.partition("://")
    return configured if "/" in rest else configured + "/" + home.split("/", 3)[3]
