"""The fast lane says what pydantic says, or nothing."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Annotated, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import AliasChoices, AliasPath, Field, field_validator

from kasparro.domain import Record, Ticker
from kasparro.errors import Rejected
from kasparro.resources import folder
from kasparro.sources import json_list
from kasparro.sources.base import ApiSource
from kasparro.sources.coingecko import CoinGecko
from kasparro.sources.coinpaprika import CoinPaprika
from kasparro.sources.fast_lane import FastLane, Foreign
from kasparro.sources.records import Amount, Text, TickerRecord

PAPRIKA, GECKO = CoinPaprika(), CoinGecko()
FIXTURES = [(PAPRIKA, "coinpaprika/tickers.json"), (GECKO, "coingecko/markets.json")]
BITCOIN: dict[str, Any] = {
    "id": "bitcoin",
    "symbol": "btc",
    "name": "Bitcoin",
    "current_price": "<62900.50>",
    "market_cap": "<1212753262401>",
    "market_cap_rank": "<1>",
    "price_change_percentage_24h": "<-1.79123>",
    "ath_date": "2025-10-06T18:57:42.558Z",
    "last_updated": "2026-08-22T10:00:00.123Z",
    "roi": None,
}


def exact(ticker: Ticker) -> list[Any]:
    """The ticker, its numerals as decimals."""
    figures = [name for name, kind in Ticker.__annotations__.items() if "Numeral" in str(kind)]
    values = ticker._asdict()
    return [value and Decimal(value) if name in figures else value for name, value in values.items()]


def careful(source: ApiSource, record: Record) -> Ticker | None:
    try:
        return source.ticker(record)
    except Rejected:
        return None


def said_alike(source: ApiSource, record: Record) -> bool:
    """Whether the fast lane takes the record; what it makes of it must be what pydantic does."""
    quick = source.ordinary(record)
    if quick is not None:
        slow = careful(source, record)
        assert slow is not None
        assert exact(quick) == exact(slow)
    return quick is not None


@pytest.mark.parametrize(("source", "path"), FIXTURES, ids=["coinpaprika", "coingecko"])
def test_what_vendors_send_takes_the_fast_lane(source: ApiSource, path: str) -> None:
    records = list(json_list.read(source.name, (folder("fixtures") / path).read_bytes()))
    taken = sum(said_alike(source, record) for record in records)
    assert taken >= 0.9 * len(records) > 30


def bitcoin(**changes: Any) -> Record:
    text = json.dumps(BITCOIN | changes).replace('"<', "").replace('>"', "")
    return Record(0, text.encode())


def test_numerals_are_those_that_were_sent() -> None:
    ticker = GECKO.ordinary(bitcoin(current_price="<3.840e-18>", market_cap="<9223372036854775807>"))
    assert ticker is not None
    assert (ticker.price_usd, ticker.market_cap_usd) == ("3.840e-18", "9223372036854775807")
    assert (ticker.rank, ticker.open_usd) == (1, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"current_price": "62900.50"},
        {"current_price": "<-1>"},
        {"current_price": "<1e100>"},
        {"current_price": f"<0.{'1' * 60}>"},
        {"current_price": True},
        {"current_price": [1]},
        {"market_cap_rank": "<1.0>"},
        {"market_cap_rank": "<2147483648>"},
        {"id": ""},
        {"id": 7},
        {"id": "x" * 1001},
        {"name": " Bitcoin"},
        {"name": "Bit\x00coin"},
        {"symbol": ""},
        {"last_updated": "2008-01-01T00:00:00Z"},
        {"last_updated": "2999-01-01T00:00:00Z"},
        {"last_updated": "2026-08-22T10:00:00"},
        {"ath_date": "yesterday"},
        {"image": 1},
        {"roi": {"times": 1, "currency": "usd", "percentage": "much"}},
        {"roi": {"new": 1}},
        {"a_new_key": None},
    ],
    ids=str,
)
def test_record_that_is_not_as_always_is_left_to_pydantic(changes: dict[str, Any]) -> None:
    assert GECKO.ordinary(bitcoin()) is not None
    assert GECKO.ordinary(bitcoin(**changes)) is None


@pytest.mark.parametrize("zero", ["0", "0.0", "-0", "0e5", "0.00E-7"])
def test_zero_that_means_unknown_is_none(zero: str) -> None:
    usd = f'{{"price": 0, "volume_24h": 0, "market_cap": {zero}}}'
    record = Record(0, f'{{"id": "a-b", "name": "B", "total_supply": {zero}, "quotes": {{"USD": {usd}}}}}'.encode())
    assert careful(PAPRIKA, record)
    said_alike(PAPRIKA, record)
    if ticker := PAPRIKA.ordinary(record):
        assert (ticker.price_usd, ticker.volume_24h_usd) == ("0", "0")
        assert (ticker.market_cap_usd, ticker.total_supply) == (None, None)


_numbers = st.one_of(
    st.integers(-(10**120), 10**120).map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(lambda number: str(number).replace("E+", "e")),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)
_values = st.one_of(_numbers, st.none(), st.booleans(), st.text(max_size=5), st.datetimes().map(lambda at: f"{at}Z"))


@given(
    st.dictionaries(st.sampled_from([*BITCOIN, "ath", "atl_date", "max_supply", "total_volume", "image"]), _values),
    st.booleans(),
)
@example({"last_updated": "2026-08-22T10:00:00.5+05:30", "name": "\x1cB"}, False)
def test_no_record_is_read_otherwise_than_by_pydantic(changes: dict[str, Any], as_number: bool) -> None:
    told = {key: f"<{value}>" if as_number and isinstance(value, str) else value for key, value in changes.items()}
    record = bitcoin(**told)
    said_alike(GECKO, record)


class Plain(TickerRecord):
    coin_id: Text = Field(validation_alias="id")
    price_usd: Amount | None = Field(default=None, validation_alias=AliasPath("quote", "usd"))


class Checked(Plain):
    @field_validator("name")
    @classmethod
    def _shout(cls, name: str) -> str:
        return name.upper()


class Bounded(Plain):
    price_usd: Annotated[Decimal, Field(lt=100)] | None = Field(default=None, validation_alias="price")


class Indexed(Plain):
    price_usd: Amount | None = Field(default=None, validation_alias=AliasPath("prices", 0))


class Somewhere(Plain):
    price_usd: Amount | None = Field(default=None, validation_alias=AliasChoices("price", "usd"))


@pytest.mark.parametrize("model", [Checked, Bounded, Indexed, Somewhere])
def test_model_that_says_more_than_the_vocabulary_is_left_to_pydantic(model: type[TickerRecord]) -> None:
    assert FastLane(Plain, {}, ())
    with pytest.raises(Foreign):
        FastLane(model, {}, ())
