"""Partitions made ahead and retention enforced: beside ingestion, never in its way."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from kasparro.store import drifts, raw, runs, versions
from kasparro.store.pool import Connection
from kasparro.store.sql import statement

_RAW = statement("partition_raw")
_HISTORY = statement("partition_history")
_KNOWLEDGE_EXPIRE = statement("knowledge_expire")
_HISTORY_EXPIRE = statement("history_expire")
_PATIENCE = statement("lock_patience")


async def prepare(conn: Connection, sources: Iterable[str]) -> None:
    """A place for the raw pages of every source, and for the history of this month and the next two."""
    for source in sources:
        await conn.execute(_RAW, source)
    today = datetime.now(UTC).date()
    await make_history(conn, [today + timedelta(days=31 * ahead) for ahead in range(3)])


async def make_history(conn: Connection, days: Iterable[date]) -> None:
    """A place for the history of the months of these days."""
    await conn.execute(_HISTORY, list(days))


class Gone(NamedTuple):
    """What retention has deleted."""

    raw_pages: int
    history_months: int
    runs: int


async def retain(conn: Connection, *, raw_days: int, history_days: int, run_days: int) -> Gone:
    """Forget what is older than the settings allow.

    A lock that is not to be had at once raises, and the next round tries again: nothing queues behind us.
    """
    pages = await raw.expire(conn, raw_days)
    ended = await runs.expire(conn, run_days)
    await drifts.expire(conn, run_days)
    async with conn.transaction():
        await conn.execute(_PATIENCE)
        await conn.execute(_KNOWLEDGE_EXPIRE, history_days)
        months: int = await conn.fetchval(_HISTORY_EXPIRE, history_days)
        for known in await versions.current(conn) if months else ():
            await versions.bump(conn, known.source)
    return Gone(pages, months, ended)
