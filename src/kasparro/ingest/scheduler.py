"""When sources run: all at once at the start, then each at its own interval, none waiting for another."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from kasparro.errors import Busy, PlanLimit, QuotaSpent, SourceError, Transient, Unauthorized
from kasparro.ingest import quota
from kasparro.ingest.pipeline import Pipeline, Summary
from kasparro.ingest.quota import PARKED, Pace
from kasparro.log import logger
from kasparro.metrics import Metrics
from kasparro.store import quotas, runs, states
from kasparro.store.pool import AWAY, ERRORS, Connection, Pool, explain
from kasparro.store.states import Wait

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
    status: Literal["busy", "waiting", "parked", "failed"]
    error: str
    run_id: int | None = None


@dataclass(slots=True)
class Schedule:
    """The endless schedule of one source: at its interval, or at the slower pace that its credits allow."""

    pipeline: Pipeline
    pool: Pool
    metrics: Metrics
    interval: float
    failures: int = 0
    pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self.pace = Pace(self.interval)

    @property
    def source(self) -> str:
        return self.pipeline.reader.name

    async def keep(self) -> None:
        """Run the source for ever."""
        self.metrics.source_scheduled(self.source, self.interval)
        await self.plan()
        if wait := await self.left_over():
            await self._schedule(wait)
            await asyncio.sleep(wait.seconds)
        while True:
            await asyncio.sleep(await self.cycle())
            while (left := await self.run_by_another()) > _SLACK:  # noqa: ASYNC110 - a schedule, not a poll
                await asyncio.sleep(left)

    async def left_over(self) -> Wait | None:
        """What was to be waited for before we started: a restart is no way around a Retry-After or a refused key."""
        try:
            async with self.pool.acquire() as conn:
                self.metrics.last_success(self.source, await runs.last_success(conn, self.source) or 0)
                return await self._held(conn) or self._out_of_credits()
        except ERRORS as error:
            log.warning("database is away", source=self.source, reason=explain(error))
            return Wait(_DATABASE_RETRY)

    async def _held(self, conn: Connection) -> Wait | None:
        account = self.pipeline.reader.account
        held = account and await quotas.held(conn, account)
        return held and Wait(held.seconds, held.parked, binding=not held.parked, reason=held.reason)

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
            summary = await self.pipeline.run("schedule")
            await self.plan()
            wait = self.wait_after(summary, time.monotonic() - started)
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
        """One run, because somebody asks for it. A wait that an answer asked for is kept, and a new one noted."""
        try:
            async with self.pool.acquire() as conn:
                held = await self._held(conn)
            if held:
                status: Literal["parked", "waiting"] = "parked" if held.parked else "waiting"
                return NotRun(self.source, status, f"{held.reason}; not asked again for {held.seconds:.0f} s")
            summary = await self.pipeline.run("manual")
        except Busy as busy:
            return NotRun(self.source, "busy", str(busy), busy.run_id)
        except Exception as error:  # one source that breaks stops no other
            log.exception("run broke", source=self.source)
            return NotRun(self.source, "failed", f"the run broke ({type(error).__name__}); the log tells more")
        await self.plan()
        if (wait := self.wait_after(summary, 0.0)).binding or wait.parked:
            await self._schedule(wait)
        return summary

    async def plan(self) -> None:
        """Set the pace by what is left of the month's credits; the last pace is kept while that cannot be known."""
        account, before = self.pipeline.reader.account, self.pace
        if account is None:
            return
        try:
            async with self.pool.acquire() as conn:
                self.pace = await quota.plan(conn, account, self.interval, self.metrics)
        except ERRORS as error:
            log.warning("pace not set", source=self.source, reason=explain(error))
        if (self.pace.interval > self.interval) != (before.interval > self.interval):
            log.info("pace changed", source=self.source, seconds=round(self.pace.interval), reason=self.pace.spent)

    async def _schedule(self, wait: Wait) -> None:
        """Tell others when the source runs next; we keep to it even if they cannot be told."""
        try:
            async with self.pool.acquire() as conn:
                await states.schedule(conn, self.source, wait)
        except ERRORS as error:
            log.warning("schedule not written", source=self.source, reason=explain(error))

    def wait_after(self, summary: Summary, elapsed: float) -> Wait:
        self.failures = self.failures + 1 if summary.error else 0
        rest = max(1.0, self.pace.interval * random.uniform(1, 1 + _JITTER) - elapsed)  # noqa: S311 - jitter
        match summary.error:
            case Unauthorized() | PlanLimit() as error:
                return Wait(max(PARKED, self.interval), parked=True, reason=error.reason)
            case QuotaSpent(resets_in=seconds) as error:
                return Wait(seconds, parked=True, reason=error.reason)
            case _ if wait := self._out_of_credits():
                return wait
            case None:
                return Wait(rest)
            case Transient(retry_after=float() as asked) as error:
                return Wait(max(asked, self._retry()), binding=True, reason=error.reason)
            case SourceError() as error:
                return Wait(self._retry(), reason=error.reason)
            case _:
                return Wait(self._retry())

    def _out_of_credits(self) -> Wait | None:
        """The wait for the next month, where this one's credits pay for no cycle."""
        return Wait(self.pace.interval, parked=True, reason=self.pace.spent) if self.pace.spent else None

    def _retry(self) -> float:
        return min(self.pace.interval, _FIRST_RETRY * 2.0 ** min(self.failures - 1, 20))
