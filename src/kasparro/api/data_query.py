"""What may be asked of `/data`: which coins, in which order, which of their fields, and which page."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self, get_args
from urllib.parse import urlencode

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from kasparro.api.queries import UNIQUE, AssetIds, Moment, Query, Source, Sources, Symbols, Text, different, items

DEEPEST = 10_000
"""Coins that may be skipped by page number: the database reads and throws away each of them."""

FieldName = Literal[
    "id", "coin_id", "name", "symbol", "price_usd", "market_cap_usd", "volume_24h_usd", "price_change_24h_percent",
    "rank", "source", "updated_at", "observed_at", "oddities", "asset_id",
    "fully_diluted_valuation_usd", "open_usd", "high_usd", "low_usd",
    "price_change_1h_percent", "price_change_7d_percent", "circulating_supply", "total_supply", "max_supply",
    "ath_usd", "ath_at", "atl_usd", "atl_at", "source_updated_at", "fetched_at", "run_id", "raw_id", "raw_position",
]  # fmt: skip
FIELDS: tuple[FieldName, ...] = get_args(FieldName)
USUAL = FIELDS[: FIELDS.index("asset_id") + 1]
KEPT = frozenset({
    "id", "coin_id", "name", "symbol", "price_usd", "market_cap_usd", "volume_24h_usd", "source", "observed_at",
    "asset_id", "open_usd", "high_usd", "low_usd",
})  # fmt: skip
"""The fields that are known of every moment; of the others only the present value is kept."""

SortKey = Literal[
    "rank", "-rank", "market_cap_usd", "-market_cap_usd", "price_usd", "-price_usd", "volume_24h_usd",
    "-volume_24h_usd", "price_change_24h_percent", "-price_change_24h_percent", "updated_at", "-updated_at",
    "name", "-name", "symbol", "-symbol",
]  # fmt: skip


Format = Literal["json", "csv", "ndjson"]
Amount = Annotated[
    Decimal,
    Field(ge=0, le=Decimal(10) ** 40, decimal_places=40),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1e40}),
]
Sort = Annotated[
    list[SortKey],
    BeforeValidator(items),
    AfterValidator(different),
    Field(min_length=1, max_length=4, json_schema_extra=UNIQUE),
]
Fields = Annotated[
    list[FieldName], BeforeValidator(items), AfterValidator(different), Field(min_length=1, json_schema_extra=UNIQUE)
]
Cursor = Annotated[str, Field(min_length=1, max_length=4000)]
Ids = Annotated[list[Text], BeforeValidator(items), Field(min_length=1, max_length=100)]


class Filter(Query):
    """Which coins."""

    as_of: Moment | None = None
    """As Kasparro knew them at this time, such as 2026-01-31T12:00:00Z, whatever it has learnt since. It keeps id,
    coin_id, name, symbol, price_usd, market_cap_usd, volume_24h_usd, source, observed_at, asset_id, open_usd, high_usd
    and low_usd of every time; what asks for other fields does not go with it."""
    source: Sources | None = None
    """Only these sources."""
    symbol: Symbols | None = None
    """Only these symbols, in upper or lower case."""
    ids: Ids | None = None
    """Only these coin_ids."""
    asset_id: AssetIds | None = None
    """Only these coins, whoever lists them."""
    rank_lte: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    """Only coins of this rank or better."""
    price_gte: Amount | None = None
    """Only coins of at least this price in USD."""
    updated_since: Moment | None = None
    """Only rows that have changed at or after this time, such as 2026-01-31T12:00:00Z."""
    max_age: Annotated[int, Field(ge=1, le=10**9)] | None = None
    """Only coins that their source updated within so many seconds."""
    q: Text | None = None
    """Only coins with this in their name, symbol or coin_id, in upper or lower case."""
    format: Format = "json"
    """json: a page. csv and ndjson: all coins that match at once, with every field, in no order; `sort`, `fields` and
    what chooses a page do not go with them. The header Accept may say it instead."""

    @field_validator("rank_lte", "updated_since", "max_age")
    @classmethod
    def _is_of_the_present(cls, value: object, info: ValidationInfo) -> object:
        if info.data.get("as_of"):
            raise ValueError("does not go with `as_of`: what it looks at is not kept of every time")
        return value


class DataQuery(Filter):
    """Which coins, in which order, which of their fields, and which page."""

    sort: Sort | None = None
    """Order, by rank if not given; a minus descends. Unknown values come last. Coins of one rank, or of none, stand by
    market cap. Rank, market cap and time of update are found by an index; other orders read all coins that match. With
    `as_of` the order is source and coin_id if not given, and every other order reads all coins."""
    fields: Fields | None = None
    """Only these fields, in the order of the documentation."""

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """The page, from 1, as deep as 10,000 coins; `next` leads on from there, and quicker."""
    page_size: Annotated[int, Field(ge=1, le=100)] = 20
    """Coins on a page."""
    cursor: Cursor | None = None
    """Instead of `page`: where the page begins, as `next` and the header Link give it. Filters and order stay."""

    @field_validator("sort", "fields")
    @classmethod
    def _are_kept(cls, names: list[str], info: ValidationInfo) -> list[str]:
        lost = {name.lstrip("-") for name in names} - KEPT
        if info.data.get("as_of") and lost:
            raise ValueError(f"with `as_of` there is no {', no '.join(sorted(lost))}: it is not kept of every time")
        return names

    @field_validator("page")
    @classmethod
    def _is_first(cls, page: int, info: ValidationInfo) -> int:
        if info.data.get("as_of") and page > 1:
            raise ValueError("with `as_of` follow `next`, which is a cursor")
        return page

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if self.cursor is not None and "page" in self.model_fields_set:
            raise ValueError("give either `page` or `cursor`")
        if self.skipped > DEEPEST:
            raise ValueError(f"`page` goes no deeper than {DEEPEST:,} coins: follow `next`, which is a cursor")
        return self

    @property
    def order(self) -> tuple[str, ...]:
        """Every key that decides, down to those that tell any two coins apart."""
        if self.as_of and not self.sort:
            return "source", "coin_id"
        keys: tuple[str, ...] = tuple(self.sort or ("rank",))
        if keys == ("rank",):
            keys = ("rank", "-market_cap_usd")
        return (*keys, "-source", "-coin_id") if keys[0].startswith("-") else (*keys, "source", "coin_id")

    @property
    def shown(self) -> tuple[str, ...]:
        if self.fields:
            return tuple(name for name in FIELDS if name in self.fields)
        return tuple(name for name in USUAL if name in KEPT) if self.as_of else USUAL

    @property
    def skipped(self) -> int:
        return (self.page - 1) * self.page_size


class CoinPath(Query):
    source: Source
    """Whose coin."""
    coin_id: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00]+$")]
    """The source's own name for the coin."""


class HistoryFilter(Query):
    as_of: Moment | None = None
    """As Kasparro knew it at this time, whatever was corrected, came late or was rebuilt since."""
    since: Annotated[Moment | None, Field(alias="from")] = None
    """Only observations at or after this time, such as 2026-01-31T12:00:00Z."""
    until: Annotated[Moment | None, Field(alias="to")] = None
    """Only observations before this time."""
    format: Format = "json"
    """json: a page. csv and ndjson: all observations at once; what chooses a page does not go with them. The header
    Accept may say it instead."""


class HistoryQuery(HistoryFilter):
    page_size: Annotated[int, Field(ge=1, le=1000)] = 100
    """Observations on a page."""
    cursor: Cursor | None = None
    """Where the page begins, as `next` and the header Link give it."""


def address(query: Query, *without: str, **more: str | int) -> str:
    """The same query as text, some parameters left out and others added, in the one order that we write them."""
    given = query.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=set(without))
    return urlencode({name: _written(value) for name, value in {**given, **more}.items()}, safe=",:-")


def _written(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
