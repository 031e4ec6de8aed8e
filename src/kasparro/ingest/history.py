"""How far back history is kept, and places for its months."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from kasparro.domain import Ticker
from kasparro.store import maintenance
from kasparro.store.pool import Pool

AGES = 36_500  # days


def since(days: int) -> datetime:
    """The start of the oldest month that history is kept of."""
    horizon = datetime.now(UTC) - timedelta(days=min(days, AGES))
    return horizon.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def months(tickers: Iterable[Ticker]) -> set[date]:
    """The months that the tickers are about. Of a snapshot the first and the last moment nearly always tell."""
    moments = [moment for ticker in tickers if (moment := ticker.source_updated_at) is not None]
    ends = {_month(moment) for moment in (min(moments), max(moments))} if moments else set()
    return ends if len(ends) < 2 else {_month(moment) for moment in moments}


def _month(moment: datetime) -> date:
    return moment.astimezone(UTC).date().replace(day=1)


async def make_room(pool: Pool, wanted: set[date], oldest: datetime) -> set[date]:
    """Partitions for the months that history is kept of, on a connection of their own: DDL has no place in a page's
    transaction. Returns those months."""
    kept = {month for month in wanted if month >= oldest.date()}
    if kept:
        async with pool.acquire() as conn:
            await maintenance.make_history(conn, sorted(kept))
    return kept
