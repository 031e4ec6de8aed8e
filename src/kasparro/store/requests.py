"""What people ask of ingestion, through the database: that a run begins, or that one ends."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from kasparro.domain import RunStatus
from kasparro.store.pool import Connection
from kasparro.store.sql import statement

_REQUEST = statement("run_request")
_REQUESTED = statement("run_requested")
_WITHDRAW = statement("run_withdraw")
_CANCEL = statement("run_cancel")
_IS_UNWANTED = statement("run_is_unwanted")


class Standing(NamedTuple):
    """How a source stood when a run was asked for.

    `run_id` is what runs, `seconds` for how long no call may be made and `reason` why; `requested_at` is the request,
    None where one of these is in its way.
    """

    enabled: bool
    is_running: bool
    run_id: int | None
    seconds: float | None
    reason: str | None
    requested_at: datetime | None


async def run(conn: Connection, source: str) -> Standing | None:
    """Ask for a run of the source; None where the source was never declared."""
    row = await conn.fetchrow(_REQUEST, source)
    return Standing(*row) if row else None


async def begun(conn: Connection, source: str, requested_at: datetime) -> int | None:
    """The run that was begun for a request; None before that."""
    run_id: int | None = await conn.fetchval(_REQUESTED, source, requested_at)
    return run_id


async def withdraw(conn: Connection, source: str, requested_at: datetime) -> int | None:
    """Take a request back, if nobody has taken it up; returns the run that is under way instead, if one is."""
    run_id: int | None = await conn.fetchval(_WITHDRAW, source, requested_at)
    return run_id


async def cancel(conn: Connection, run_id: int) -> tuple[str, RunStatus] | None:
    """Ask for the end of a run that is running; returns its source and its status. None where there is no such run."""
    row = await conn.fetchrow(_CANCEL, run_id)
    return (row["source"], row["status"]) if row else None


async def is_unwanted(conn: Connection, run_id: int) -> bool:
    """Whether somebody has asked for the end of the run."""
    return bool(await conn.fetchval(_IS_UNWANTED, run_id))
