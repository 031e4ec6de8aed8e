"""A rebuild's own tables: what is derived stands apart, as temporary as its session, until it is written.

Three tables have the names of those that are served, so that one statement merges a page into either. Which of the two
a name means is a matter of the session's search path.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple

from kasparro.store import candles, knowledge, pool, versions
from kasparro.store.pool import Connection
from kasparro.store.sql import statement

_CREATE = [
    statement("rebuild_pages_create"),
    statement("rebuild_latest_create"),
    statement("rebuild_history_create"),
    statement("rebuild_due_create"),
]
_SEARCH_DERIVED = statement("rebuild_search_derived")
_SEARCH_SERVED = statement("rebuild_search_served")
_PAGES = statement("rebuild_pages")
_SEED = statement("rebuild_seed")
_RECALL = statement("rebuild_recall")
_FORGET = statement("rebuild_forget")
_ANALYZE = statement("rebuild_analyze")
_COINS = statement("rebuild_coins")
_LATEST_DELETE = statement("rebuild_latest_delete")
_LATEST_INSERT = statement("rebuild_latest_insert")
_TICKS_DELETE = statement("rebuild_ticks_delete")
_TICKS_WRITE = statement("rebuild_ticks_write")
_DAYS = statement("rebuild_days")


@asynccontextmanager
async def session(dsn: str) -> AsyncIterator[Connection]:
    """A connection outside the pools, with the tables: they must end with it, or ingestion would write into them."""
    conn = await pool.connect_for_writing(dsn)
    try:
        for create in _CREATE:
            await conn.execute(create)
        await conn.execute(_SEARCH_SERVED)
        yield conn
    finally:
        await conn.close(timeout=5)


async def begin(conn: Connection, source: str, *, since: datetime | None, needs_reading: bool) -> list[int]:
    """Choose the raw pages, and begin with the latest rows that are from others. From here on pages are merged apart.

    `needs_reading`: a page that does not tell how it was read cannot be read again.
    """
    pages = [row["raw_id"] for row in await conn.fetch(_PAGES, source, since, needs_reading)]
    await conn.execute(_SEED, source)
    await conn.execute(_RECALL, source)
    await conn.execute(_SEARCH_DERIVED)
    return pages


async def derived(conn: Connection, source: str) -> list[str]:
    """All pages are merged: from here on it is written. Returns the coins that it is about."""
    await conn.execute(_SEARCH_SERVED)
    await conn.execute(_FORGET, source)
    await conn.execute(_ANALYZE)
    return [row["coin_id"] for row in await conn.fetch(_COINS, source)]


class Written(NamedTuple):
    """How many latest rows and ticks were not what the raw pages say."""

    latest_inserted: int = 0
    latest_updated: int = 0
    latest_deleted: int = 0
    ticks_inserted: int = 0
    ticks_updated: int = 0
    ticks_deleted: int = 0

    def plus(self, other: Written) -> Written:
        return Written(*(one + more for one, more in zip(self, other, strict=True)))


async def write(conn: Connection, source: str, coins: Sequence[str]) -> Written:
    """Make what is served of these coins what was derived, inside a transaction."""
    replaced, removed = await conn.fetchrow(_LATEST_DELETE, source, coins)
    written = await conn.fetchval(_LATEST_INSERT, source, coins)
    gone = await conn.fetchval(_TICKS_DELETE, source, coins)
    added, changed = await conn.fetchrow(_TICKS_WRITE, source, coins)
    result = Written(written - replaced, replaced, removed, added, changed, gone)
    if gone or added or changed:
        await candles.note(conn, source, await conn.fetch(_DAYS, source, coins))
    if any(result):
        await knowledge.note(conn, source, coins)
        await versions.bump(conn, source)
    return result
