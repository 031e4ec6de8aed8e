"""CoinGecko, https://docs.coingecko.com: `/coins/markets`, 250 coins a page, by market cap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import AfterValidator, AliasPath, AwareDatetime, Field, PlainValidator

from kasparro.domain import Part, Reach, Record, Request, Response
from kasparro.identity.listing import Contract
from kasparro.settings import ApiOptions, Rate, Seconds
from kasparro.sources import json_list
from kasparro.sources.base import ApiSource, Plan
from kasparro.sources.contracts import contract
from kasparro.sources.records import Amount, Figure, Moment, Rank, Text, TickerRecord

PER_PAGE = 250  # the most the vendor gives
KEYLESS = Plan("keyless", Rate(10, 60))  # undocumented, per address; 5 to 15 a minute were seen, and no credits
# Documents disagree on the rates; these are the lowest that they give, so that none is exceeded.
PLANS = {
    "demo": Plan("demo", Rate(30, 60), 10_000),
    "basic": Plan("basic", Rate(250, 60), 100_000),
    "analyst": Plan("analyst", Rate(500, 60), 500_000),
    "pro": Plan("pro", Rate(500, 60), 500_000),
}

# The past, by https://docs.coingecko.com/reference/coins-id-market-chart: the last day in steps of 5 minutes, and up to
# 90 days of any time in steps of an hour. Longer stretches come by the day: a day less is asked for, to be safe.
_DAY, _HOUR, _MINUTES = timedelta(days=1), timedelta(hours=1), timedelta(minutes=5)
_BACK = {"keyless": 365 * _DAY, "demo": 365 * _DAY, "basic": 730 * _DAY}


def _pages(value: object) -> int | Literal["all"]:
    text = str(value).strip()
    if text == "all":
        return "all"
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise ValueError("give a number of pages from 1 to 10000, or all")
    return int(text)


class Options(ApiOptions):
    """Settings of CoinGecko."""

    interval: Seconds = 1200
    """From the start of one cycle to the next. 4 pages every 20 minutes are 8,928 calls a month; free are 10,000."""
    plan: Literal["demo", "basic", "analyst", "pro"] = "demo"
    """What the key is: `demo`, `basic`, `analyst`, or `pro` for any larger plan, which is counted as an analyst's."""
    pages: Annotated[int | Literal["all"], PlainValidator(_pages)] = 4
    """How many pages of 250 coins to take in a cycle, by market cap; `all` takes them all."""


class CoinGeckoMarket(TickerRecord):
    """One record of `/coins/markets`."""

    coin_id: Text = Field(validation_alias="id")
    name: Text = Field(validation_alias="name")
    symbol: Text | None = Field(default=None, validation_alias="symbol")
    rank: Rank | None = Field(default=None, validation_alias="market_cap_rank")
    price_usd: Amount | None = Field(default=None, validation_alias="current_price")
    market_cap_usd: Amount | None = Field(default=None, validation_alias="market_cap")
    fully_diluted_valuation_usd: Amount | None = Field(default=None, validation_alias="fully_diluted_valuation")
    volume_24h_usd: Amount | None = Field(default=None, validation_alias="total_volume")
    high_usd: Amount | None = Field(default=None, validation_alias="high_24h")
    low_usd: Amount | None = Field(default=None, validation_alias="low_24h")
    price_change_24h_percent: Figure | None = Field(default=None, validation_alias="price_change_percentage_24h")
    circulating_supply: Amount | None = Field(default=None, validation_alias="circulating_supply")
    total_supply: Amount | None = Field(default=None, validation_alias="total_supply")
    max_supply: Amount | None = Field(default=None, validation_alias="max_supply")
    ath_usd: Amount | None = Field(default=None, validation_alias="ath")
    ath_at: AwareDatetime | None = Field(default=None, validation_alias="ath_date")
    atl_usd: Amount | None = Field(default=None, validation_alias="atl")
    atl_at: AwareDatetime | None = Field(default=None, validation_alias="atl_date")
    source_updated_at: Moment | None = Field(default=None, validation_alias="last_updated")


class CoinGeckoPoint(TickerRecord):
    """What the three lists of `/coins/{id}/market_chart` say of one moment."""

    price_usd: Amount | None = Field(validation_alias=AliasPath("prices", 1))
    # here, and only here, the vendor writes 0 for a market cap that it does not know
    market_cap_usd: Annotated[Amount | None, AfterValidator(lambda cap: cap or None)] = Field(
        default=None, validation_alias=AliasPath("market_caps", 1)
    )
    volume_24h_usd: Amount | None = Field(default=None, validation_alias=AliasPath("total_volumes", 1))
    source_updated_at: Moment = Field(validation_alias=AliasPath("prices", 0))


class CoinGecko(ApiSource):
    """Answers without a key at a low rate; a demo key raises it; a paid plan has a host of its own."""

    name = "coingecko"
    options_type = Options
    record_type = CoinGeckoMarket
    point_type = CoinGeckoPoint
    known: ClassVar[Mapping[str, str]] = {
        "image": "string",
        "price_change_24h": "number",
        "market_cap_change_24h": "number",
        "market_cap_change_percentage_24h": "number",
        "ath_change_percentage": "number",
        "atl_change_percentage": "number",
        "roi": "object",
        "roi.times": "number",
        "roi.currency": "string",
        "roi.percentage": "number",
    }
    optional: ClassVar[Mapping[str, str]] = {
        "sparkline_in_7d": "object",
        "sparkline_in_7d.price": "array",
        "market_cap_rank_with_rehypothecated": "number",
        **{
            f"price_change_percentage_{span}_in_currency": "number"
            for span in ("1h", "24h", "7d", "14d", "30d", "200d", "1y")
        },
    }

    immutable: ClassVar[Mapping[str, str]] = {"ath_date": "ath", "atl_date": "atl"}

    def home(self, options: Options) -> str:
        is_paid = options.api_key and options.plan != "demo"
        return "https://pro-api.coingecko.com/api/v3" if is_paid else "https://api.coingecko.com/api/v3"

    def plan(self, options: Options) -> Plan:
        return PLANS[options.plan] if options.api_key else KEYLESS

    def request(self, options: Options, cursor: Mapping[str, Any]) -> Request:
        query = {
            "vs_currency": "usd",
            "order": "market_cap_desc",
            "per_page": str(PER_PAGE),
            "page": str(cursor.get("page", 1)),
            "sparkline": "false",
            "precision": "full",
        }
        return Request("/coins/markets", query, self._key(options))

    def following(self, options: Options, cursor: Mapping[str, Any], fresh: int) -> Mapping[str, Any]:
        page = int(cursor.get("page", 1))
        # A short page is no sign of the end: the vendor clamps and miscounts. A page without a new coin is.
        whole = fresh == 0 or (options.pages != "all" and page >= options.pages)
        return {} if whole else {"page": page + 1}

    def contract_requests(self, options: Options) -> Sequence[Request]:
        return [Request("/coins/list", {"include_platform": "true"}, self._key(options))]

    def contracts(self, request: Request, response: Response) -> Iterator[Contract]:
        for record in self.records(response):
            value = json_list.value(record)
            if isinstance(value, dict) and isinstance(platforms := value.get("platforms"), dict):
                for chain, address in platforms.items():
                    yield from contract(value.get("id"), chain, address)

    def reaches(self, options: Options) -> Sequence[Reach]:
        return [Reach(_MINUTES, _DAY, _DAY), Reach(_HOUR, _BACK.get(self.plan(options).name), 89 * _DAY)]

    def past(self, options: Options, coin_id: str, part: Part) -> Request:
        path = f"/coins/{quote(coin_id, safe='')}/market_chart"
        query = {"vs_currency": "usd", "precision": "full"}
        if part.step == _MINUTES:  # only what ends now comes so finely
            return Request(path, {**query, "days": "1"}, self._key(options))
        stretch = {"from": f"{part.since.timestamp():.0f}", "to": f"{part.until.timestamp():.0f}"}
        return Request(f"{path}/range", {**query, **stretch}, self._key(options))

    def points(self, response: Response) -> Iterator[Record]:
        return json_list.zipped(self.name, response.body, ("prices", "market_caps", "total_volumes"))

    def _key(self, options: Options) -> dict[str, str]:
        if options.api_key is None:
            return {}
        header = "x-cg-demo-api-key" if options.plan == "demo" else "x-cg-pro-api-key"
        return {header: options.api_key.get_secret_value()}
