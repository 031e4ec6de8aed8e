"""The past of the simulated market: the same for the same coin and moment, whenever it is asked for.

Up to the beginning of the market a price sways around where it began; from there on it is where the market has been, as
it was noted every five minutes.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from kasparro.sandbox.market import Coin

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000  # milliseconds
_SWAYS = ((0.4, 211 * DAY), (0.08, 9 * DAY), (0.015, 7 * HOUR))  # how far, in shares of the price, and how slowly


class Point(NamedTuple):
    """A moment in Unix milliseconds, and the price then by that at the beginning of the market."""

    at: int
    factor: float


def points(coin: Coin, since: int, until: int, step: int) -> Iterator[Point]:
    """A point every `step`, from `since` up to and with `until`, in Unix milliseconds."""
    for at in range(-(-since // step) * step, until + 1, step):
        yield Point(at, factor(coin, at))


def factor(coin: Coin, at: int) -> float:
    """The price of a coin at a moment, by its price at the beginning of the market."""
    if coin.is_still:
        return 1.0
    begun, _ = coin.path[0]
    if at < begun:
        return math.exp(_sway(coin, at) - _sway(coin, begun))
    return coin.path[bisect_right(coin.path, (at, math.inf)) - 1][1]


def shaken(at: int, most: int) -> int:
    """The moment, later by up to `most` milliseconds: CoinGecko's points are not on time."""
    return at + int.from_bytes(hashlib.blake2b(str(at).encode(), digest_size=4).digest()) % most


def _sway(coin: Coin, at: int) -> float:
    """One for both vendors."""
    first = next(iter(coin.listings.values())).record["id"]
    phases = hashlib.blake2b(first.encode(), digest_size=len(_SWAYS)).digest()
    return sum(
        share * math.sin(2 * math.pi * (at / period + phase / 256))
        for (share, period), phase in zip(_SWAYS, phases, strict=True)
    )
