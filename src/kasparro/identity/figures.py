"""Whether the figures of two listings can be those of one coin. Prices are compared only at close times."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum
from typing import NamedTuple

CLOSE = timedelta(hours=1)
"""Prices observed further apart than this are not compared."""

# How often the larger of two figures may hold the smaller, to agree and before they contradict each other.
_PRICE_AGREES, _PRICE_CONTRADICTS = 1.05, 2.0
_SIZE_AGREES, _SUPPLY_CONTRADICTS = 1.10, 100.0


class Figures(NamedTuple):
    """What a source says of a coin, in US dollars and coins; None is unknown."""

    price: float | None = None
    market_cap: float | None = None
    circulating_supply: float | None = None
    total_supply: float | None = None
    max_supply: float | None = None
    observed_at: datetime | None = None


class Agreement(IntEnum):
    """How far two listings agree; `UNKNOWN` where nothing can be compared."""

    CONTRADICT = 0
    UNKNOWN = 1
    DOUBTFUL = 2
    PRICE = 3
    ALL = 4


class Ratios(NamedTuple):
    """How often the larger figure holds the smaller; None where one is unknown. `apart` are seconds."""

    price: float | None = None
    market_cap: float | None = None
    circulating_supply: float | None = None
    total_supply: float | None = None
    max_supply: float | None = None
    apart: float | None = None


def compared(a: Figures, b: Figures) -> Ratios:
    """The figures of two listings next to each other; those that move, only where they were observed together."""
    apart = abs(a.observed_at - b.observed_at) if a.observed_at and b.observed_at else None
    are_close = apart is not None and apart <= CLOSE
    return Ratios(
        price=_ratio(a.price, b.price) if are_close else None,
        market_cap=_ratio(a.market_cap, b.market_cap) if are_close else None,
        circulating_supply=_ratio(a.circulating_supply, b.circulating_supply) if are_close else None,
        total_supply=_ratio(a.total_supply, b.total_supply),
        max_supply=_ratio(a.max_supply, b.max_supply),
        apart=apart.total_seconds() if apart is not None else None,
    )


def agreement(ratios: Ratios) -> Agreement:
    """What the ratios say together. A price alone is little: every dollar coin has the same."""
    if ratios.price is None:
        return Agreement.CONTRADICT if _contradict(ratios) else Agreement.UNKNOWN
    if ratios.price > _PRICE_CONTRADICTS:
        return Agreement.CONTRADICT
    if ratios.price > _PRICE_AGREES:
        return Agreement.DOUBTFUL
    return Agreement.ALL if _sizes_agree(ratios) else Agreement.PRICE


def _sizes_agree(ratios: Ratios) -> bool:
    """Market cap or circulation agrees, and so does one of the supplies, where any is known on both sides."""
    moving = [ratio for ratio in (ratios.market_cap, ratios.circulating_supply) if ratio is not None]
    held = (ratios.circulating_supply, ratios.total_supply, ratios.max_supply)
    supplies = [ratio for ratio in held if ratio is not None]
    return bool(moving) and max(moving) <= _SIZE_AGREES and (not supplies or min(supplies) <= _SIZE_AGREES)


def _contradict(ratios: Ratios) -> bool:
    """Whether the supplies alone forbid it: coins are burned and minted, but not a hundredfold unnoticed."""
    slow = [ratio for ratio in (ratios.total_supply, ratios.max_supply) if ratio is not None]
    return bool(slow) and min(slow) > _SUPPLY_CONTRADICTS


def _ratio(a: float | None, b: float | None) -> float | None:
    if not a or not b:
        return None
    return max(a, b) / min(a, b)
