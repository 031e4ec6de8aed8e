"""What happens in ingestion, told to all who follow it.

While somebody follows, one task of the process looks into the database: when it is woken, which is when PostgreSQL
notifies the process, and every few seconds in any case. What it finds changed goes into the queue of each follower;
nobody waits for the slowest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import orjson

from kasparro import log
from kasparro.api.follower import Event, Follower, run_event
from kasparro.errors import DatabaseAway
from kasparro.store import events, reports, versions
from kasparro.store.pool import Connection, Pool
from kasparro.store.reading import reading

OVERLAP = timedelta(seconds=10)
"""A run is told by the time at which it ended, and can be seen when that is committed, a little later."""
REPLAYED = 1000
"""Runs that are told again at most."""
_AT_ONCE = 100  # runs that end between two looks, at most
_MOST = 1000  # followers
EACH = 100
"""Followers of one client."""
_PAUSE = 0.2  # seconds after a look: many notices are one
_PATIENCE = 10.0  # seconds

_log = log.logger("api")


class Feed:
    """Looks for what has changed, for all followers at once."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._followers: set[Follower] = set()
        self._is_woken = asyncio.Event()
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

    def followers(self, client: str) -> int:
        """How many of them are this client's."""
        return sum(follower.client == client for follower in self._followers)

    @contextmanager
    def joined(self, follower: Follower) -> Iterator[None]:
        """Meanwhile the follower is told of everything, beginning with how things are now."""
        for event in self._known.values():
            follower.offer(event)
        self._followers.add(follower)
        self.wake()
        try:
            yield
        finally:
            self._followers.discard(follower)

    def wake(self) -> None:
        """Something may have changed."""
        self._is_woken.set()

    def publish(self, event: Event) -> None:
        """Tell all."""
        for follower in self._followers:
            follower.offer(event)

    def end(self) -> None:
        """Let all go: their answers end in order, and they come again, perhaps to another process."""
        self._is_ending = True
        for follower in self._followers:
            follower.end()

    async def keep(self) -> None:
        """Looks for whoever follows, for ever."""
        while True:
            await self._is_woken.wait()
            self._is_woken.clear()
            if self._followers:
                await self._look_if_possible()
                await asyncio.sleep(_PAUSE)
            else:
                self._forget()

    async def _look_if_possible(self) -> None:
        try:
            async with reading(self._pool, _PATIENCE) as conn:
                await self._look(conn)
        except DatabaseAway as away:
            if self._tell("database", None, {"status": "unreachable", "reason": away.reason}):
                _log.warning("events are not heard", reason=away.reason)
        except Exception:  # the one place that keeps the feed alive whatever happens
            _log.exception("the feed broke")

    async def _look(self, conn: Connection) -> None:
        self._tell("database", None, {"status": "connected", "reason": None})
        for source, health in orjson.loads(await reports.health(conn)).items():
            self._tell("source", source, {"source": source, **health})
        for source, version, _ in await versions.current(conn):
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
