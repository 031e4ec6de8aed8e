"""CoinPaprika, https://docs.coinpaprika.com: every listed coin in one call of `/tickers`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import AliasPath, AwareDatetime, Field

from kasparro.domain import Part, Reach, Request, Response
from kasparro.identity.listing import Contract
from kasparro.settings import ApiOptions, Rate, Seconds
from kasparro.sources import json_list
from kasparro.sources.base import ApiSource, Plan
from kasparro.sources.contracts import contract
from kasparro.sources.records import Amount, Figure, Moment, Rank, Text, TickerRecord

# Calls a month, by https://docs.coinpaprika.com/api-plans; an enterprise plan is as agreed. Older documents say less.
CREDITS = {"free": 20_000, "starter": 400_000, "pro": 1_000_000, "business": 5_000_000, "ultimate": 10_000_000}

# How many days back each plan goes in steps of 5 minutes, an hour and a day (None: to the beginning). The table of
# https://docs.coinpaprika.com/api-reference/tickers/get-historical-ticks-for-a-specific-coin has no ultimate plan.
_STEPS = {"5m": timedelta(minutes=5), "1h": timedelta(hours=1), "1d": timedelta(days=1)}
_DAYS: Mapping[str, Sequence[int | None]] = {
    "free": (0, 1, 365),
    "starter": (7, 30, 5 * 365),
    "pro": (30, 90, None),
    "business": (365, 365, None),
    "ultimate": (365, 365, None),
    "enterprise": (None, None, None),
}
_MOST_POINTS = 5000  # of one call

# The platforms that most tokens live on, each a call a day, in CoinGecko's words.
CHAINS = {
    "eth-ethereum": "ethereum",
    "bnb-binance-coin": "binance-smart-chain",
    "matic-polygon": "polygon-pos",
    "avax-avalanche": "avalanche",
    "sol-solana": "solana",
    "trx-tron": "tron",
}


class Options(ApiOptions):
    """Settings of CoinPaprika."""

    interval: Seconds = 300
    """From the start of one cycle to the next. 5 minutes are 8,928 calls a month of the free plan's 20,000."""
    plan: Literal["starter", "pro", "business", "ultimate", "enterprise"] = "starter"
    """Which paid plan the key is of: `starter`, `pro`, `business`, `ultimate` or `enterprise`. Without a key the plan
    is the free one."""
    auth: Literal["raw", "bearer"] = "raw"
    """How the key stands in `Authorization`: the vendor's documents disagree; its own client sends it `raw`."""


def _usd(key: str) -> Any:
    return Field(default=None, validation_alias=AliasPath("quotes", "USD", key))


class CoinPaprikaTicker(TickerRecord):
    """One record of `/tickers?quotes=USD`."""

    coin_id: Text = Field(validation_alias="id")
    name: Text = Field(validation_alias="name")
    symbol: Text | None = Field(default=None, validation_alias="symbol")
    rank: Rank | None = Field(default=None, validation_alias="rank")
    # required: a record that quotes no dollars is not a record of ours
    price_usd: Amount | None = Field(validation_alias=AliasPath("quotes", "USD", "price"))
    market_cap_usd: Amount | None = _usd("market_cap")
    volume_24h_usd: Amount | None = _usd("volume_24h")
    price_change_1h_percent: Figure | None = _usd("percent_change_1h")
    price_change_24h_percent: Figure | None = _usd("percent_change_24h")
    price_change_7d_percent: Figure | None = _usd("percent_change_7d")
    circulating_supply: Amount | None = Field(default=None, validation_alias="circulating_supply")
    total_supply: Amount | None = Field(default=None, validation_alias="total_supply")
    max_supply: Amount | None = Field(default=None, validation_alias="max_supply")
    ath_usd: Amount | None = _usd("ath_price")
    ath_at: AwareDatetime | None = _usd("ath_date")
    source_updated_at: Moment | None = Field(default=None, validation_alias="last_updated")


class CoinPaprikaPoint(TickerRecord):
    """One item of `/tickers/{id}/historical`."""

    price_usd: Amount | None = Field(validation_alias="price")
    market_cap_usd: Amount | None = Field(default=None, validation_alias="market_cap")
    volume_24h_usd: Amount | None = Field(default=None, validation_alias="volume_24h")
    source_updated_at: Moment = Field(validation_alias="timestamp")


class CoinPaprika(ApiSource):
    """The free plan lists the top 2,000 and answers without a key; any paid plan has a host of its own."""

    name = "coinpaprika"
    options_type = Options
    record_type = CoinPaprikaTicker
    point_type = CoinPaprikaPoint
    zero_is_unknown = frozenset({"market_cap_usd", "circulating_supply", "total_supply", "max_supply"})
    known: ClassVar[Mapping[str, str]] = {
        "beta_value": "number",
        "first_data_at": "string",
        "quotes.USD.volume_24h_change_24h": "number",
        "quotes.USD.market_cap_change_24h": "number",
        "quotes.USD.percent_change_15m": "number",
        "quotes.USD.percent_change_30m": "number",
        "quotes.USD.percent_change_6h": "number",
        "quotes.USD.percent_change_12h": "number",
        "quotes.USD.percent_change_30d": "number",
        "quotes.USD.percent_change_1y": "number",
        "quotes.USD.percent_from_price_ath": "number",
    }
    immutable: ClassVar[Mapping[str, str]] = {
        "quotes.USD.ath_date": "quotes.USD.ath_price",
        "first_data_at": "id",
    }

    def home(self, options: Options) -> str:
        return "https://api-pro.coinpaprika.com/v1" if options.api_key else "https://api.coinpaprika.com/v1"

    def plan(self, options: Options) -> Plan:
        name = options.plan if options.api_key else "free"
        return Plan(name, Rate(10, 1), CREDITS.get(name))  # the rate is per address, on every plan

    def request(self, options: Options, cursor: Mapping[str, Any]) -> Request:
        return Request("/tickers", {"quotes": "USD"}, self._key(options))

    def following(self, options: Options, cursor: Mapping[str, Any], fresh: int) -> Mapping[str, Any]:
        return {}  # one call brings the whole snapshot

    def contract_requests(self, options: Options) -> Sequence[Request]:
        return [Request(f"/contracts/{platform}", headers=self._key(options)) for platform in CHAINS]

    def contracts(self, request: Request, response: Response) -> Iterator[Contract]:
        chain = CHAINS[request.path.rpartition("/")[2]]
        for record in self.records(response):
            value = json_list.value(record)
            if isinstance(value, dict):
                yield from contract(value.get("id"), chain, value.get("address"))

    def reaches(self, options: Options) -> Sequence[Reach]:
        days = _DAYS[self.plan(options).name]
        return [
            Reach(step, None if back is None else timedelta(days=back), _MOST_POINTS * step)
            for step, back in zip(_STEPS.values(), days, strict=True)
            if back != 0
        ]

    def past(self, options: Options, coin_id: str, part: Part) -> Request:
        [interval] = [name for name, step in _STEPS.items() if step == part.step]
        query = {
            "start": f"{part.since:%Y-%m-%dT%H:%M:%SZ}",
            "end": f"{part.until:%Y-%m-%dT%H:%M:%SZ}",
            "interval": interval,
            "limit": str(_MOST_POINTS),
            "quote": "usd",
        }
        return Request(f"/tickers/{quote(coin_id, safe='')}/historical", query, self._key(options))

    def _key(self, options: Options) -> dict[str, str]:
        if options.api_key is None:
            return {}
        scheme = "Bearer " if options.auth == "bearer" else ""
        return {"Authorization": scheme + options.api_key.get_secret_value()}
