"""The two vendors' records, as they were seen over the years, become tickers digit for digit, or say why not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from kasparro.domain import Record, Request, Response, Ticker
from kasparro.errors import Malformed, Rejected
from kasparro.resources import folder
from kasparro.sources import SOURCES, json_list
from kasparro.sources.base import base_url
from kasparro.sources.coingecko import CoinGecko
from kasparro.sources.coinpaprika import CoinPaprika

PAPRIKA, GECKO = CoinPaprika(), CoinGecko()
MINIMAL = {"id": "bitcoin", "name": "Bitcoin"}


def gecko(**fields: Any) -> Ticker:
    text = json.dumps(MINIMAL | fields)
    return read(GECKO, text.replace('"<', "").replace('>"', ""))


def paprika(text: str) -> Ticker:
    return read(PAPRIKA, text)


def read(source: Any, text: str) -> Ticker:
    (record,) = json_list.read(source.name, f"[{text}]".encode())
    ticker: Ticker = source.ticker(record)
    return ticker


@pytest.mark.parametrize(
    ("source", "path"),
    [(PAPRIKA, "coinpaprika/tickers.json"), (GECKO, "coingecko/markets.json")],
    ids=["coinpaprika", "coingecko"],
)
def test_every_figure_of_the_fixtures_arrives_digit_for_digit(source: Any, path: str) -> None:
    kept = 0
    for record in json_list.read(source.name, (folder("fixtures") / path).read_bytes()):
        sent = {Decimal(literal).as_tuple() for literal in _numbers(record.text)}
        figures = [value for value in source.ticker(record) if isinstance(value, Decimal)]
        assert {figure.as_tuple() for figure in figures} <= sent
        kept += len(figures)
    assert kept > 300


def _numbers(text: str) -> set[str]:
    found: set[str] = set()

    def keep(literal: str) -> str:
        found.add(literal)
        return literal

    json.loads(text, parse_float=keep, parse_int=keep)
    return found


@pytest.mark.parametrize(
    "literal",
    ["3.84e-18", "1E-8", "21000000.0", "9223372036854775807", "123456789012345678901234567890.123", "0", "0.10"],
)
def test_price_keeps_every_digit(literal: str) -> None:
    price = gecko(current_price=f"<{literal}>").price_usd
    assert price is not None
    assert price.as_tuple() == Decimal(literal).as_tuple()


def test_string_supply_of_2019() -> None:
    assert gecko(circulating_supply="17492537.0").circulating_supply == Decimal("17492537.0")


@pytest.mark.parametrize("blank", ["", "   ", None])
def test_blank_is_null(blank: str | None) -> None:
    ticker = gecko(current_price=blank, symbol=blank, last_updated=blank)
    assert (ticker.price_usd, ticker.symbol, ticker.source_updated_at) == (None, None, None)


def test_coinpaprika_zero_is_unknown_for_supplies_and_cap_and_a_figure_for_volume_and_price() -> None:
    ticker = paprika(
        '{"id": "a-a", "name": "A ", "symbol": "A", "rank": 7, "circulating_supply": 0, "total_supply": 0,'
        ' "max_supply": 0, "quotes": {"USD": {"price": 0, "volume_24h": 0, "market_cap": 0}}}'
    )
    assert (ticker.circulating_supply, ticker.total_supply, ticker.max_supply, ticker.market_cap_usd) == (None,) * 4
    assert (ticker.price_usd, ticker.volume_24h_usd, ticker.name) == (0, 0, "A")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"id": ""}, "id"),
        ({"id": 5}, "id"),
        ({"id": None}, "id"),
        ({"name": None}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "x" * 10_000_000}, "name"),
        ({"current_price": "<NaN>"}, "current_price"),
        ({"current_price": "<Infinity>"}, "current_price"),
        ({"current_price": "<-Infinity>"}, "current_price"),
        ({"current_price": "<1e400>"}, "current_price"),
        ({"current_price": "<1e-400>"}, "current_price"),
        ({"current_price": "<1e-99999999>"}, "current_price"),
        ({"current_price": "<-1>"}, "current_price"),
        ({"current_price": True}, "current_price"),
        ({"current_price": []}, "current_price"),
        ({"current_price": "cheap"}, "current_price"),
        ({"market_cap_rank": True}, "market_cap_rank"),
        ({"market_cap_rank": "<1.5>"}, "market_cap_rank"),
        ({"market_cap_rank": 2**40}, "market_cap_rank"),
        ({"market_cap_rank": "<1e99999999>"}, "market_cap_rank"),
        ({"last_updated": "2050-01-01T00:00:00Z"}, "last_updated"),
        ({"last_updated": "1999-01-01T00:00:00Z"}, "last_updated"),
        ({"last_updated": "2024-01-01T00:00:00"}, "last_updated"),
        ({"last_updated": "yesterday"}, "last_updated"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_rejected_with_the_vendors_path(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(Rejected) as caught:
        gecko(**fields)
    (fault,) = caught.value.faults
    assert fault.path == path
    assert fault.message
    assert len(fault.value) <= 200


def test_long_digits_behind_the_point_are_rejected() -> None:
    with pytest.raises(Rejected):
        gecko(current_price="<0." + "0" * 5000 + "1>")


def test_lone_surrogate_is_rejected_not_crashed_on() -> None:
    with pytest.raises(Rejected):
        read(GECKO, '{"id": "a", "name": "\\ud800"}')


def test_every_fault_of_a_record_is_named() -> None:
    with pytest.raises(Rejected) as caught:
        gecko(id="", current_price="x", total_volume=[])
    assert [fault.path for fault in caught.value.faults] == ["id", "current_price", "total_volume"]


def test_tickers_quoted_in_another_currency_are_rejected_by_name() -> None:
    with pytest.raises(Rejected) as caught:
        paprika('{"id": "btc-bitcoin", "name": "Bitcoin", "quotes": {"KRW": {"price": 22164745}}}')
    assert [fault.path for fault in caught.value.faults] == ["quotes.USD.price"]


@pytest.mark.parametrize("value", ["null", "5", '"x"', "[]", "[1]"])
def test_record_that_is_no_object_is_rejected(value: str) -> None:
    with pytest.raises(Rejected):
        read(GECKO, value)


@given(
    st.lists(
        st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=8) | st.none(), max_size=4), max_size=8
    )
)
def test_json_list_gives_every_item_with_its_exact_text(items: list[dict[str, Any]]) -> None:
    for indent in (None, 2):
        body = json.dumps(items, indent=indent, ensure_ascii=False).encode()
        found = list(json_list.read("x", body))
        assert [json.loads(record.text) for record in found] == items
        assert [record.position for record in found] == list(range(len(items)))
        assert all(record.text in body.decode() for record in found)


@given(st.binary(max_size=40))
def test_json_list_reads_anything_or_says_that_it_is_malformed(body: bytes) -> None:
    try:
        found: list[Record] | None = list(json_list.read("x", body))
    except Malformed:
        found = None
    try:
        expected = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        expected = None
    assert (found is not None) == isinstance(expected, list)


@pytest.mark.parametrize(
    ("configured", "expected"),
    [
        (None, "https://api.coingecko.com/api/v3"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000/api/v3"),
        ("http://127.0.0.1:9000/", "http://127.0.0.1:9000/api/v3"),
        ("http://127.0.0.1:9000/mirror/", "http://127.0.0.1:9000/mirror"),
    ],
)
def test_base_url_without_a_path_gets_the_vendors(configured: str | None, expected: str) -> None:
    options = GECKO.options_type(base_url=configured)
    assert base_url(options, GECKO.home(options)) == expected


def test_coingecko_keys() -> None:
    key = SecretStr("k")
    keyless, demo, pro = (
        GECKO.options_type(**given) for given in ({}, {"api_key": key}, {"api_key": key, "plan": "pro"})
    )
    assert GECKO.request(keyless, {}).headers == {}
    assert (GECKO.home(demo), GECKO.request(demo, {}).headers) == (
        "https://api.coingecko.com/api/v3",
        {"x-cg-demo-api-key": "k"},
    )
    assert (GECKO.home(pro), GECKO.request(pro, {}).headers) == (
        "https://pro-api.coingecko.com/api/v3",
        {"x-cg-pro-api-key": "k"},
    )


def test_coinpaprika_keys() -> None:
    key = SecretStr("k")
    raw, bearer = PAPRIKA.options_type(api_key=key), PAPRIKA.options_type(api_key=key, auth="bearer")
    assert PAPRIKA.request(PAPRIKA.options_type(), {}) == Request("/tickers", {"quotes": "USD"})
    assert (PAPRIKA.home(raw), PAPRIKA.request(raw, {}).headers) == (
        "https://api-pro.coinpaprika.com/v1",
        {"Authorization": "k"},
    )
    assert PAPRIKA.request(bearer, {}).headers == {"Authorization": "Bearer k"}


def test_coingecko_pages_end_at_the_setting_or_at_a_page_without_a_new_coin() -> None:
    two, every = GECKO.options_type(pages=2), GECKO.options_type(pages="all")
    assert GECKO.following(two, {}, 250) == {"page": 2}
    assert GECKO.following(two, {"page": 2}, 250) == {}
    assert GECKO.following(every, {"page": 70}, 3) == {"page": 71}
    assert GECKO.following(every, {"page": 71}, 0) == {}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_every_source_has_fixtures(source: Any) -> None:
    assert any((folder("fixtures") / source.name).iterdir())


def test_record_may_be_read_from_an_answer() -> None:
    page = Response(200, {}, b'[{"id": "a", "name": "A"}]', "", datetime.now(UTC))
    assert [GECKO.ticker(record).coin_id for record in GECKO.records(page)] == ["a"]
