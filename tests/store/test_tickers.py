"""A merge takes what is newer than its coin's latest row for new, and is right where it is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from kasparro.domain import Entry, Ticker
from kasparro.store import maintenance, tickers
from kasparro.store.pool import Pool
from kasparro.store.tickers import Effect

NOW = datetime.now(UTC)


async def merge(conn: Any, raw_id: int, *prices: str) -> set[Effect]:
    """A coin's prices of this minute, of the next, and so on, on a page of its own."""
    blank = dict.fromkeys(Ticker._fields)
    told = [
        Ticker(
            **{
                **blank,
                "coin_id": "x",
                "name": "X",
                "price_usd": price,
                "source_updated_at": NOW + timedelta(minutes=n),
            }
        )
        for n, price in enumerate(prices)
    ]
    origin = tickers.Origin("csv", 1, raw_id, NOW, True, NOW - timedelta(days=1))
    staged = tickers.copy_text([Entry(n, ticker) for n, ticker in enumerate(told)])
    async with conn.transaction():
        return set(await tickers.merge(conn, origin, staged))


async def history(conn: Any) -> list[tuple[str, int, int]]:
    rows = await conn.fetch("SELECT price_usd::text, raw_id, revision FROM price_history ORDER BY observed_at")
    return [tuple(row) for row in rows]


async def test_ticks_that_the_latest_rows_have_forgotten_are_corrected_all_the_same(pool: Pool) -> None:
    async with pool.acquire() as conn:
        await maintenance.prepare(conn, ["csv"])
        await merge(conn, 1, "1", "2")
        await conn.execute("DELETE FROM unified_crypto")
        effects = await merge(conn, 2, "1", "2.5", "3")
        assert effects == {Effect(None, None, 1), Effect(None, "updated", 1), Effect("inserted", "inserted", 1)}
        assert await history(conn) == [("1", 1, 0), ("2.5", 2, 1), ("3", 2, 0)]
        assert await merge(conn, 3, "1", "2.5", "3") == {Effect(None, None, 2), Effect("unchanged", None, 1)}
