"""CoinGecko's clients before the live service: nothing is changed but the base URL, and they read the same figures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from coingecko_sdk import BadRequestError, Coingecko, NotFoundError, UnprocessableEntityError
from pycoingecko import CoinGeckoAPI

from kasparro.sandbox import Sandbox

from .serving import serving, settled, upstreams

FULL = {
    "include_market_cap": True,
    "include_24hr_vol": True,
    "include_24hr_change": True,
    "include_last_updated_at": True,
    "precision": "full",
}


async def test_clients_read_from_us_what_they_read_from_the_vendor(tmp_path: Path, dsn: str) -> None:
    async with Sandbox(coins=300, seed=3) as sandbox:
        environ = upstreams(sandbox, dsn, SOURCES="coingecko")
        async with serving(tmp_path, **environ) as service:
            await service.until(settled)
            await asyncio.to_thread(_same_to_pycoingecko, sandbox.coingecko_url, f"{service.url}/api/v3")
            await asyncio.to_thread(_same_to_the_sdk, sandbox.coingecko_url, f"{service.url}/api/v3")


def _pycoingecko(url: str) -> CoinGeckoAPI:
    client = CoinGeckoAPI(demo_api_key="CG-sandbox-demo-key")
    client.api_base_url = f"{url}/"
    return client


def _same_to_pycoingecko(theirs: str, ours: str) -> None:
    them, us = _pycoingecko(theirs), _pycoingecko(ours)

    def same(ask: Callable[[CoinGeckoAPI], Any]) -> Any:
        told = ask(us)
        assert _as_read(told) == _as_read(ask(them))
        return told

    def page(client: CoinGeckoAPI, number: int) -> list[Any]:
        rows = client.get_coins_markets("usd", per_page=250, page=number, precision="full")
        ranks = [row["market_cap"] or 0 for row in rows]
        assert ranks == sorted(ranks, reverse=True)
        return sorted(rows, key=lambda row: row["id"])  # the order of coins without a market cap is nobody's promise

    assert same(lambda client: client.ping())["gecko_says"]
    ids = [coin["id"] for coin in them.get_coins_list()]
    assert sorted(coin["id"] for coin in us.get_coins_list()) == sorted(ids)
    assert len(same(lambda client: client.get_price(ids, "usd", **FULL))) == 300
    assert same(lambda client: client.get_price("bitcoin,no-such-coin", "usd", precision="2")).keys() == {"bitcoin"}
    first, rest = same(lambda client: page(client, 1)), same(lambda client: page(client, 2))
    assert (len(first), len(rest)) == (250, 50)
    assert list(first[0]) == list(page(them, 1)[0])
    assert us.get_coins_markets("usd", page=400) == []
    with pytest.raises(ValueError, match="invalid vs_currency"):
        us.get_coins_markets("eur")


def _same_to_the_sdk(theirs: str, ours: str) -> None:
    them, us = _sdk(theirs), _sdk(ours)

    def same(ask: Callable[[Coingecko], Any]) -> Any:
        told = ask(us)
        assert told == ask(them)
        return told

    assert same(lambda client: client.ping.get()).gecko_says
    assert same(lambda client: client.simple.price.get(vs_currencies="usd", ids="bitcoin,tether", **FULL))[
        "bitcoin"
    ].usd
    rows = same(lambda client: client.coins.markets.get(vs_currency="usd", ids="tether,bitcoin", precision="full"))
    assert [row.id for row in rows] == ["bitcoin", "tether"]
    assert "btc" in us.simple.supported_vs_currencies.get()
    assert {coin.id for coin in us.coins.list.get(include_platform=True)} >= {"bitcoin", "tether"}
    chart = us.coins.market_chart.get("bitcoin", vs_currency="usd", days="1")
    assert chart.prices[-1][1] == rows[0].current_price
    assert us.coins.ohlc.get("bitcoin", vs_currency="usd", days="1") == []  # nothing is older than a candle yet
    told = us.global_.get().data
    assert told.total_market_cap["usd"] > 1e12
    assert next(iter(told.market_cap_percentage)) == "btc"
    with pytest.raises(NotFoundError, match="coin not found"):
        us.coins.market_chart.get("no-such-coin", vs_currency="usd", days="1")
    with pytest.raises(UnprocessableEntityError, match="Missing parameter ids"):
        us.simple.price.get(vs_currencies="usd")
    with pytest.raises(BadRequestError, match="category is not supported"):
        us.coins.markets.get(vs_currency="usd", category="layer-1")


def _sdk(url: str) -> Coingecko:
    return Coingecko(base_url=url, demo_api_key="CG-sandbox-demo-key", environment="demo")


def _as_read(value: Any) -> Any:
    """With every number as a client without integers reads it."""
    match value:
        case dict():
            return {name: _as_read(each) for name, each in value.items()}
        case list():
            return [_as_read(each) for each in value]
        case int():
            return float(value)
    return value
