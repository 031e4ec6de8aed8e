"""What a record may hold: the vocabulary of the sources' models, and what pydantic makes of a record."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import AliasPath, AwareDatetime, BaseModel, ConfigDict, Field, GetPydanticSchema, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core.core_schema import chain_schema, decimal_schema, int_schema

from kasparro.domain import Fault
from kasparro.errors import Rejected
from kasparro.sources import json_list

LIMIT = Decimal(10) ** json_list.DIGITS
EARLIEST = datetime(2009, 1, 3, tzinfo=UTC)  # Bitcoin's first block
AHEAD = timedelta(minutes=10)  # clocks differ; a time far ahead would make all that follows look stale

# NaN and infinity are not figures. How many digits they have, and whether a moment is ahead, is looked at in `_beyond`.
Figure = Annotated[Decimal, Field(gt=-LIMIT, lt=LIMIT, allow_inf_nan=False, strict=True)]
Amount = Annotated[Decimal, Field(ge=0, lt=LIMIT, allow_inf_nan=False, strict=True)]
# JSON's numbers are decimals here, so that a true or a numeral in quotes is no rank.
Rank = Annotated[
    int,
    GetPydanticSchema(lambda *_: chain_schema([decimal_schema(strict=True), int_schema(ge=0, lt=2**31)])),
]
Moment = Annotated[AwareDatetime, Field(ge=EARLIEST)]
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


def validated(record_type: type[TickerRecord], value: Any) -> TickerRecord:
    """The record; raises Rejected with every fault, each at its upstream path."""
    try:
        return _bounded(record_type.model_validate(value))
    except ValidationError as error:
        return _read_mended(record_type, value, error)


def _read_mended(record_type: type[TickerRecord], value: Any, error: ValidationError) -> TickerRecord:
    """A second look at the rare record with a blank for a null, or a number in a string."""
    try:
        return _bounded(record_type.model_validate(mended(value, error)))
    except ValidationError as lasting:
        raise Rejected(faults(lasting)) from None


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


def upstream_keys(info: FieldInfo) -> tuple[str | int, ...]:
    """The keys that lead to what we keep in this field; none where the vendor has no such thing."""
    match info.validation_alias:
        case None:
            return ()
        case AliasPath(path=path):
            return tuple(path)
        case alias:
            return (str(alias),)


def upstream_path(info: FieldInfo) -> str:
    """The same as one text, `quotes.USD.price`."""
    return ".".join(map(str, upstream_keys(info)))


def is_ahead(moment: datetime) -> bool:
    """Whether a source's clock is wrong: the moment is yet to come."""
    return moment > datetime.now(UTC) + AHEAD


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
    if name == "source_updated_at" and isinstance(value, datetime) and is_ahead(value):
        return "later than now"
    return None
