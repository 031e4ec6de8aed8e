"""Notices: PostgreSQL tells every process that something was committed, and never what; that is read from the tables.

A notice that is lost loses nothing: whoever listens looks every few seconds anyway.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from kasparro.store.pool import Connection, Pool
from kasparro.store.sql import statement

_CHANNELS = ("kasparro_data", "kasparro_events")  # what version_bump and event_announce notify
_ANNOUNCE = statement("event_announce")


async def announce(conn: Connection) -> None:
    """Wake up those who listen, in every process, once the transaction is committed."""
    await conn.execute(_ANNOUNCE)


@asynccontextmanager
async def listening(pool: Pool, heard: Callable[[], None]) -> AsyncIterator[Connection]:
    """A connection on which `heard` is called when there is a notice, or the connection is lost."""

    def on_notice(*_: Any) -> None:
        heard()

    async with pool.acquire(timeout=5) as conn:
        try:
            for channel in _CHANNELS:
                await conn.add_listener(channel, on_notice)
            conn.add_termination_listener(on_notice)
            yield conn
        finally:
            conn.terminate()  # at once, even where the server says nothing any more
