"""When sources run: each at its own ticks, none waiting for another.

A tick is a moment in the database, and only the database's clock says whether it has come. Every process on it looks
when it is due, and a second later at the latest: so a request, a wait that was cut short, and a run whose process died
need no signal. Ticks that nobody ran, for whatever reason, are one tick when somebody looks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from kasparro.errors import Busy, NotDue
from kasparro.ingest import quota
from kasparro.ingest.pipeline import Pipeline, Summary
from kasparro.ingest.quota import Pace
from kasparro.ingest.waits import FIRST_RETRY, Course, out_of_credits
from kasparro.log import logger
from kasparro.metrics import Metrics
from kasparro.store import quotas, runs, states
from kasparro.store.pool import AWAY, ERRORS, Connection, Pool, explain
from kasparro.store.quotas import Hold
from kasparro.store.states import Due, Wait

POLL = 1.0  # seconds between looks at the database, at most

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
    """The endless schedule of one source: at its interval, or at the slower pace that its credits allow.

    `after` is told of the end of every run.
    """

    pipeline: Pipeline
    pool: Pool
    metrics: Metrics
    interval: float
    poll: float = POLL
    after: Callable[[], None] = lambda: None
    is_away: bool = False
    pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self.pace = Pace(self.interval)
        self.pipeline.follow = self._follow

    @property
    def source(self) -> str:
        return self.pipeline.reader.name

    async def declare(self, conn: Connection) -> None:
        """This process runs the source from now on; what an earlier answer or the credits forbid is waited for."""
        self.metrics.source_scheduled(self.source, self.interval)
        self.metrics.last_success(self.source, await runs.last_success(conn, self.source) or 0)
        async with conn.transaction():
            await self._plan(conn)
            scope = self.pipeline.reader.scope
            await states.declare(conn, self.source, self.interval, pace=self.pace.interval, scope=scope)
            if held := await self._held(conn):
                await states.settle(conn, self.source, Wait(held.seconds, held.parked, held.reason, failures=1))
            elif spent := out_of_credits(self.pace):
                await states.settle(conn, self.source, spent)

    async def keep(self) -> None:
        """Run the source for ever."""
        while True:  # noqa: ASYNC110 - a schedule
            await asyncio.sleep(await self.turn())

    async def turn(self) -> float:
        """Run the source if it is due; returns for how many seconds there is nothing to do."""
        try:
            seconds = await self.due_in()
            if seconds == 0:
                await self.pipeline.run("schedule")
                self.after()
        except (Busy, NotDue):  # another process was faster
            return self.poll
        except AWAY as error:
            self._tell_away(explain(error))
            return self.poll
        except Exception:  # the one place that keeps a source alive whatever happens
            log.exception("run broke", source=self.source)
            return min(self.interval, FIRST_RETRY)
        return self.poll if seconds is None else min(seconds, self.poll)

    async def due_in(self) -> float | None:
        """In how many seconds the source is to be run; None while somebody runs it."""
        async with self.pool.acquire() as conn:
            seconds = await states.due_in(conn, self.source)
        if self.is_away:
            log.info("database is back", source=self.source)
        self.is_away = False
        return seconds

    async def once(self) -> Summary | NotRun:
        """One run, because somebody asks for it here and now. A wait that an answer asked for is kept."""
        try:
            async with self.pool.acquire() as conn:
                held = await self._held(conn)
            if held:
                status: Literal["parked", "waiting"] = "parked" if held.parked else "waiting"
                return NotRun(self.source, status, f"{held.reason}; not asked again for {held.seconds:.0f} s")
            return await self.pipeline.run("manual")
        except Busy as busy:
            return NotRun(self.source, "busy", str(busy), busy.run_id)
        except ERRORS as error:
            return NotRun(self.source, "failed", f"the database: {explain(error)}")
        except Exception as error:  # one source that breaks stops no other
            log.exception("run broke", source=self.source)
            return NotRun(self.source, "failed", f"the run broke ({type(error).__name__}); the log tells more")

    async def _follow(self, conn: Connection, due: Due, error: BaseException | None) -> None:
        """Decide when the source runs next, after a run that ended with `error`."""
        await self._plan(conn)
        if (wait := Course(due, self.interval, self.pace).after(error)) is not None:
            await states.settle(conn, self.source, wait)

    async def _plan(self, conn: Connection) -> None:
        """Set the pace by what is left of the month's credits."""
        account, before = self.pipeline.reader.account, self.pace
        if account is None:
            return
        self.pace = await quota.plan(conn, account, self.interval, self.metrics)
        if (self.pace.interval > self.interval) != (before.interval > self.interval):
            log.info("pace changed", source=self.source, seconds=round(self.pace.interval), reason=self.pace.spent)

    async def _held(self, conn: Connection) -> Hold | None:
        """What is left of a pause that an answer asked for; another key or plan is not bound by it."""
        account = self.pipeline.reader.account
        return account and await quotas.held(conn, account)

    def _tell_away(self, reason: str) -> None:
        """Once for each time, not at every look."""
        if not self.is_away:
            log.warning("database is away", source=self.source, reason=reason)
        self.is_away = True
