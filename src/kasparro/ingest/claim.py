"""Takes a source for one run: lease, tick and run in one transaction, all of them or none.

Whoever holds the lease looks once more, in the database, whether the source is due. So each tick is run by one process,
however many wake up for it, and no process's clock is asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from kasparro.domain import Trigger
from kasparro.errors import NotDue
from kasparro.ingest.reader import Checkpoints, Reader
from kasparro.ingest.waits import after_death
from kasparro.log import logger
from kasparro.metrics import Metrics
from kasparro.store import checkpoints, leases, runs, states
from kasparro.store.pool import Connection
from kasparro.store.states import Due

log = logger("claim")


Follow = Callable[[Connection, Due, BaseException | None], Awaitable[None]]
"""Decides when a source runs next, from what a run was for and what ended it."""


async def nothing_follows(_: Connection, __: Due, ___: BaseException | None) -> None:
    """For a run without a schedule."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to write for `source` while nobody has drawn a higher fence; the run, and what it is for."""

    source: str
    fence: int
    run_id: int
    due: Due
    found: Checkpoints


async def claim(conn: Connection, reader: Reader, *, owner: str, trigger: Trigger, metrics: Metrics) -> Claim:
    """Take the source for the session of `conn` and open a run; raises Busy, and NotDue where its schedule says so."""
    source = reader.name
    async with conn.transaction():
        fence = await leases.acquire(conn, source, owner)
        await close_orphans(conn, metrics, source)
        due = Due() if trigger == "manual" else await states.take(conn, source)
        if due is not None:
            return await _opened(conn, reader, owner=owner, fence=fence, due=due)
        await leases.release(conn, source, fence)
    raise NotDue(source)


async def _opened(conn: Connection, reader: Reader, *, owner: str, fence: int, due: Due) -> Claim:
    source, found = reader.name, await checkpoints.of(conn, reader.name)
    run_id = await runs.start(conn, source, owner=owner, fence=fence, due=due, resumed_from=reader.resumes(found))
    await leases.name_run(conn, source, fence, run_id)
    return Claim(source, fence, run_id, due, found)


async def close_orphans(conn: Connection, metrics: Metrics, source: str | None = None) -> None:
    """Close the runs of a source, or of all, that no living process holds, and decide when they are carried on."""
    async with conn.transaction():
        for orphan in await runs.close_orphans(conn, source):
            log.warning("closed a run that its process left open", run_id=orphan.run_id, source=orphan.source)
            metrics.run_abandoned(orphan.source)
            if orphan.trigger != "backfill":  # which says nothing of how its source is
                await states.settle(conn, orphan.source, after_death(orphan))
