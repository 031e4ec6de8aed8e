"""What may be asked: a model for the parameters of each route. What is unknown is refused, never ignored."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from kasparro.domain import DriftKind

_LARGEST = 2**63 - 1  # of PostgreSQL's bigint


def _known(name: str, info: ValidationInfo) -> str:
    known = (info.context or {})["sources"]
    if name not in known:
        raise ValueError(f"there is no such source; there are {', '.join(known)}")
    return name


def _items(value: object) -> object:
    return [item.strip() for item in value.split(",")] if isinstance(value, str) else value


SOURCE_FORMAT = "source"  # the OpenAPI document writes down the names in its place
Source = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "format": SOURCE_FORMAT})]
Symbol = Annotated[str, Field(max_length=100, pattern=r"^[^\x00,]*[^\x00,\s][^\x00,]*$")]
Sources = Annotated[list[Source], BeforeValidator(_items), Field(min_length=1, max_length=100)]
Symbols = Annotated[list[Symbol], BeforeValidator(_items), Field(min_length=1, max_length=100)]
Id = Annotated[int, Field(ge=1, le=_LARGEST)]


class Query(BaseModel):
    """Parameters of a request. A list is written with commas; no parameter may be given twice."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class NoQuery(Query):
    """A route without parameters."""


class DataQuery(Query):
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """The page, from 1."""
    page_size: Annotated[int, Field(ge=1, le=100)] = 20
    """Coins on a page."""
    source: Sources | None = None
    """Only these sources."""
    symbol: Symbols | None = None
    """Only these symbols, in upper or lower case."""


class RunsQuery(Query):
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    """At most so many."""
    source: Sources | None = None
    """Only these sources."""


class RunRequest(Query):
    """Which source is to be run."""

    source: Source


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
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    """At most so many."""


class Acknowledgement(Query):
    """Which drifts somebody accepts."""

    source: Source
    kind: DriftKind | None = None
    """Only this kind."""
    path: Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00]*$")] | None = None
    """Only this upstream path."""
