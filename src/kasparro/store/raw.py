"""Raw pages: what came, exactly as it came."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from kasparro.domain import Page
from kasparro.store.pool import Connection
from kasparro.store.sql import statement

_INSERT = statement("raw_insert")
_INSERT_SAME = statement("raw_insert_same")
_PAGE = statement("raw_page")
_BEFORE = statement("raw_before")
_EXPIRE = statement("raw_expire")
_BATCH = 100  # pages deleted at a time, so that nothing waits long for a lock


async def insert(conn: Connection, source: str, run_id: int, page: Page) -> int:
    """Keep the page and return its raw_id. The text of one that is the `same_as` another is not kept twice."""
    origin = source, run_id, page.number, page.url, page.status
    proof = page.checksum, page.fetched_at, dict(page.reading)
    raw_id: int | None = page.same_as and await conn.fetchval(_INSERT_SAME, *origin, page.same_as, *proof)
    return raw_id or int(await conn.fetchval(_INSERT, *origin, _storable(page.text), *proof))


def _storable(text: str) -> str:
    """NUL is the one character that PostgreSQL's text cannot hold."""
    return text.replace("\0", "\\x00")


class Kept(NamedTuple):
    """A raw page as it is kept: see `domain.Page`."""

    raw_id: int
    run_id: int
    url: str
    status: int
    text: str
    checksum: bytes
    fetched_at: datetime
    reading: Mapping[str, Any]


async def kept(conn: Connection, source: str, raw_id: int) -> Kept | None:
    """A raw page; None where it is no longer kept."""
    row = await conn.fetchrow(_PAGE, source, raw_id)
    return Kept(*row) if row else None


async def before(conn: Connection, source: str, page: Kept) -> list[int]:
    """The pages that the same run took from the same place before this one, the first one first."""
    return [row["raw_id"] for row in await conn.fetch(_BEFORE, source, page.raw_id, page.run_id, page.url)]


async def expire(conn: Connection, days: int) -> int:
    """Delete the pages older than `days`; returns how many."""
    gone = 0
    while some := await conn.fetchval(_EXPIRE, days, _BATCH):
        gone += some
    return gone
