"""What a source is: a declaration of requests, pages and records. No source does I/O or reads the environment."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import itemgetter
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    AliasPath,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from pydantic.fields import FieldInfo

from kasparro.domain import Fault, Kind, Record, Request, Response, Ticker
from kasparro.errors import Rejected
from kasparro.settings import ApiOptions, Rate, SourceOptions
from kasparro.sources import json_list

# A figure is at most a hundred digits either side of the point: twice what any vendor ever sent, and far inside
# PostgreSQL's numeric. NaN and infinity are not figures. The digits behind the point are counted in `_check_fineness`:
# pydantic's own `decimal_places` would double the time that a record takes.
_DIGITS = 100
_LIMIT = Decimal(10) ** _DIGITS
Figure = Annotated[Decimal, Field(gt=-_LIMIT, lt=_LIMIT, allow_inf_nan=False)]
Amount = Annotated[Decimal, Field(ge=0, lt=_LIMIT, allow_inf_nan=False)]


def _no_flag(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a true or false is no rank")  # noqa: TRY004 - pydantic collects ValueErrors
    return value


Rank = Annotated[int, BeforeValidator(_no_flag), Field(ge=0, lt=2**31)]

_EARLIEST = datetime(2009, 1, 3, tzinfo=UTC)  # Bitcoin's first block
_AHEAD = timedelta(days=1)


def _plausible(moment: datetime) -> datetime:
    if not _EARLIEST <= moment <= datetime.now(UTC) + _AHEAD:
        raise ValueError("not between 2009-01-03 and tomorrow")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_plausible)]
Text = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00]*$")]


class TickerRecord(BaseModel):
    """An upstream record. Its fields are ours, their `validation_alias` is the vendor's path: the model is the mapping.

    Vendors leave out, rename and add keys, so every figure may be missing; what is missing is reported as drift.
    """

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True, extra="ignore", hide_input_in_errors=False)

    coin_id: Text
    name: Text
    symbol: Text | None = None
    rank: Rank | None = None
    price_usd: Amount | None = None
    market_cap_usd: Amount | None = None
    fully_diluted_valuation_usd: Amount | None = None
    volume_24h_usd: Amount | None = None
    open_usd: Amount | None = None
    high_usd: Amount | None = None
    low_usd: Amount | None = None
    price_change_1h_percent: Figure | None = None
    price_change_24h_percent: Figure | None = None
    price_change_7d_percent: Figure | None = None
    circulating_supply: Amount | None = None
    total_supply: Amount | None = None
    max_supply: Amount | None = None
    ath_usd: Amount | None = None
    ath_at: AwareDatetime | None = None
    atl_usd: Amount | None = None
    atl_at: AwareDatetime | None = None
    source_updated_at: Moment | None = None


_values = itemgetter(*Ticker._fields)


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
    zero_is_unknown: ClassVar[frozenset[str]] = frozenset()
    """Fields of ours for which the vendor writes 0 where it means "unknown"."""

    @abstractmethod
    def home(self, options: Any) -> str:
        """The vendor's base URL for these options."""

    @abstractmethod
    def rate(self, options: Any) -> Rate:
        """What the plan allows."""

    @abstractmethod
    def request(self, options: Any, cursor: Mapping[str, Any]) -> Request:
        """The request for the page at `cursor`; an empty cursor is the first page."""

    @abstractmethod
    def following(self, options: Any, cursor: Mapping[str, Any], fresh: int) -> Mapping[str, Any]:
        """The cursor of the page after `cursor`, which brought `fresh` new coins; empty when the snapshot is whole."""

    def records(self, response: Response) -> Iterator[Record]:
        """The records of a page, one by one, each with its exact text. Raises Malformed where it is no JSON list."""
        return json_list.read(self.name, response.body)

    def ticker(self, record: Record) -> Ticker:
        """The record as a ticker; raises Rejected with every fault, each at its upstream path."""
        try:
            read = self.record_type.model_validate(record.value)
        except ValidationError:
            read = self._blanks_are_nulls(record.value)
        if _may_be_too_fine(record.text):
            _check_fineness(read)
        values = read.__dict__
        if self.zero_is_unknown:
            values = values | {field: values[field] or None for field in self.zero_is_unknown}
        return Ticker._make(_values(values))

    def _blanks_are_nulls(self, value: Any) -> TickerRecord:
        """Second try for the rare record with a blank where a value belongs: a blank is a null."""
        try:
            return self.record_type.model_validate(without_blanks(value))
        except ValidationError as error:
            raise Rejected(faults(error)) from None


def base_url(options: ApiOptions, home: str) -> str:
    """Where requests go: the configured URL, with the vendor's path if it has none of its own; no trailing slash."""
    if options.base_url is None:
        return home
    configured = options.base_url.rstrip("/")
    _, _, rest = configured.partition("://")
    return configured if "/" in rest else configured + "/" + home.split("/", 3)[3]


def without_blanks(value: Any) -> Any:
    """The same value with blank strings as None, at any depth."""
    if isinstance(value, dict):
        return {key: without_blanks(item) for key, item in value.items()}
    return None if isinstance(value, str) and not value.strip() else value


def faults(error: ValidationError) -> tuple[Fault, ...]:
    """What pydantic found, as faults with the vendor's own path."""
    return tuple(
        Fault(
            ".".join(map(str, item["loc"])) or "$",
            item["msg"].removeprefix("Value error, "),
            json.dumps(item["input"], default=str)[:200],
        )
        for item in error.errors(include_url=False, include_context=False)
    )


def upstream_path(info: FieldInfo) -> str:
    """Where the vendor has what we keep in this field, as `quotes.USD.price`; empty where it has no such thing."""
    alias = info.validation_alias
    return ".".join(map(str, alias.path)) if isinstance(alias, AliasPath) else str(alias or "")


_TINY_EXPONENT = re.compile(r"[eE]-\d{3}")
_LONG_RECORD = 4000  # characters; a usual one has 700 to 1,200


def _may_be_too_fine(text: str) -> bool:
    """A quick look that lets nearly every record pass; `in` runs at the speed of memory."""
    return len(text) > _LONG_RECORD or (("e-" in text or "E-" in text) and bool(_TINY_EXPONENT.search(text)))


def _check_fineness(record: TickerRecord) -> None:
    """Raise Rejected for figures with more digits behind the point than a figure may have."""
    too_fine = tuple(
        Fault(upstream_path(info), f"more than {_DIGITS} digits behind the point", str(value)[:200])
        for name, info in type(record).model_fields.items()
        if isinstance(value := getattr(record, name), Decimal) and int(value.as_tuple().exponent) < -_DIGITS
    )
    if too_fine:
        raise Rejected(too_fine)
