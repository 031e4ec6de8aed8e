"""What happens in ingestion, told to all who follow it.

While somebody follows, one task of the process looks into the database: when PostgreSQL notifies it, and every few
seconds in any case. What it finds changed goes into the queue of each follower; nobody waits for the slowest.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import orjson
from aiohttp import web

from kasparro import log
from kasparro.api.follower import Event, Follower, run_event
from kasparro.store import events, reports
from kasparro.store.pool import AWAY, Connection, Pool, explain

OVERLAP = timedelta(seconds=10)
"""A run is told by the time at which it ended, and can be seen when that is committed, a little later."""
REPLAYED = 1000
"""Runs that are told again at most."""
_AT_ONCE = 100  # runs that end between two looks, at most
_MOST = 1000  # followers
_EVERY = 5.0  # seconds between looks when nothing is announced
_PAUSE = 0.2  # seconds after a look: many announcements are one
_AGAIN = 1.0  # seconds before a lost connection is sought again
_PATIENCE = 10.0

_log = log.logger("api")


class Feed:
    """Looks for what has changed, for all followers at once."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._followers: set[Follower] = set()
        self._is_wanted = asyncio.Event()
        self._heard = asyncio.Event()
        self._is_ending = False
        self._forget()

    def _forget(self) -> None:
        self._known: dict[tuple[str, str | None], Event] = {}
        self._since: datetime | None = None
        self._told: set[int] = set()

    @property
    def size(self) -> int:
        """How many follow."""
        return len(self._followers)

    @property
    def obstacle(self) -> str | None:
        """Why nobody may join now."""
        if self._is_ending:
            return "the service is stopping"
        return f"{_MOST} clients follow already" if self.size >= _MOST else None

    @contextmanager
    def joined(self, follower: Follower) -> Iterator[None]:
        """Meanwhile the follower is told of everything, beginning with how things are now."""
        for event in self._known.values():
            follower.offer(event)
        self._followers.add(follower)
        self._is_wanted.set()
        self._heard.set()
        try:
            yield
        finally:
            self._followers.discard(follower)

    def publish(self, event: Event) -> None:
        """Tell all."""
        for follower in self._followers:
            follower.offer(event)

    def end(self) -> None:
        """Let all go: their answers end in order, and they come again, perhaps to another process."""
        self._is_ending = True
        for follower in self._followers:
            follower.end()

    async def keep(self, _: web.Application) -> AsyncIterator[None]:
        """Looks as long as the application runs: a cleanup context."""
        task = asyncio.create_task(self._follow())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _follow(self) -> None:
        while True:
            await self._is_wanted.wait()
            try:
                async with events.listening(self._pool, self._heard.set) as conn:
                    await self._look_on(conn)
            except AWAY as error:
                reason = explain(error)
                if self._tell("database", None, {"status": "unreachable", "reason": reason}):
                    _log.warning("events are not heard", reason=reason)
                await asyncio.sleep(_AGAIN)
            except Exception:  # the one place that keeps the feed alive whatever happens
                _log.exception("the feed broke")
                await asyncio.sleep(_AGAIN)

    async def _look_on(self, conn: Connection) -> None:
        """Until nobody follows any more."""
        while self._followers:
            self._heard.clear()
            async with asyncio.timeout(_PATIENCE):
                await self._look(conn)
            await asyncio.sleep(_PAUSE)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._heard.wait(), _EVERY)
        self._is_wanted.clear()
        self._forget()

    async def _look(self, conn: Connection) -> None:
        self._tell("database", None, {"status": "connected", "reason": None})
        for source, health in orjson.loads(await reports.health(conn)).items():
            self._tell("source", source, {"source": source, **health})
        for source, version in (await events.versions(conn)).items():
            self._tell("data", source, {"source": source, "version": version})
        self._since = self._since or await events.clock(conn)
        ended = await events.runs(conn, self._since - OVERLAP, limit=_AT_ONCE)
        for run in ended:
            if run.run_id not in self._told:
                self.publish(run_event(run))
        self._told = {run.run_id for run in ended}
        self._since = max([self._since, *(run.finished_at for run in ended)])

    def _tell(self, kind: str, source: str | None, what: dict[str, Any]) -> bool:
        """Tells how something is, if it was not so before; returns whether."""
        event = Event(kind, source, orjson.dumps(what))
        is_new = self._known.get((kind, source)) != event
        if is_new:
            self._known[kind, source] = event
            self.publish(event)
        return is_new
