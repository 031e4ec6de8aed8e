"""What CoinGecko's clients are answered; see `api.schemas`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, RootModel, WithJsonSchema

from kasparro.api.schemas import Figure, Reply


class Refused(Reply):
    """The question is wrong."""

    error: str


class Failure(Reply):
    timestamp: str | None = None
    error_code: int
    """10002: the key is missing or wrong; else the status of HTTP."""
    error_message: str


class Failed(Reply):
    """There is no answer: no key, too many requests, or the database is away."""

    status: Failure


class Refusal(RootModel[Refused | Failed]):
    """An error in one of CoinGecko's shapes."""


class Ping(Reply):
    gecko_says: Literal["(V3) To the Moon!"]


class SimplePrices(RootModel[dict[str, dict[str, Figure | None]]]):
    """Coin -> `usd`, and what else was asked for: `usd_market_cap`, `usd_24h_vol`, `usd_24h_change`, and the like in
    every currency; `last_updated_at` in Unix seconds. Unknown coins are left out."""


class Currencies(RootModel[list[str]]):
    """Codes in lower case."""


class ListedCoin(Reply):
    id: str
    symbol: str
    name: str
    platforms: dict[str, str] | None = None
    """Chain -> address of the contract; only with `include_platform`."""


class CoinList(RootModel[list[ListedCoin]]):
    """By id."""


Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]


class Roi(Reply):
    times: Figure
    currency: str
    percentage: Figure


class Sparkline(Reply):
    price: list[Figure]


class MarketRow(Reply):
    """How a coin stands."""

    id: str
    symbol: str
    name: str
    image: str
    """`missing_large.png` where it is not known: its raw page is deleted."""
    current_price: Figure | None
    market_cap: Figure | None
    market_cap_rank: int | None
    fully_diluted_valuation: Figure | None
    total_volume: Figure | None
    high_24h: Figure | None
    low_24h: Figure | None
    price_change_24h: Figure | None
    price_change_percentage_24h: Figure | None
    market_cap_change_24h: Figure | None
    market_cap_change_percentage_24h: Figure | None
    circulating_supply: Figure | None
    total_supply: Figure | None
    max_supply: Figure | None
    ath: Figure | None
    ath_change_percentage: Figure | None
    ath_date: Moment | None
    atl: Figure | None
    atl_change_percentage: Figure | None
    atl_date: Moment | None
    roi: Roi | None
    last_updated: Moment | None
    sparkline_in_7d: Sparkline | None = None
    price_change_percentage_1h_in_currency: Figure | None = None
    price_change_percentage_24h_in_currency: Figure | None = None
    price_change_percentage_7d_in_currency: Figure | None = None
    price_change_percentage_14d_in_currency: Figure | None = None
    price_change_percentage_30d_in_currency: Figure | None = None
    price_change_percentage_200d_in_currency: Figure | None = None
    price_change_percentage_1y_in_currency: Figure | None = None


class Markets(RootModel[list[MarketRow]]):
    """A page of coins."""


Point = Annotated[
    tuple[int, Figure | None],
    WithJsonSchema({"type": "array", "items": {"type": ["number", "null"]}, "minItems": 2, "maxItems": 2}),
]
"""Unix milliseconds, and a figure."""


class Chart(Reply):
    """The history of a coin."""

    prices: list[Point]
    market_caps: list[Point]
    total_volumes: list[Point]


Candle = Annotated[
    tuple[int, Figure, Figure, Figure, Figure],
    WithJsonSchema({"type": "array", "items": {"type": "number"}, "minItems": 5, "maxItems": 5}),
]
"""The end in Unix milliseconds, open, high, low, close."""


class Candles(RootModel[list[Candle]]):
    """Candles, the oldest first."""


class GlobalFigures(Reply):
    active_cryptocurrencies: int
    upcoming_icos: int | None
    ongoing_icos: int | None
    ended_icos: int | None
    markets: int | None
    total_market_cap: dict[str, Figure]
    total_volume: dict[str, Figure]
    market_cap_percentage: dict[str, Figure]
    market_cap_change_percentage_24h_usd: Figure | None
    volume_change_percentage_24h_usd: Figure | None
    updated_at: int | None


class GlobalData(Reply):
    """What all coins come to."""

    data: GlobalFigures
