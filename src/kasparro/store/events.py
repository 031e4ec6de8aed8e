"""What happens in ingestion, for whoever follows it: LISTEN tells that there is something, these tell what.

A notification that is lost loses nothing: what it announces is looked for every few seconds anyway.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple

from kasparro.store.pool import Connection, Pool
from kasparro.store.sql import statement

_CHANNEL = "kasparro_events"
_ANNOUNCE = statement("event_announce")
_CLOCK = statement("event_clock")
_RUNS = statement("event_runs")
_VERSIONS = statement("event_versions")


class EndedRun(NamedTuple):
    """A run that has ended; `told` is a JSON object, as in `/runs`."""

    run_id: int
    source: str
    finished_at: datetime
    told: str


async def announce(conn: Connection) -> None:
    """Wake up those who follow, in every process, once the transaction is committed."""
    await conn.execute(_ANNOUNCE, _CHANNEL)


@asynccontextmanager
async def listening(pool: Pool, heard: Callable[[], None]) -> AsyncIterator[Connection]:
    """A connection on which `heard` is called when something is announced, or when the connection is lost."""

    def on_notice(*_: Any) -> None:
        heard()

    async with pool.acquire(timeout=5) as conn:
        await conn.add_listener(_CHANNEL, on_notice)
        conn.add_termination_listener(on_notice)
        try:
            yield conn
        finally:
            if not conn.is_closed():
                conn.remove_termination_listener(on_notice)
                await conn.remove_listener(_CHANNEL, on_notice)


async def clock(conn: Connection) -> datetime:
    """What time it is in the database."""
    now: datetime = await conn.fetchval(_CLOCK)
    return now


async def runs(conn: Connection, since: datetime, *, limit: int) -> list[EndedRun]:
    """The runs that ended after a moment, the first that ended first; of more than `limit`, the latest."""
    return [EndedRun(*row) for row in await conn.fetch(_RUNS, since, limit)]


async def versions(conn: Connection) -> dict[str, int]:
    """Source -> the version of its data, which grows with every page that is committed."""
    return {row["source"]: row["version"] for row in await conn.fetch(_VERSIONS)}
