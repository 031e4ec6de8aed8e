"""What the status page shows beside the reports: rows, their figures as exact decimals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from kasparro.store.pool import Connection
from kasparro.store.sql import statement

_STRIP = statement("run_strip")
_MARKET = statement("market_page")
_COUNT = statement("market_count")
_LINES = statement("market_lines")

_WEEK = timedelta(days=7)

Row = Mapping[str, Any]
Coin = tuple[str, str]
"""A source and its name for a coin."""


class Tick(NamedTuple):
    """A price in US dollars, at a moment."""

    observed_at: datetime
    price_usd: Decimal


async def runs(conn: Connection, *, limit: int) -> dict[str, list[Row]]:
    """Source -> its last runs, the oldest first."""
    found = defaultdict(list)
    for row in await conn.fetch(_STRIP, limit):
        found[row["source"]].append(row)
    return found


async def market(
    conn: Connection, *, source: str | None, text: str, order: str, limit: int, offset: int
) -> Sequence[Row]:
    """Coins of a source, or of all, whose name, symbol or id holds `text`; `order` as in market_page.sql."""
    rows: Sequence[Row] = await conn.fetch(_MARKET, source, text, order, limit, offset)
    return rows


async def market_size(conn: Connection, *, source: str | None, text: str, bound: int) -> int:
    """How many such coins there are; `bound` stands for any number that is not smaller."""
    count: int = await conn.fetchval(_COUNT, source, text, bound)
    return count


async def lines(conn: Connection, rows: Sequence[Row], *, points: int) -> dict[Coin, list[Tick]]:
    """Coin -> its price at up to so many moments of the week before its latest row, which is one of `rows`."""
    if not rows:
        return {}
    sources, ids, moments = ([row[name] for row in rows] for name in ("source", "coin_id", "observed_at"))
    found = defaultdict(list)
    for source, coin_id, *tick in await conn.fetch(
        _LINES, sources, ids, moments, points, min(moments) - _WEEK, max(moments)
    ):
        found[source, coin_id].append(Tick(*tick))
    return found
