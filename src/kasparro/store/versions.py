"""The version of what is served: moved with the data, in one transaction, and told to every process that listens."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from kasparro.store.pool import Connection
from kasparro.store.sql import statement

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
