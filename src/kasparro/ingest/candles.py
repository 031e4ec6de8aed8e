"""Rolls ticks up into candles: beside ingestion, by one process at a time, some days of some coins a transaction.

    for each source: days whose ticks changed -> the pass under way -> the next pass: days that ended, days that expire

A pass begins with the writer of its source locked out for an instant: from then on whoever writes a tick of those days
notes the day, so that none is missed in whatever order pages are committed. It may be killed at any instant.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kasparro.ingest import history
from kasparro.ingest.looks import survived
from kasparro.log import logger
from kasparro.metrics import Metrics
from kasparro.store import candles
from kasparro.store.pool import Connection, Pool

_LOOK = 60.0  # seconds
_SETTLES = timedelta(hours=1)  # by then most of what was said of a day is here

log = logger("candles")


@dataclass(slots=True)
class Roller:
    """Rolls up what has changed, and what has ended."""

    pool: Pool
    metrics: Metrics
    history_days: int = history.AGES

    async def keep(self) -> None:
        """Look once a minute, for ever."""
        while True:
            await self.once()
            await asyncio.sleep(_LOOK)

    async def once(self) -> None:
        """One look. What goes wrong is logged, and the next look tries again."""
        with survived(log, put_off="candles put off", broke="rolling up broke"):
            await self.run()

    async def run(self) -> None:
        """Roll up until nothing is left to do, or another process does it."""
        async with self.pool.acquire() as conn:
            for source in await candles.sources(conn):
                while await self._step(conn, source):
                    await self._tell(conn)
            await self._tell(conn)

    async def _step(self, conn: Connection, source: str) -> bool:
        """One transaction of work; returns whether there was any."""
        async with conn.transaction():
            if not await candles.lock(conn):
                return False
            return (
                await candles.mend(conn, source)
                or await candles.advance(conn, source)
                or await candles.begin(conn, source, ended=_day(datetime.now(UTC) - _SETTLES), expiring=self._expiring)
            )

    @property
    def _expiring(self) -> datetime:
        return history.since(self.history_days)

    async def _tell(self, conn: Connection) -> None:
        for source, seconds in (await candles.behind(conn)).items():
            self.metrics.candles_behind(source, seconds)


def _day(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
