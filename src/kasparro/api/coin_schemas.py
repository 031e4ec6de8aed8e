"""What is answered about coins; see `schemas`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, ConfigDict

from kasparro.api.schemas import Count, Figure, Reply

Oddity = Literal[
    "price_outside_range",
    "circulating_above_total",
    "total_above_max",
    "placeholder_max_supply",
    "cap_unlike_supply",
    "cap_without_trade",
    "extreme_change",
]


class Coin(Reply):
    """The latest row of one coin at one source."""

    id: int
    """The same for a source and coin_id for ever."""
    coin_id: str
    """The source's own name for the coin."""
    name: str
    symbol: str | None
    price_usd: Figure | None
    market_cap_usd: Figure | None
    volume_24h_usd: Figure | None
    price_change_24h_percent: Figure | None
    rank: Count | None
    source: str
    updated_at: AwareDatetime
    """When the row last changed here."""
    observed_at: AwareDatetime
    """When the source last updated the coin; the time of the fetch where it does not say."""
    oddities: list[Oddity]
    """What is unlikely about the row, or contradicts itself: the source says so, and so it is kept."""
    asset_id: str | None
    """The coin, whoever lists it; null until the run that brought it has ended."""


class CoinMore(Reply):
    """What more is known of a coin; figures that its source does not give are null."""

    fully_diluted_valuation_usd: Figure | None
    open_usd: Figure | None
    """Of the day, where the source gives days; high and low are of the last 24 hours else."""
    high_usd: Figure | None
    low_usd: Figure | None
    price_change_1h_percent: Figure | None
    price_change_7d_percent: Figure | None
    circulating_supply: Figure | None
    total_supply: Figure | None
    max_supply: Figure | None
    ath_usd: Figure | None
    ath_at: AwareDatetime | None
    atl_usd: Figure | None
    atl_at: AwareDatetime | None
    source_updated_at: AwareDatetime | None
    """When the source says that it last updated the coin."""
    fetched_at: AwareDatetime
    run_id: int
    raw_id: int
    """The page that the figures came on, and the place on it."""
    raw_position: int


def none_required(schema: dict[str, Any]) -> None:
    """Of the fields of a row, any may be left out."""
    del schema["required"]


class SomeFields(CoinMore, Coin):
    """The fields of a coin that were asked for."""

    model_config = ConfigDict(json_schema_extra=none_required)


class Known(Reply):
    """With `as_of` only."""

    as_of: AwareDatetime | None = None
    """The answer is what Kasparro knew at this time."""
    is_final: bool = True
    """False while something that began before that time is still being written, and at least for 20 seconds: until
    then the answer may change, and never afterwards."""


class DataPage(Known):
    """A page of coins."""

    data: list[Coin] | list[SomeFields]
    """With `fields`, only those."""
    total: Count | None
    """Coins on all pages; null with `as_of`, where counting would read all coins."""
    total_is_exact: bool
    """False where counting would take long: the total then is the database's estimate."""
    page: int | None
    """Null behind a cursor."""
    page_size: int
    next: str | None
    """Where the next page is; null on the last."""
    request_id: str
    api_latency_ms: float


class CoinDetails(CoinMore, Coin):
    """All that is known of a coin."""

    request_id: str
    api_latency_ms: float


class RawRecord(Reply):
    """The record that a coin's latest row came from, and the page that it was on."""

    source: str
    coin_id: str
    raw_id: int
    position: Count
    """Its place on the page, from 0."""
    run_id: int
    page: int
    """Which page of the run it was."""
    url: str
    """Where the page came from; for files, the path."""
    sha256: str
    """Of the whole page, as it was received."""
    fetched_at: AwareDatetime
    record: str
    """Its exact text."""
    header: str | None
    """Of a row of a file: the header above it."""
    request_id: str
    api_latency_ms: float


class Observation(Reply):
    """What a source said of a coin at a time."""

    observed_at: AwareDatetime
    price_usd: Figure
    market_cap_usd: Figure | None
    volume_24h_usd: Figure | None
    open_usd: Figure | None
    """With high and low: where the source gives whole days."""
    high_usd: Figure | None
    low_usd: Figure | None
    fetched_at: AwareDatetime
    run_id: int
    raw_id: int
    raw_position: int
    revision: Count
    """How often the source has corrected it."""


class CoinHistory(Known):
    """A page of observations, the newest first."""

    data: list[Observation]
    source: str
    coin_id: str
    page_size: int
    next: str | None
    """Where the next page is; null on the last."""
    request_id: str
    api_latency_ms: float
