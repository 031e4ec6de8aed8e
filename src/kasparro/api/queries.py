"""What may be asked: a model for the parameters of each route. What is unknown is refused, never ignored."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic.config import JsonDict

from kasparro.domain import DriftKind

_LARGEST = 2**63 - 1  # of PostgreSQL's bigint
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def known(name: str, info: ValidationInfo) -> str:
    """The name of a source; raises ValueError where there is none of that name."""
    sources = (info.context or {})["sources"]
    if name not in sources:
        raise ValueError(f"there is no such source; there are {', '.join(sources)}")
    return name


def items(value: object) -> object:
    """A list as it is written in a query: with commas."""
    return [item.strip() for item in value.split(",")] if isinstance(value, str) else value


def different(names: list[str]) -> list[str]:
    """Names, each of them once; a minus before one makes no other name of it."""
    if len({name.lstrip("-") for name in names}) < len(names):
        raise ValueError("a name is given twice")
    return names


def _written(value: object) -> object:
    """A date and time as RFC 3339 has it: pydantic would take the seconds of a clock, too, and a day alone."""
    if not (isinstance(value, str) and _MOMENT.fullmatch(value)):
        raise ValueError("write it as 2026-01-31T12:00:00Z, or with an offset such as %2B01:00")
    return value


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is no time that a calendar has") from None


UNIQUE: JsonDict = {"uniqueItems": True}
Moment = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_utc)]
SOURCE_FORMAT = "source"  # the OpenAPI document writes down the names in its place
Source = Annotated[str, AfterValidator(known), WithJsonSchema({"type": "string", "format": SOURCE_FORMAT})]
Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")]
Symbol = Annotated[str, Field(max_length=100, pattern=r"^[^\x00,]*[^\x00,\s][^\x00,]*$")]
Sources = Annotated[list[Source], BeforeValidator(items), Field(min_length=1, max_length=100)]
Symbols = Annotated[list[Symbol], BeforeValidator(items), Field(min_length=1, max_length=100)]
AssetId = Annotated[str, Field(max_length=200, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
AssetIds = Annotated[list[AssetId], BeforeValidator(items), Field(min_length=1, max_length=100)]
Id = Annotated[int, Field(ge=1, le=_LARGEST)]
Path = Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00]*$")]
MarketOrder = Literal[
    "rank",
    "-rank",
    "name",
    "-name",
    "price_usd",
    "-price_usd",
    "price_change_24h_percent",
    "-price_change_24h_percent",
    "market_cap_usd",
    "-market_cap_usd",
    "volume_24h_usd",
    "-volume_24h_usd",
]


class Query(BaseModel):
    """Parameters of a request. A list is written with commas; no parameter may be given twice."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class NoQuery(Query):
    """A route without parameters."""


class CardQuery(Query):
    q: Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")] = ""
    """Only coins that hold this in their name, symbol or id, in upper or lower case."""
    source: Source | None = None
    """Only this source."""
    sort: MarketOrder = "rank"
    """The order of the coins; a minus stands for the greatest first."""
    page: Annotated[int, Field(ge=1, le=400)] = 1
    """The page, from 1, of 25 coins."""
    refresh: Annotated[int, Field(ge=10, le=3600)] | None = None
    """After so many seconds the browser asks again."""


class StaticQuery(Query):
    v: str | None = None
    """The version that the page was made for."""


class RunsQuery(Query):
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    """At most so many."""
    source: Sources | None = None
    """Only these sources."""


class RunRequest(Query):
    """Which source is to be run."""

    source: Source


class EventsQuery(Query):
    source: Sources | None = None
    """Only these sources."""


class RunPath(Query):
    run_id: Id
    """The run."""


class CompareQuery(Query):
    a: Id | None = None
    """The earlier run."""
    b: Id | None = None
    """The later run, which is judged."""
    source: Source | None = None
    """Instead of `a` and `b`: the last two finished runs of this source."""
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    """At most so many coins in each list."""

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        given = [value is not None for value in (self.a, self.b, self.source)]
        if given not in ([True, True, False], [False, False, True]):
            raise ValueError("give either `a` and `b`, the ids of two runs, or `source`")
        return self


class DriftQuery(Query):
    source: Sources | None = None
    """Only these sources."""
    acknowledged: bool | None = None
    """Only those that somebody has, or has not, acknowledged."""
    resolved: bool | None = None
    """Only those that the last whole snapshot did not, or did, show."""
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    """At most so many."""


class RejectsQuery(Query):
    source: Sources | None = None
    """Only these sources."""
    run_id: Id | None = None
    """Only this run."""
    since: Moment | None = None
    """Only those quarantined at this time or later, such as 2026-01-31T12:00:00Z."""
    until: Moment | None = None
    """Only those quarantined before this time."""
    state: Literal["open", "replayed"] | None = None
    """open: not read yet. replayed: read after all."""
    path: Path | None = None
    """Only those with a reason at this upstream path, or in this column of a file."""
    before: Id | None = None
    """Only those with a lower `reject_id`: the last one of the page before."""
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    """At most so many."""


_CHOICES = ("source", "run_id", "reject_ids")


def _needs_one(schema: JsonDict) -> None:
    """What ReplayRequest checks, in the words of JSON Schema."""
    schema["anyOf"] = [{"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in _CHOICES]


class ReplayRequest(Query):
    """Which open records are read again. At least one of them has to be given."""

    model_config = ConfigDict(json_schema_extra=_needs_one)

    source: Source | None = None
    """Only this source."""
    run_id: Id | None = None
    """Only this run."""
    reject_ids: Annotated[list[Id], Field(min_length=1, max_length=1000)] | None = None
    """Only these records."""

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        if not (self.source or self.run_id or self.reject_ids):
            raise ValueError("give `source`, `run_id` or `reject_ids`")
        return self


class Acknowledgement(Query):
    """Which drifts somebody accepts."""

    source: Source
    kind: DriftKind | None = None
    """Only this kind."""
    path: Path | None = None
    """Only this upstream path."""
