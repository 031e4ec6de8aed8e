"""`/data`: every figure as it came, in a stable order, and nothing asked for in vain."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

SEED_FIELDS = {
    "id", "coin_id", "name", "symbol", "price_usd", "market_cap_usd", "volume_24h_usd",
    "price_change_24h_percent", "rank", "source", "updated_at",
}  # fmt: skip


async def test_has_the_fields_of_the_contract(get: Any, rows: Any) -> None:
    await rows.coin("coinpaprika", "btc-bitcoin")
    page = await get("/data")
    seed = {"data", "total", "page", "page_size", "request_id", "api_latency_ms"}
    assert set(page) == seed | {"total_is_exact", "next"}
    assert set(page["data"][0]) >= SEED_FIELDS
    assert (page["total"], page["page"], page["page_size"]) == (1, 1, 20)


@pytest.mark.parametrize(
    "price", ["0.00000000000000000384", "123456789012345678901234567890.123456789", "1.50", "0", "1" + "0" * 90]
)
async def test_every_digit_survives(client: Any, rows: Any, price: str) -> None:
    await rows.coin("csv", "x", price=price)
    async with client.get("/data") as response:
        page = json.loads(await response.text(), parse_float=str, parse_int=str)
    assert page["data"][0]["price_usd"] == price
    assert Decimal(page["data"][0]["price_usd"]) == Decimal(price)


async def test_unknown_figures_are_null(get: Any, rows: Any) -> None:
    await rows.coin("csv", "x", price=None, symbol=None)
    coin = (await get("/data"))["data"][0]
    assert (coin["price_usd"], coin["symbol"], coin["rank"]) == (None, None, None)


async def test_order_is_rank_then_market_cap_then_source_and_id(get: Any, rows: Any) -> None:
    await rows.coin("csv", "unranked-small", cap="5")
    await rows.coin("csv", "unranked-unknown")
    await rows.coin("csv", "unranked-large", cap="50")
    await rows.coin("csv", "second", rank=2)
    await rows.coin("csv", "first", rank=1, cap="1")
    await rows.coin("coinpaprika", "first", rank=1, cap="1")
    coins = [(coin["source"], coin["coin_id"]) for coin in (await get("/data"))["data"]]
    assert coins == [
        ("coinpaprika", "first"), ("csv", "first"), ("csv", "second"), ("csv", "unranked-large"),
        ("csv", "unranked-small"), ("csv", "unranked-unknown"),
    ]  # fmt: skip


async def test_pages_cover_everything_once(get: Any, rows: Any) -> None:
    for rank in range(7):
        await rows.coin("csv", f"coin-{rank}", rank=rank)
    pages = [await get(f"/data?page={page}&page_size=3") for page in (1, 2, 3, 4)]
    assert [len(page["data"]) for page in pages] == [3, 3, 1, 0]
    assert {page["total"] for page in pages} == {7}
    assert [coin["rank"] for page in pages for coin in page["data"]] == list(range(7))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("symbol=btc", {"a"}),
        ("symbol=BTC", {"a"}),
        ("symbol=btc,eth", {"a", "b"}),
        ("symbol=%C3%9F", {"c"}),
        ("source=coingecko", {"b"}),
        ("source=coingecko,csv", {"b", "c"}),
        ("source=coingecko&symbol=btc", set()),
        ("symbol=nothing'--", set()),
    ],
)
async def test_filters(get: Any, rows: Any, query: str, found: set[str]) -> None:
    await rows.coin("coinpaprika", "a", symbol="Btc")
    await rows.coin("coingecko", "b", symbol="ETH")
    await rows.coin("csv", "c", symbol="ß")
    page = await get(f"/data?{query}")
    assert {coin["coin_id"] for coin in page["data"]} == found
    assert page["total"] == len(found)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("page=0", "page"),
        ("page=x", "page"),
        ("page=99999999999999999999", "page"),
        ("page_size=101", "page_size"),
        ("page_size=-1", "page_size"),
        ("page=1&page=2", "page"),
        ("symbol=", "symbol"),
        ("symbol=a,,b", "symbol"),
        ("symbol=%00", "symbol"),
        ("source=nowhere", "source"),
        ("source=", "source"),
        ("limit=5", "limit"),
        ("Page=1", "Page"),
    ],
)
async def test_what_is_wrong_is_named(get: Any, query: str, name: str) -> None:
    problem = await get(f"/data?{query}", status=400)
    assert [(error["name"], error["in"]) for error in problem["errors"]] == [(name, "query")]
    assert name in problem["detail"]


async def test_all_mistakes_are_named_at_once(get: Any) -> None:
    problem = await get("/data?page=0&page_size=0&x=1", status=400)
    assert {error["name"] for error in problem["errors"]} == {"page", "page_size", "x"}


async def test_head_answers_without_a_body(client: Any) -> None:
    async with client.head("/data") as response:
        assert response.status == 200
        assert int(response.headers["Content-Length"]) > 0
        assert await response.read() == b""


async def test_names_are_passed_on_as_they_are(get: Any, rows: Any) -> None:
    name = 'quote " backslash \\ newline \n <script> \u2028 🚀'
    await rows.coin("csv", "x", name=name)
    assert (await get("/data"))["data"][0]["name"] == name
