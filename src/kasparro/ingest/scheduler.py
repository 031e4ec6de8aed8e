"""When sources run: all at once at the start, then each at its own interval, none waiting for another."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass

from kasparro.errors import Busy, PlanLimit, Transient, Unauthorized
from kasparro.ingest.pipeline import Pipeline, Summary
from kasparro.log import logger
from kasparro.metrics import Metrics
from kasparro.store import runs, states
from kasparro.store.pool import ERRORS, Pool, explain
from kasparro.store.states import Wait

PARKED = 3600.0  # seconds between looks at a key or a plan that has to be mended by a person
_FIRST_RETRY = 30.0  # seconds after a first failure; doubled with each, up to the interval
_DATABASE_RETRY = 5.0  # seconds between looks for a database that is away
_JITTER = 0.05  # share of the interval: services started together drift apart

log = logger("scheduler")


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
        while True:  # noqa: ASYNC110 - a schedule, not a poll
            await asyncio.sleep(await self.cycle())

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

    async def cycle(self) -> float:
        """One run; returns the seconds until the next."""
        started = time.monotonic()
        try:
            wait = self.wait_after(await self.pipeline.run("schedule"), time.monotonic() - started)
            async with self.pool.acquire() as conn:
                await states.schedule(conn, self.source, wait)
        except Busy as busy:
            log.info("not run: it is running elsewhere", source=self.source, owner=busy.owner, run_id=busy.run_id)
            return self.interval
        except ERRORS as error:
            log.warning("database is away", source=self.source, reason=explain(error), seconds=_DATABASE_RETRY)
            return _DATABASE_RETRY
        except Exception:  # the one place that keeps a source alive whatever happens
            log.exception("run broke", source=self.source)
            return self.interval
        return wait.seconds

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
            case error:
                return Wait(self._retry(), reason=error.reason)

    def _retry(self) -> float:
        return min(self.interval, _FIRST_RETRY * 2.0 ** (self.failures - 1))
