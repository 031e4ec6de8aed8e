"""Checkpoints: where a source goes on. Only the transaction that commits a page moves one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from kasparro.store.pool import Connection
from kasparro.store.sql import statement

_LIST = statement("checkpoint_list")
_MOVE = statement("checkpoint_move")
_REREAD = statement("checkpoint_reread")


class Checkpoint(NamedTuple):
    """The cursor behind the last committed page (empty: the snapshot was whole), who set it, its age in seconds."""

    cursor: Mapping[str, Any]
    run_id: int
    page: int
    age: float


async def of(conn: Connection, source: str) -> dict[str, Checkpoint]:
    """The checkpoints of a source, by stream."""
    rows = await conn.fetch(_LIST, source)
    return {row["stream"]: Checkpoint(row["cursor"] or {}, row["run_id"], row["page"], row["age"]) for row in rows}


async def move(
    conn: Connection, source: str, *, stream: str, cursor: Mapping[str, Any], run_id: int, page: int
) -> None:
    """Move the checkpoint of a stream."""
    await conn.execute(_MOVE, source, stream, dict(cursor) or None, run_id, page)


async def reread(conn: Connection, source: str, stream: str) -> None:
    """Forget that a file was refused: the next cycle reads it again."""
    await conn.execute(_REREAD, source, stream)
