"""What a source is: a declaration of requests, pages and records. No source does I/O or reads the environment."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from operator import itemgetter
from typing import Annotated, Any, ClassVar

from pydantic import (
    AliasPath,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetPydanticSchema,
    ValidationError,
)
from pydantic.fields import FieldInfo
from pydantic_core.core_schema import chain_schema, decimal_schema, int_schema

from kasparro.domain import Fault, Kind, Record, Request, Response, Ticker
from kasparro.errors import Rejected
from kasparro.settings import ApiOptions, Rate, SourceOptions
from kasparro.sources import json_list

# NaN and infinity are not figures. The digits behind the point are counted in `_bounded`, for the few records
# that may have too many: pydantic's own `decimal_places` would double the time that a record takes.
_LIMIT = Decimal(10) ** json_list.DIGITS
Figure = Annotated[Decimal, Field(gt=-_LIMIT, lt=_LIMIT, allow_inf_nan=False, strict=True)]
Amount = Annotated[Decimal, Field(ge=0, lt=_LIMIT, allow_inf_nan=False, strict=True)]


# JSON's numbers are decimals here, so that a true or a numeral in quotes is no rank.
Rank = Annotated[
    int,
    GetPydanticSchema(lambda *_: chain_schema([decimal_schema(strict=True), int_schema(ge=0, lt=2**31)])),
]

_EARLIEST = datetime(2009, 1, 3, tzinfo=UTC)  # Bitcoin's first block
_AHEAD = timedelta(minutes=10)  # clocks differ; a time far ahead would make all that follows look stale
# Its other end, a little ahead of now, is looked at in `_is_ahead`: a validator in Python would cost 2 us a record.
Moment = Annotated[AwareDatetime, Field(ge=_EARLIEST)]
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
        values = self._read(record).__dict__  # the record is ours alone, and at its end here: no copy is needed
        for field in self.zero_is_unknown:
            values[field] = values[field] or None
        return Ticker._make(_values(values))

    def _read(self, record: Record) -> TickerRecord:
        try:
            read: TickerRecord = self.record_type.__pydantic_validator__.validate_python(record.value)
        except ValidationError as error:
            return self._read_mended(record.value, error)
        return _bounded(read) if record.is_unusual or _is_ahead(read.source_updated_at) else read

    def _read_mended(self, value: Any, error: ValidationError) -> TickerRecord:
        """A second look at the rare record with a blank for a null, or a number in a string."""
        try:
            return _bounded(self.record_type.model_validate(mended(value, error)))
        except ValidationError as lasting:
            raise Rejected(faults(lasting)) from None


def base_url(options: ApiOptions, home: str) -> str:
    """Where requests go: the configured URL, with the vendor's path if it has none of its own; no trailing slash."""
    if options.base_url is None:
        return home
    configured = options.base_url.rstrip("/")
    _, _, rest = configured.partition("://")
    return configured if "/" in rest else configured + "/" + home.split("/", 3)[3]


def mended(value: Any, error: ValidationError) -> Any:
    """A copy of the record: where `error` points, blanks are nulls, and strings that hold a number are one."""
    try:
        copy = deepcopy(value)
    except RecursionError:
        return value  # no vendor nests so deep: it is rejected as it is
    for item in error.errors(include_url=False, include_context=False):
        *path, last = item["loc"] or ("",)
        place = copy
        for key in path:
            place = place.get(key) if isinstance(place, dict) else None
        if isinstance(place, dict) and isinstance(item["input"], str):
            place[last] = _meant(item["input"], item["type"])
    return copy


def _meant(text: str, fault: str) -> Decimal | str | None:
    if not text.strip():
        return None
    try:
        return json_list.number(text) if fault == _NO_NUMBER else text
    except InvalidOperation:
        return text


_NO_NUMBER = "is_instance_of"


def faults(error: ValidationError) -> tuple[Fault, ...]:
    """What pydantic found, as faults with the vendor's own path."""
    return tuple(
        Fault(
            ".".join(map(str, item["loc"])) or "$",
            "Input should be a number" if item["type"] == _NO_NUMBER else item["msg"].removeprefix("Value error, "),
            json.dumps(item["input"], default=str)[:200],
        )
        for item in error.errors(include_url=False, include_context=False)
    )


def upstream_path(info: FieldInfo) -> str:
    """Where the vendor has what we keep in this field, as `quotes.USD.price`; empty where it has no such thing."""
    alias = info.validation_alias
    return ".".join(map(str, alias.path)) if isinstance(alias, AliasPath) else str(alias or "")


def _is_ahead(moment: datetime | None) -> bool:
    return moment is not None and moment > datetime.now(UTC) + _AHEAD


def _bounded(record: TickerRecord) -> TickerRecord:
    """The same record; raises Rejected for figures too fine and times ahead, which pydantic was not asked to find."""
    found = tuple(
        Fault(upstream_path(info), message, str(value)[:200])
        for name, info in type(record).model_fields.items()
        if (message := _beyond(name, value := getattr(record, name)))
    )
    if found:
        raise Rejected(found)
    return record


def _beyond(name: str, value: object) -> str | None:
    """What bound a value exceeds, if any."""
    if isinstance(value, Decimal) and int(value.as_tuple().exponent) < -json_list.DIGITS:
        return f"more than {json_list.DIGITS} digits behind the point"
    if name == "source_updated_at" and isinstance(value, datetime) and _is_ahead(value):
        return "later than now"
    return None
