"""CoinPaprika's records of the market as it is now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kasparro.sandbox import simulated, wire
from kasparro.sandbox.currencies import PER_DOLLAR
from kasparro.sandbox.market import Coin, Listing


def ticker(coin: Coin, currencies: Sequence[str], with_supply: bool) -> dict[str, Any]:
    """A record of `/tickers`. `with_supply` is what a paid plan adds: `circulating_supply`."""
    listing = coin.listings["coinpaprika"]
    updated = wire.seconds(coin.updated)
    record = {"circulating_supply": listing.record["total_supply"], **listing.record}
    if not with_supply:
        del record["circulating_supply"]
    return record | {
        "rank": coin.rank,
        "last_updated": updated,
        "quotes": {name: _quote(coin, listing, PER_DOLLAR[name], updated) for name in currencies},
    }


def _quote(coin: Coin, listing: Listing, units: float, updated: str) -> Mapping[str, Any]:
    """The figures in a currency of `units` a dollar, at the market's present."""
    first: Mapping[str, Any] = listing.record["quotes"]["USD"]
    factor = listing.scale * coin.factor * units
    if factor == 1.0:
        return first
    percents = {key: wire.shifted(first[key], coin.factor, 2) for key in first if key.startswith("percent_change_")}
    return {
        **first,
        **percents,
        "price": wire.scaled(first["price"], factor),
        "volume_24h": wire.scaled(first["volume_24h"], factor),
        "market_cap": wire.whole(first["market_cap"], factor),
        "market_cap_change_24h": wire.shifted(first["market_cap_change_24h"], coin.factor, 2),
        **_high(first, factor, units, updated),
    }


def _high(first: Mapping[str, Any], factor: float, units: float, updated: str) -> dict[str, Any]:
    """The all-time high, and how far the price is from it; a price above it is a new one."""
    if first["ath_price"] is None:
        return {}
    price, ath = first["price"] * factor, first["ath_price"] * units
    if price > ath:
        return {"ath_price": price, "ath_date": updated, "percent_from_price_ath": 0}
    return {
        "ath_price": wire.scaled(first["ath_price"], units),
        "percent_from_price_ath": round(100 * price / ath - 100, 2),
    }


def coin_entry(coin: Coin) -> dict[str, Any]:
    """A record of `/coins`."""
    record = coin.listings["coinpaprika"].record
    named = {key: record[key] for key in ("id", "name", "symbol")}
    return named | {"rank": coin.rank, "is_new": False, "is_active": True, "type": "coin"}


def contract_entries(coins: Sequence[Coin]) -> Iterator[dict[str, Any]]:
    """The records of `/contracts/eth-ethereum`."""
    for coin in coins:
        coin_id = coin.listings["coinpaprika"].record["id"]
        if address := simulated.contract(coin_id):
            yield {"address": address, "id": coin_id, "type": "ERC20", "active": True}


def overview(coins: Sequence[Coin]) -> dict[str, Any]:
    """The answer of `/global`."""
    caps = [coin.cap * coin.factor for coin in coins]
    return {
        "market_cap_usd": round(sum(caps)),
        "volume_24h_usd": round(
            sum(coin.listings["coinpaprika"].record["quotes"]["USD"]["volume_24h"] for coin in coins)
        ),
        "bitcoin_dominance_percentage": round(100 * max(caps, default=0) / (sum(caps) or 1), 2),
        "cryptocurrencies_number": len(coins),
        "last_updated": max((coin.updated // 1000 for coin in coins), default=0),
    }
