"""What may be asked of assets; see `queries`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from kasparro.api.queries import UNIQUE, AssetId, Moment, Query, Source, different, items

CoinId = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00]*$")]
AssetField = Literal["asset_id", "name", "symbol", "former_names", "sources", "ambiguous", "listings", "price"]
ASSET_FIELDS: tuple[AssetField, ...] = get_args(AssetField)
AssetFields = Annotated[
    list[AssetField], BeforeValidator(items), AfterValidator(different), Field(min_length=1, json_schema_extra=UNIQUE)
]


class AssetsQuery(Query):
    q: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")] | None = None
    """Part of a name, present or former, or a whole symbol or id."""
    ambiguous: bool | None = None
    """Only those with a listing in doubt, or without."""
    sources_gte: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Only those with so many listings."""
    after: AssetId | None = None
    """Only ids behind this one: the last of the page before."""
    limit: Annotated[int, Field(ge=1, le=2000)] = 20
    """At most so many."""
    fields: AssetFields | None = None
    """Only these fields, in the order of the documentation; all but `price`, if not given."""


class AssetPath(Query):
    asset_id: AssetId
    """The asset."""


class CoverageQuery(Query):
    """Of which time."""

    since: Annotated[Moment | None, Field(alias="from")] = None
    """From when on, such as 2026-01-31T12:00:00Z; the first observation of each listing, if not given."""
    until: Annotated[Moment | None, Field(alias="to")] = None
    """Up to when; now, if not given."""

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if self.since and self.since >= (self.until or datetime.now(UTC)):
            raise ValueError("`from` has to be before `to`, and before now")
        return self


class PriceQuery(Query):
    as_of: Moment | None = None
    """As Kasparro knew it at this time, such as 2026-01-31T12:00:00Z, and judged at it."""


class Listed(Query):
    """A listing: what a source calls a coin."""

    source: Source
    coin_id: CoinId


class LinkWish(Listed):
    """Which listing belongs to which asset."""

    asset_id: AssetId


class MergeWish(Query):
    """Which asset is to be taken over by which."""

    asset_id: AssetId
    into: AssetId


class SplitWish(Query):
    """Which listings of an asset are another coin."""

    asset_id: AssetId
    listings: Annotated[list[Listed], Field(min_length=1, max_length=100)]
