"""The fixtures hold what is odd about the vendors' records, and the sources understand them all."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kasparro.domain import Ticker
from kasparro.resources import folder
from kasparro.sources import json_list
from kasparro.sources.base import ApiSource
from kasparro.sources.coingecko import CoinGecko
from kasparro.sources.coinpaprika import CoinPaprika


def tickers(source: ApiSource, path: str) -> dict[str, Ticker]:
    records = json_list.read(source.name, (folder("fixtures") / path).read_bytes())
    return {ticker.coin_id: ticker for ticker in (source.ticker(record) for record in records)}


@pytest.fixture
def paprika() -> dict[str, Ticker]:
    return tickers(CoinPaprika(), "coinpaprika/tickers.json")


@pytest.fixture
def gecko() -> dict[str, Ticker]:
    return tickers(CoinGecko(), "coingecko/markets.json")


def test_both_hold_forty_coins(paprika: dict[str, Ticker], gecko: dict[str, Ticker]) -> None:
    assert len(paprika) == len(gecko) == 40


def test_facts(paprika: dict[str, Ticker], gecko: dict[str, Ticker]) -> None:
    assert paprika["btc-bitcoin"].price_usd == Decimal("23397.379125098665")
    assert gecko["bitcoin"].max_supply == Decimal("21000000.0")
    assert gecko["dogecoin"].max_supply is None


def test_coinpaprika_oddities(paprika: dict[str, Ticker]) -> None:
    assert paprika["tiktok-tiktok-coin"].price_usd == Decimal("3.84e-18")
    assert paprika["astron-astronomia-token-bsc"].max_supply == 2**63 - 1
    assert paprika["archie-archie-neko"].circulating_supply is None
    assert paprika["archie-archie-neko"].ath_usd is None
    assert paprika["usdt-tether"].circulating_supply is None
    assert paprika["stat-stat"].name == "STAT"
    assert paprika["fb-fenerbahce-token"].name == "Fenerbahçe Token"
    assert paprika["kitty-dinger-schrodinger"].symbol == "KITTY DING"


def test_coingecko_oddities(gecko: dict[str, Ticker]) -> None:
    assert gecko["kpk-eth-yield"].rank is None
    assert gecko["kpk-eth-yield"].symbol == "kpk eth yield"
    assert gecko["genius-3"].price_usd is None
    assert gecko["smurfsinu"].price_usd == Decimal("3.64501e-10")
    assert gecko["smurfsinu"].market_cap_usd is None
    assert gecko["metaprints"].source_updated_at is None
    assert gecko["metaprints"].symbol is None
    assert gecko["bianrensheng"].symbol == "币安人生"


def test_the_texts_hold_what_the_values_hide() -> None:
    paprika = (folder("fixtures") / "coinpaprika/tickers.json").read_text(encoding="utf-8")
    gecko = (folder("fixtures") / "coingecko/markets.json").read_text(encoding="utf-8")
    assert '"STAT "' in paprika
    assert '"price":3.84e-18' in paprika
    assert '"roi":{"times":' in gecko
    assert '"ath":8.616e-05' in gecko
