"""Candles: ticks rolled up a day at a time, and the days that are rolled up again because their ticks have changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kasparro.store import leases
from kasparro.store.pool import Connection
from kasparro.store.sql import statement

Day = tuple[str, datetime]
"""A coin, and the start of the day (UTC)."""

_FEW = 8  # ticks of a day that are read as quickly as the row of its candles
_DAYS = 2000  # of coins, rolled up by one transaction: a second or so of work

_LATE = statement("candle_late")
_WRITTEN = statement("candle_written")
_DUE_INSERT = statement("candle_due_insert")
_SOURCES = statement("candle_sources")
_LOCK = statement("candle_lock")
_PASS_WANTED = statement("candle_pass_wanted")
_DUE_TAKE = statement("candle_due_take")
_ROLL_UP = statement("candle_roll_up")
_ROLL_CREATE = statement("candle_roll_create")
_PASS_BEGIN = statement("candle_pass_begin")
_PASS_DAYS = statement("candle_pass_days")
_PASS_MOVE = statement("candle_pass_move")
_BEHIND = statement("candle_behind")


async def note_staged(conn: Connection, source: str, raw_id: int, fetched_at: datetime) -> None:
    """Note the days, of those that are rolled up, whose ticks the staged records have changed: in the transaction of
    the page, which holds the lease. A page of the present has none, and costs one look at what is staged.
    """
    if late := await conn.fetch(_LATE, source, fetched_at):
        await note(conn, source, await conn.fetch(_WRITTEN, source, raw_id, *_columns(late)))


async def note(conn: Connection, source: str, days: Sequence[Day]) -> None:
    """Note that the ticks of these days have changed, in the transaction that changes them."""
    for first in range(0, len(days), _DAYS):
        await conn.execute(_DUE_INSERT, source, *_columns(days[first : first + _DAYS]))


async def sources(conn: Connection) -> list[str]:
    """The sources that may have ticks."""
    return [row["source"] for row in await conn.fetch(_SOURCES)]


async def lock(conn: Connection) -> bool:
    """Whether nobody else rolls up until the transaction ends."""
    is_ours: bool = await conn.fetchval(_LOCK)
    return is_ours


async def mend(conn: Connection, source: str) -> bool:
    """Roll up some days again whose ticks have changed; returns whether there were any."""
    days = await conn.fetch(_DUE_TAKE, source, _DAYS)
    await _roll_up(conn, source, days)
    return bool(days)


async def advance(conn: Connection, source: str) -> bool:
    """Go on with the pass of a source, over some coins; returns whether one was under way."""
    days = await conn.fetch(_PASS_DAYS, source, _DAYS)
    await _roll_up(conn, source, days)
    moved: str = await conn.execute(_PASS_MOVE, source, days[-1]["coin_id"] if days else None)
    return moved == "UPDATE 1"


async def _roll_up(conn: Connection, source: str, days: Sequence[Day]) -> None:
    if days:
        await conn.execute(_ROLL_UP, source, *_columns(days), _FEW)


def _columns(days: Sequence[Day]) -> tuple[list[str], list[datetime]]:
    return [coin_id for coin_id, _ in days], [day for _, day in days]


async def begin(conn: Connection, source: str, *, ended: datetime, expiring: datetime) -> bool:
    """Begin the next pass of a source: the days before `ended` are over, those before `expiring` are to be dropped.

    Waits for the transaction that writes for the source. Returns whether there is anything to go over.
    """
    if not await conn.fetchval(_PASS_WANTED, source, ended, expiring):
        return False
    await leases.wait(conn, source)
    await conn.execute(_ROLL_CREATE, source, ended)
    begun: str = await conn.execute(_PASS_BEGIN, source, ended, expiring)
    return begun == "UPDATE 1"


async def behind(conn: Connection) -> dict[str, float]:
    """For how many seconds each source has had something to be rolled up."""
    return dict(await conn.fetch(_BEHIND))
