"""What was known at a moment: since when it can be told, whether it can still change, and what ticks do not tell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from kasparro.store.pool import Connection
from kasparro.store.sql import statement

_BOUNDS = statement("knowledge_bounds")
_NOTE = statement("mark_note")
_SILENT = timedelta(seconds=20)  # longer than PostgreSQL lets a transaction of ours be idle


class Bounds(NamedTuple):
    """Between which moments what was known can be told, by the database's clock.

    `is_final`: no transaction that began before the moment can add to what was known then.
    """

    since: datetime
    now: datetime
    is_final: bool


async def bounds(conn: Connection, moment: datetime) -> Bounds:
    """What holds for a moment. To be asked before what was known at it."""
    return Bounds(*await conn.fetchrow(_BOUNDS, moment, _SILENT))


async def note(conn: Connection, source: str, coins: Sequence[str]) -> None:
    """Keep what the latest rows of these coins say, at the end of a transaction that wrote ticks beside them.

    Ingestion needs no such thing: there, the newest tick is the row.
    """
    await conn.execute(_NOTE, source, coins)
