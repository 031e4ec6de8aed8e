"""Raw pages: what came, exactly as it came."""

from __future__ import annotations

from kasparro.domain import Page
from kasparro.store.pool import Connection
from kasparro.store.sql import statement

_INSERT = statement("raw_insert")
_EXPIRE = statement("raw_expire")
_BATCH = 100  # pages deleted at a time, so that nothing waits long for a lock


async def insert(conn: Connection, source: str, run_id: int, page: Page) -> int:
    """Keep the page and return its raw_id."""
    raw_id: int = await conn.fetchval(
        _INSERT,
        source,
        run_id,
        page.number,
        page.url,
        page.status,
        page.text.replace("\0", "\\x00"),  # the one character that PostgreSQL's text cannot hold
        page.checksum,
        page.fetched_at,
    )
    return raw_id


async def expire(conn: Connection, days: int) -> int:
    """Delete the pages older than `days`; returns how many."""
    gone = 0
    while some := await conn.fetchval(_EXPIRE, days, _BATCH):
        gone += some
    return gone
