"""What whoever follows ingestion is told of runs."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from kasparro.store.pool import Connection
from kasparro.store.sql import statement

_CLOCK = statement("event_clock")
_RUNS = statement("event_runs")


class EndedRun(NamedTuple):
    """A run that has ended; `told` is a JSON object, as in `/runs`."""

    run_id: int
    source: str
    finished_at: datetime
    told: str


async def clock(conn: Connection) -> datetime:
    """What time it is in the database."""
    now: datetime = await conn.fetchval(_CLOCK)
    return now


async def runs(conn: Connection, since: datetime, *, limit: int) -> list[EndedRun]:
    """The runs that ended after a moment, the first that ended first; of more than `limit`, the latest."""
    return [EndedRun(*row) for row in await conn.fetch(_RUNS, since, limit)]
