"""Listings written down in a line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kasparro.identity.figures import Figures
from kasparro.identity.listing import Key, Listing, Standing

NOON = datetime(2026, 8, 22, 12, tzinfo=UTC)


def listing(
    source: str,
    coin_id: str,
    name: str,
    symbol: str | None = None,
    *,
    asset: str | None = None,
    minutes: float = 0,
    contracts: tuple[str, ...] = (),
    is_pinned: bool = False,
    **figures: Any,
) -> Listing:
    """A listing, observed so many minutes after noon; with an asset, it was put there the day before."""
    standing = Standing(asset, NOON - timedelta(days=1), name, symbol, is_pinned) if asset else None
    observed = Figures(**figures, observed_at=NOON + timedelta(minutes=minutes))
    return Listing(Key(source, coin_id), name, symbol, observed, frozenset(contracts), standing)


@pytest.fixture
def bitcoin() -> tuple[Listing, Listing]:
    """The listings of Bitcoin at both vendors."""
    return listing("coinpaprika", "btc-bitcoin", "Bitcoin", "BTC"), listing("coingecko", "bitcoin", "Bitcoin", "btc")
