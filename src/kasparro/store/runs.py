"""Runs: one row for each run of a source, moved forward by the pages it commits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from kasparro.domain import Ledger, RunStatus, Trigger
from kasparro.errors import FenceLost
from kasparro.store import notices
from kasparro.store.pool import Connection
from kasparro.store.sql import statement
from kasparro.store.states import Due
from kasparro.store.text import storable

_START = statement("run_start")
_PROGRESS = statement("run_progress")
_FINISH = statement("run_finish")
_LAST_SUCCESS = statement("run_last_success")
_FORGET = statement("run_forget")
_EXPIRE = statement("run_expire")
_CLOSE_ORPHANS = statement("run_close_orphans")
_CLOSE_OWN = statement("run_close_own")


@dataclass(slots=True)
class Traffic:
    """What a run asked of the network: requests sent, how many of them were retries, seconds spent waiting.

    `backed_off` is the part of `waited` that was spent before retries; the rest was the rate limit.
    """

    requests: int = 0
    retries: int = 0
    waited: float = 0.0
    backed_off: float = 0.0


class Orphan(NamedTuple):
    """A run that no living process holds: the pages that it brought, and how its source stood.

    `failures` of the source's runs before it had failed in a row. `interval` is in seconds; 0 where none was declared.
    """

    run_id: int
    source: str
    trigger: Trigger
    pages: int
    failures: int
    interval: float


async def start(conn: Connection, source: str, *, owner: str, fence: int, due: Due, resumed_from: int | None) -> int:
    """Open a run and return its id."""
    return await _start(conn, source, due.trigger, owner, fence, resumed_from, due.scheduled_for, due.requested_at)


async def start_backfill(conn: Connection, source: str, *, owner: str, fence: int) -> int:
    """Open a run beside the cycles of the source and return its id."""
    return await _start(conn, source, "backfill", owner, fence, None, None, None)


async def _start(conn: Connection, *values: object) -> int:
    run_id: int = await conn.fetchval(_START, *values)
    await notices.announce(conn)
    return run_id


async def progress(
    conn: Connection, source: str, run_id: int, ledger: Ledger, traffic: Traffic, *, simulated: bool
) -> None:
    """Add one page's ledger, and the traffic so far; raises FenceLost when the run was closed over our head."""
    is_open = await conn.fetchval(
        _PROGRESS,
        run_id,
        ledger.inserted,
        ledger.updated,
        ledger.unchanged,
        ledger.stale,
        ledger.rejected,
        ledger.duplicate,
        simulated,
        *_columns(traffic),
    )
    if not is_open:
        raise FenceLost(source, "the run was closed by another process, which took us for dead")


async def finish(
    conn: Connection, run_id: int, status: RunStatus, traffic: Traffic, kind: str | None, message: str | None
) -> None:
    """Close the run, with the kind and the words of what ended it."""
    text = message and storable(message)
    await conn.execute(_FINISH, run_id, status, kind, text, *_columns(traffic))
    await notices.announce(conn)


def _columns(traffic: Traffic) -> tuple[int, int, float, float]:
    return traffic.requests, traffic.retries, traffic.waited, traffic.backed_off


async def forget(conn: Connection, run_id: int) -> None:
    """Delete a run that found nothing to do."""
    await conn.execute(_FORGET, run_id)


async def last_success(conn: Connection, source: str) -> float | None:
    """When the source was last run with success, in Unix seconds; None before the first time."""
    moment: float | None = await conn.fetchval(_LAST_SUCCESS, source)
    return moment


async def expire(conn: Connection, days: int) -> int:
    """Delete the runs that ended more than `days` ago, with what they quarantined; returns how many."""
    gone: int = await conn.fetchval(_EXPIRE, days)
    return gone


async def close_orphans(conn: Connection, source: str | None = None) -> list[Orphan]:
    """Close the runs of a source, or of all, that no living process holds."""
    closed = [Orphan(*row) for row in await conn.fetch(_CLOSE_ORPHANS, source)]
    if closed:
        await notices.announce(conn)
    return closed


async def close_own(conn: Connection, owner: str) -> None:
    """Close what `owner` has left open at its end: it was stopped at the instant in which a run is opened or closed."""
    await conn.execute(_CLOSE_OWN, owner)
    await notices.announce(conn)
