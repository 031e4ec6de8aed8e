"""CoinGecko's records of the market as it is now."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from kasparro.sandbox import simulated, wire
from kasparro.sandbox.market import Coin

WINDOWS = {"1h": 1 / 24, "24h": 1, "7d": 7, "14d": 14, "30d": 30, "200d": 200, "1y": 365}  # in days
_PRICES = ("current_price", "high_24h", "low_24h", "ath", "atl")
_MONEY = (
    *_PRICES,
    "market_cap",
    "fully_diluted_valuation",
    "total_volume",
    "price_change_24h",
    "market_cap_change_24h",
)
_HOURS_OF_A_WEEK = 168


def market_row(coin: Coin, *, units: float = 1.0, precision: str = "full") -> dict[str, Any]:
    """A record of `/coins/markets`, in a currency of `units` a dollar."""
    first = coin.listings["coingecko"].record
    row = {**first, **_observed(first, coin), **_moved(first, coin)}
    if units != 1.0:
        row |= {key: wire.scaled(row[key], units) for key in _MONEY}
    if precision != "full":
        row |= {key: _rounded(row[key], precision) for key in _PRICES}
    return row


def _observed(first: Mapping[str, Any], coin: Coin) -> dict[str, Any]:
    """Rank and moment; a coin that had none at first never gets one."""
    return {
        "market_cap_rank": coin.rank if coin.is_ranked else None,
        "last_updated": None if first["last_updated"] is None else wire.milliseconds(coin.updated),
    }


def _moved(first: Mapping[str, Any], coin: Coin) -> dict[str, Any]:
    """The figures that a move changes; what was null at first stays null."""
    factor = coin.factor
    if factor == 1.0:
        return {}
    price, cap = wire.scaled(first["current_price"], factor), wire.whole(first["market_cap"], factor)
    return {
        "current_price": price,
        "market_cap": cap,
        "fully_diluted_valuation": wire.whole(first["fully_diluted_valuation"], factor),
        "total_volume": wire.whole(first["total_volume"], factor),
        "high_24h": first["high_24h"] and max(first["high_24h"], price),
        "low_24h": first["low_24h"] and min(first["low_24h"], price),
        "price_change_24h": _added(first["price_change_24h"], price, first["current_price"]),
        "price_change_percentage_24h": wire.shifted(first["price_change_percentage_24h"], factor, 5),
        "market_cap_change_24h": _added(first["market_cap_change_24h"], cap, first["market_cap"]),
        "market_cap_change_percentage_24h": wire.shifted(first["market_cap_change_percentage_24h"], factor, 5),
        **_extreme("ath", max, first, price, coin),
        **_extreme("atl", min, first, price, coin),
    }


def _added(change: Any, now: Any, first: Any) -> Any:
    return None if change is None or now is None else change + now - first


def _extreme(name: str, choose: Any, first: Mapping[str, Any], price: float, coin: Coin) -> dict[str, Any]:
    """The all-time high or low: the first one, or the price of now where it goes beyond."""
    if first[name] is None:
        return {}
    if choose(first[name], price) == price:
        return {name: price, f"{name}_change_percentage": 0, f"{name}_date": wire.milliseconds(coin.updated)}
    return {f"{name}_change_percentage": round(100 * price / first[name] - 100, 5)}


def _rounded(price: Any, precision: str) -> Any:
    """As many digits as asked for; unasked: whole dollars from 10,000, cents from 1, else six digits."""
    if price is None:
        return None
    if precision:
        return round(price, int(precision))
    if price >= 10_000:
        return round(price)
    near = round(price, 2) if price >= 1 else float(f"{price:.6g}")
    return price if near == price else near  # the very number, which may remember how it was written


def with_changes(row: Mapping[str, Any], windows: Sequence[str]) -> dict[str, Any]:
    """The row with `price_change_percentage_<window>_in_currency`: a day's change, grown as a random walk."""
    day = row["price_change_percentage_24h"]
    grown = {window: None if day is None else day * math.sqrt(WINDOWS[window]) for window in windows}
    return {
        **row,
        **{f"price_change_percentage_{window}_in_currency": change for window, change in grown.items()},
    }


def with_sparkline(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with a week of hourly prices, a straight line that ends now."""
    price, day = row["current_price"], row["price_change_24h"]
    line = [] if price is None or day is None else [price - day * hour / 24 for hour in range(_HOURS_OF_A_WEEK, 0, -1)]
    return {**row, "sparkline_in_7d": {"price": line}}


def simple_price(row: Mapping[str, Any], currency: str, wanted: Mapping[str, str]) -> dict[str, Any]:
    """A coin's figures in `/simple/price`: the price, and what `wanted` maps suffix to column."""
    return {
        currency: row["current_price"],
        **{f"{currency}_{suffix}": row[column] for suffix, column in wanted.items()},
    }


def list_entry(coin: Coin, with_platforms: bool) -> dict[str, Any]:
    """A record of `/coins/list`."""
    record = coin.listings["coingecko"].record
    entry = {key: record[key] for key in ("id", "symbol", "name")}
    address = simulated.contract(record["id"])
    return entry | {"platforms": {"ethereum": address} if address else {}} if with_platforms else entry


def overview(coins: Sequence[Coin]) -> dict[str, Any]:
    """The answer of `/global`."""
    caps = [coin.cap * coin.factor for coin in coins]
    return {
        "data": {
            "active_cryptocurrencies": len(coins),
            "markets": 0,
            "total_market_cap": {"usd": sum(caps)},
            "total_volume": {"usd": sum(coin.listings["coingecko"].record["total_volume"] or 0 for coin in coins)},
            "updated_at": max((coin.updated // 1000 for coin in coins), default=0),
        }
    }
