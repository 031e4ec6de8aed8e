"""Snapshots: what they came to, and which coins they miss. Written by the transaction of their last page."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from kasparro.domain import Flag
from kasparro.store.pool import Connection
from kasparro.store.sql import statement

_EARLIER = statement("snapshot_earlier")
_NOTE = statement("snapshot_note")
_MISSING = statement("absence_list")
_END_ABSENCE = statement("absence_end")
_NOTE_ABSENCE = statement("absence_note")


class Earlier(NamedTuple):
    """How many coins an earlier snapshot listed, and the names of its flags."""

    coins: int
    flags: Sequence[str]


async def earlier(conn: Connection, source: str, *, scope: str, before: int, limit: int) -> list[Earlier]:
    """The last snapshots of the same scope before a run, newest first."""
    return [Earlier(*row) for row in await conn.fetch(_EARLIER, source, scope, before, limit)]


async def note(conn: Connection, run_id: int, *, scope: str, coins: int | None, flags: Sequence[Flag]) -> None:
    """Keep what the snapshot came to which the run ended; `coins` is None where nobody counted all of them."""
    await conn.execute(_NOTE, run_id, scope, coins, [flag._asdict() for flag in flags])


async def welcome(conn: Connection, source: str, listed: Collection[str]) -> None:
    """Coins that are listed are missing no longer."""
    missing = {row["coin_id"] for row in await conn.fetch(_MISSING, source)}
    if found := missing.intersection(listed):
        await conn.execute(_END_ABSENCE, source, list(found))


async def miss(conn: Connection, source: str, listed: Collection[str], run_id: int) -> None:
    """Note which coins a whole snapshot does not list; those that were missing before are not written again."""
    await conn.execute(_NOTE_ABSENCE, source, list(listed), run_id)
