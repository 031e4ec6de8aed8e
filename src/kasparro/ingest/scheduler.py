"""When sources run: all at once at the start, then each at its own interval, none waiting for another."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from kasparro.errors import Busy, PlanLimit, SourceError, Transient, Unauthorized
from kasparro.ingest.pipeline import Pipeline, Summary
from kasparro.log import logger
from kasparro.metrics import Metrics
from kasparro.store import runs, states
from kasparro.store.pool import AWAY, ERRORS, Pool, explain
from kasparro.store.states import Wait

PARKED = 3600.0  # seconds between looks at a key or a plan that has to be mended by a person
_FIRST_RETRY = 30.0  # seconds after a first failure; doubled with each, up to the interval
_DATABASE_RETRY = 5.0  # seconds between looks for a database that is away
_BUSY_RETRY = 5.0  # seconds between looks for the end of a run elsewhere
_SLACK = 1.0  # seconds: our clock and the database's are not one
_JITTER = 0.05  # share of the interval: services started together drift apart

log = logger("scheduler")


@dataclass(frozen=True, slots=True)
class NotRun:
    """Why a run that somebody asked for did not take place."""

    source: str
    status: Literal["busy", "waiting", "failed"]
    error: str
    run_id: int | None = None


@dataclass(slots=True)
class Schedule:
    """The endless schedule of one source."""

    pipeline: Pipeline
    pool: Pool
    metrics: Metrics
    interval: float
    failures: int = 0

    @property
    def source(self) -> str:
        return self.pipeline.reader.name

    async def keep(self) -> None:
        """Run the source for ever."""
        self.metrics.source_scheduled(self.source, self.interval)
        await asyncio.sleep(await self.left_over())
        while True:
            await asyncio.sleep(await self.cycle())
            while (left := await self.run_by_another()) > _SLACK:  # noqa: ASYNC110 - a schedule, not a poll
                await asyncio.sleep(left)

    async def left_over(self) -> float:
        """Seconds that an earlier process was told to wait: a restart is no way around a Retry-After."""
        try:
            async with self.pool.acquire() as conn:
                wait = await states.waiting(conn, self.source)
                self.metrics.last_success(self.source, await runs.last_success(conn, self.source) or 0)
        except ERRORS as error:
            log.warning("database is away", source=self.source, reason=explain(error))
            return _DATABASE_RETRY
        return wait.seconds if wait and wait.binding else 0.0

    async def run_by_another(self) -> float:
        """Seconds until the source is due, when another process on this database has run it meanwhile."""
        with suppress(*ERRORS):
            async with self.pool.acquire() as conn:
                wait = await states.waiting(conn, self.source)
            return wait.seconds if wait else 0.0
        return 0.0

    async def cycle(self) -> float:
        """One run; returns the seconds until the next."""
        started = time.monotonic()
        try:
            wait = self.wait_after(await self.pipeline.run("schedule"), time.monotonic() - started)
        except Busy as busy:
            log.info("not run: it is running elsewhere", source=self.source, owner=busy.owner, run_id=busy.run_id)
            return min(self.interval, _BUSY_RETRY)
        except AWAY as error:
            self.failures += 1
            wait = Wait(min(_DATABASE_RETRY * self.failures, _FIRST_RETRY))
            log.warning("database is away", source=self.source, reason=explain(error), seconds=wait.seconds)
        except Exception as error:  # the one place that keeps a source alive whatever happens
            self.failures += 1
            wait = Wait(self._retry(), reason=f"the run broke ({type(error).__name__}); the log tells more")
            log.exception("run broke", source=self.source)
        await self._schedule(wait)
        return wait.seconds

    async def once(self) -> Summary | NotRun:
        """One run, because somebody asks for it. A wait that the vendor asked for is kept, and a new one noted."""
        try:
            if (left := await self.left_over()) > 0:
                return NotRun(self.source, "waiting", f"the vendor asked us to wait; {left:.0f} s are left")
            summary = await self.pipeline.run("manual")
        except Busy as busy:
            return NotRun(self.source, "busy", str(busy), busy.run_id)
        except Exception as error:  # one source that breaks stops no other
            log.exception("run broke", source=self.source)
            return NotRun(self.source, "failed", f"the run broke ({type(error).__name__}); the log tells more")
        if (wait := self.wait_after(summary, 0.0)).binding:
            await self._schedule(wait)
        return summary

    async def _schedule(self, wait: Wait) -> None:
        """Tell others when the source runs next; we keep to it even if they cannot be told."""
        try:
            async with self.pool.acquire() as conn:
                await states.schedule(conn, self.source, wait)
        except ERRORS as error:
            log.warning("schedule not written", source=self.source, reason=explain(error))

    def wait_after(self, summary: Summary, elapsed: float) -> Wait:
        self.failures = self.failures + 1 if summary.error else 0
        rest = max(1.0, self.interval * random.uniform(1, 1 + _JITTER) - elapsed)  # noqa: S311 - jitter
        match summary.error:
            case None:
                return Wait(rest)
            case Unauthorized() | PlanLimit() as error:
                return Wait(max(PARKED, self.interval), parked=True, reason=error.reason)
            case Transient(retry_after=float() as asked) as error:
                return Wait(max(asked, self._retry()), binding=True, reason=error.reason)
            case SourceError() as error:
                return Wait(self._retry(), reason=error.reason)
            case _:
                return Wait(self._retry())

    def _retry(self) -> float:
        return min(self.interval, _FIRST_RETRY * 2.0 ** min(self.failures - 1, 20))
