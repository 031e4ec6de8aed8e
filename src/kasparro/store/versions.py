"""The version of what is served: moved with the data, in one transaction, and told to every process that listens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple

from kasparro.store.pool import Connection, Pool
from kasparro.store.sql import statement

CHANNEL = "kasparro_data"
_BUMP = statement("version_bump")
_LIST = statement("version_list")


class Version(NamedTuple):
    """How often what is served of a source has changed, and when it last did."""

    source: str
    version: int
    changed_at: datetime


async def bump(conn: Connection, source: str) -> None:
    """What is served of a source changes, in this transaction."""
    await conn.execute(_BUMP, source)


async def current(conn: Connection) -> list[Version]:
    """The version of every source that has brought anything."""
    return [Version(*row) for row in await conn.fetch(_LIST)]


@asynccontextmanager
async def listening(pool: Pool, heard: Callable[[], None]) -> AsyncIterator[Connection]:
    """A connection on which `heard` is called when a version has moved, or the connection is lost."""

    def moved(*_: Any) -> None:
        heard()

    async with pool.acquire(timeout=5) as conn:
        try:
            await conn.add_listener(CHANNEL, moved)
            conn.add_termination_listener(moved)
            yield conn
        finally:
            conn.terminate()  # at once, even where the server says nothing any more
