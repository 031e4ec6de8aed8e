"""Which coins the market begins with: the real ones of the fixtures, then simulated ones."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from kasparro.resources import folder
from kasparro.sandbox import simulated, wire
from kasparro.sandbox.market import Coin, Listing

Records = list[dict[str, Any]]


def catalogue(count: int, random: Random) -> list[Coin]:
    """Coins such that each vendor lists `count` of them."""
    paprika = _fixture("coinpaprika/tickers.json")[:count]
    gecko = _fixture("coingecko/markets.json")[:count]
    lists_both = count - max(len(paprika), len(gecko))
    coins = _real(paprika, gecko)
    coins += [_simulated(number, random) for number in range(1, lists_both + 1)]
    return coins


def _fixture(path: str) -> Records:
    records: Records = wire.loads((folder("fixtures") / path).read_bytes())
    return records


def _real(paprika: Records, gecko: Records) -> list[Coin]:
    """Both vendors' records, as one coin where both list it.

    Inside the fixtures, and only there, a symbol names one coin.
    """
    tickers = {record["symbol"].casefold(): record for record in paprika}
    pairs = [(tickers.pop(record["symbol"].casefold(), None), record) for record in gecko]
    return [_both(ticker, row) if ticker else _gecko_only(row) for ticker, row in pairs] + [
        _paprika_only(ticker) for ticker in tickers.values()
    ]


def _both(ticker: Mapping[str, Any], row: Mapping[str, Any]) -> Coin:
    """The fixtures are of different years: CoinPaprika's figures are scaled to CoinGecko's price."""
    coin = _gecko_only(row)
    scale = row["current_price"] / ticker["quotes"]["USD"]["price"]
    return Coin({**coin.listings, "coinpaprika": Listing(ticker, scale)}, coin.cap)


def _gecko_only(row: Mapping[str, Any]) -> Coin:
    return Coin(
        {"coingecko": Listing(row)},
        cap=row["market_cap"] or 0,
        is_ranked=row["market_cap_rank"] is not None,
        is_still=row["current_price"] is None,
    )


def _paprika_only(ticker: Mapping[str, Any]) -> Coin:
    return Coin({"coinpaprika": Listing(ticker)}, cap=ticker["quotes"]["USD"]["market_cap"])


def _simulated(number: int, random: Random) -> Coin:
    figures = simulated.figures(number, random)
    return Coin(
        {
            "coinpaprika": Listing(simulated.coinpaprika(figures)),
            "coingecko": Listing(simulated.coingecko(figures)),
        },
        cap=figures.cap,
    )
