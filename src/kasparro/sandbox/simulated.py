"""Coins that do not exist, and say so: `Simulated Coin 00042`, `sim-coin-00042`, `SIM42`."""

from __future__ import annotations

import hashlib
from random import Random
from typing import Any, NamedTuple

from kasparro.sandbox import wire

_FIRST_DAY = 1_420_070_400_000  # 2015-01-01, Unix milliseconds
_DAY = 86_400_000
_LARGEST_SUPPLY = 980_000_000_000_000_000  # 9.8e17, the largest any vendor was seen to send


class Figures(NamedTuple):
    """What both vendors say of one coin, each in its words. Dollars, coins, percent, Unix milliseconds."""

    number: int
    price: float
    supply: int
    volume: float
    high: float
    ath: float
    atl: float
    change: float
    listed_at: int
    ath_at: int
    atl_at: int

    @property
    def cap(self) -> int:
        return round(self.price * self.supply)


def figures(number: int, random: Random) -> Figures:
    """Draw a coin: prices from 1e-18 to 1e5, most of them near one dollar; market caps up to a billion."""
    price = 10 ** random.triangular(-18, 5, 0)
    supply = min(round(10 ** random.uniform(3, 9) / price) + 1, _LARGEST_SUPPLY)
    listed_at = _FIRST_DAY + random.randrange(3000) * _DAY
    return Figures(
        number=number,
        price=price,
        supply=supply,
        volume=price * supply * random.random(),
        high=price * (1 + random.random() / 20),
        ath=price * (1.1 + 50 * random.random()),
        atl=price * (0.01 + random.random() / 2),
        change=round(random.gauss(0, 4), 5),
        listed_at=listed_at,
        ath_at=listed_at + random.randrange(1000 * _DAY),
        atl_at=listed_at + random.randrange(1000 * _DAY),
    )


def coinpaprika(coin: Figures) -> dict[str, Any]:
    """The coin as a record of CoinPaprika's `/tickers`."""
    return {
        "id": f"sim-coin-{coin.number:05d}",
        "name": f"Simulated Coin {coin.number:05d}",
        "symbol": f"SIM{coin.number}",
        "rank": 0,
        "circulating_supply": coin.supply,
        "total_supply": coin.supply,
        "max_supply": 0,
        "beta_value": coin.change / 4,
        "first_data_at": wire.seconds(coin.listed_at),
        "last_updated": "",
        "quotes": {"USD": _quote(coin)},
    }


def _quote(coin: Figures) -> dict[str, Any]:
    change = round(coin.change, 2)
    windows = ("15m", "30m", "1h", "6h", "12h", "24h", "7d", "30d", "1y")
    return {
        "price": coin.price,
        "volume_24h": coin.volume,
        "volume_24h_change_24h": change * 3,
        "market_cap": coin.cap,
        "market_cap_change_24h": change,
        **{f"percent_change_{window}": change for window in windows},
        "ath_price": coin.ath,
        "ath_date": wire.seconds(coin.ath_at),
        "percent_from_price_ath": round(100 * coin.price / coin.ath - 100, 2),
    }


def coingecko(coin: Figures) -> dict[str, Any]:
    """The coin as a record of CoinGecko's `/coins/markets`."""
    before = coin.price / (1 + coin.change / 100)
    return {
        "id": f"sim-coin-{coin.number:05d}",
        "symbol": f"sim{coin.number}",
        "name": f"Simulated Coin {coin.number:05d}",
        "image": f"https://simulated.invalid/{coin.number}.png",
        "current_price": coin.price,
        "market_cap": coin.cap,
        "market_cap_rank": 0,
        "fully_diluted_valuation": coin.cap,
        "total_volume": coin.volume,
        "high_24h": coin.high,
        "low_24h": min(coin.price, before),
        "price_change_24h": coin.price - before,
        "price_change_percentage_24h": coin.change,
        "market_cap_change_24h": (coin.price - before) * coin.supply,
        "market_cap_change_percentage_24h": coin.change,
        "circulating_supply": float(coin.supply),
        "total_supply": float(coin.supply),
        "max_supply": None,
        "ath": coin.ath,
        "ath_change_percentage": round(100 * coin.price / coin.ath - 100, 5),
        "ath_date": wire.milliseconds(coin.ath_at),
        "atl": coin.atl,
        "atl_change_percentage": round(100 * coin.price / coin.atl - 100, 5),
        "atl_date": wire.milliseconds(coin.atl_at),
        "roi": None,
        "last_updated": "",
    }


def contract(coin_id: str) -> str | None:
    """Where a simulated coin lives on the simulated Ethereum; of real ones nothing is made up."""
    if not coin_id.startswith("sim-coin-"):
        return None
    return "0x" + hashlib.blake2b(coin_id.encode(), digest_size=20).hexdigest()
