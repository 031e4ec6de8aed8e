"""The simulated market: coins whose prices wander, one step a tick, the same way for the same seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

VendorName = Literal["coinpaprika", "coingecko"]

_LAG = 60  # seconds; CoinGecko's median from observation to answer is 63 to 70
_SPREAD = 120  # seconds over which the first observations are spread
_NOTED = 300_000  # milliseconds between notes of where a coin is
_PULL, _STEP = 0.98, 0.01  # prices wander about 5 % around where they began, and never run away


@dataclass(slots=True)
class Listing:
    """A coin as one vendor first lists it. `scale` takes the vendor's first figures to the market's."""

    record: Mapping[str, Any]
    scale: float = 1.0


@dataclass(slots=True)
class Coin:
    """A coin, and where the market has taken it: `factor` is its price now by its price at the beginning.

    `cap` is its market cap at the beginning; `updated` its newest observation, in Unix milliseconds. `path` is where it
    has been: a moment and the factor then, every five minutes at most.
    """

    listings: Mapping[VendorName, Listing]
    cap: float
    is_ranked: bool = True
    is_still: bool = False
    factor: float = 1.0
    drift: float = 0.0
    rank: int = 0
    updated: int = 0
    path: list[tuple[int, float]] = field(default_factory=list)


class Market:
    """All coins, and the clock they move by. `version` changes with every tick."""

    def __init__(self, coins: list[Coin], *, random: Random, moving: float, now: Callable[[], float]) -> None:
        self.coins = coins
        self.version = 0
        self._random = random
        self._moving = moving
        self._now = now
        self._at = math.floor(now()) - _LAG
        for coin in coins:
            coin.updated = self._observed(self._at - random.randrange(_SPREAD))
            coin.path.append((coin.updated, coin.factor))
        self._rank()

    def tick(self) -> int:
        """Move a part of the coins; returns how many. Each gets a later `updated`, in whole seconds too."""
        self.version += 1
        self._at = max(self._at + 1, math.floor(self._now()) - _LAG)
        moved = [coin for coin in self.coins if not coin.is_still and self._random.random() < self._moving]
        for coin in moved:
            coin.drift = coin.drift * _PULL + self._random.gauss(0.0, _STEP)
            coin.factor = math.exp(coin.drift)
            coin.updated = self._observed(self._at)
            coin.rank = 0
            if coin.updated - coin.path[-1][0] >= _NOTED:
                coin.path.append((coin.updated, coin.factor))
        self._rank()
        return len(moved)

    def listed(self, vendor: VendorName) -> list[Coin]:
        """The vendor's coins, the largest market cap first."""
        return [coin for coin in self.coins if vendor in coin.listings]

    def now(self) -> int:
        """The market's clock, in Unix milliseconds."""
        return int(self._now() * 1000)

    def coin(self, vendor: VendorName, coin_id: str) -> Coin | None:
        """The coin that the vendor calls so."""
        return next((coin for coin in self.listed(vendor) if coin.listings[vendor].record["id"] == coin_id), None)

    def _observed(self, second: int) -> int:
        return second * 1000 + self._random.randrange(1000)

    def _rank(self) -> None:
        """Sort all, rank the moved: a still coin keeps its record, so ranks repeat, as the vendors' do."""
        self.coins.sort(key=lambda coin: coin.cap * coin.factor, reverse=True)
        for place, coin in enumerate((coin for coin in self.coins if coin.is_ranked), start=1):
            coin.rank = coin.rank or place
