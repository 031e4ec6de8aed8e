"""What the service holds: memory, files, tasks and connections, by its own /metrics and by PostgreSQL's word."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from statistics import linear_regression
from time import monotonic
from typing import NamedTuple

import aiohttp
import asyncpg

_ENDS = 0.1  # seconds for which a session may outlive its connection
_USED = 'kasparro_db_pool_connections{pool="%s",state="used"}'
_LINE = re.compile(r"^(\w+(?:\{.*\})?) (\S+)$", re.MULTILINE)
_LAG = re.compile(r'kasparro_event_loop_lag_seconds_bucket\{le="(.+)"\}')
_SESSIONS = """
SELECT count(*), count(*) FILTER (WHERE xact_start < now() - interval '5 seconds')
FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'kasparro'
"""


class Sample(NamedTuple):
    """What is held at a time. Connections of the pools are kept, so `files` are those beside them."""

    at: float
    memory: float  # MiB
    files: int
    tasks: int
    taken: int  # connections of the API's pools in somebody's hands
    followers: int
    open: int  # transactions that are older than five seconds

    def over(self, other: Sample) -> dict[str, int]:
        """What it holds more than the other."""
        names = ("files", "tasks", "taken", "followers", "open")
        more = {name: getattr(self, name) - getattr(other, name) for name in names}
        return {name: count for name, count in more.items() if count > 0}


class Gauges:
    """Reads the figures of one service."""

    def __init__(self, url: str, http: aiohttp.ClientSession, conn: asyncpg.Connection) -> None:
        self._url, self._http, self._conn = url, http, conn

    async def metrics(self) -> dict[str, float]:
        """Every series of /metrics."""
        async with self._http.get(f"{self._url}/metrics") as answer:
            return {name: float(value) for name, value in _LINE.findall(await answer.text())}

    async def sessions(self) -> tuple[int, int]:
        """Connections of the service to the database, and how many of them are in an old transaction."""
        (row,) = await self._conn.fetch(_SESSIONS)
        return row[0], row[1]

    async def sample(self) -> Sample:
        """A moment in which no connection to the database came or went: else it would count as a file, or hide one."""
        while True:
            (before, _), found = await self.sessions(), await self.metrics()
            await asyncio.sleep(_ENDS)
            sessions, is_open = await self.sessions()
            if before == sessions:
                return _sample(found, sessions, is_open)

    async def least(self, seconds: float) -> Sample:
        """The least that it holds twice within this time: between two runs, when nobody else asks.

        Once may be a session that outlives its connection for longer, and so hides a file.
        """
        samples = []
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    samples.append(await self.sample())
                    await asyncio.sleep(0.1)
        return Sample(*(sorted(figures)[1] for figures in zip(*samples, strict=True)))

    async def rest(self, before: Sample, seconds: float) -> Sample:
        """A moment at which it holds no more than before, or the last one that there is time for."""
        end = monotonic() + seconds
        while (found := await self.sample()).over(before) and monotonic() < end:
            await asyncio.sleep(0.1)
        return found


def _sample(found: Mapping[str, float], sessions: int, is_open: int) -> Sample:
    return Sample(
        at=monotonic(),
        memory=found["process_resident_memory_bytes"] / 2**20,
        files=int(found["process_open_fds"]) - sessions,
        tasks=int(found["kasparro_asyncio_tasks"]),
        taken=int(sum(found[_USED % pool] for pool in ("market", "desk", "watch"))),
        followers=int(found["kasparro_event_followers"]),
        open=is_open,
    )


def growth(samples: Sequence[Sample]) -> float:
    """MiB that its memory grows in the time of these samples, by the straight line that fits them best."""
    if len(samples) < 2:
        return 0.0
    times = [sample.at for sample in samples]
    slope, _ = linear_regression(times, [sample.memory for sample in samples])
    return slope * (times[-1] - times[0])


def late(before: Mapping[str, float], after: Mapping[str, float], share: float) -> float:
    """Seconds within which the event loop came back in this share of all looks, as the histogram of /metrics has it."""
    buckets = [(float(found[1]), after[name] - before.get(name, 0)) for name in after if (found := _LAG.match(name))]
    return next(bound for bound, below in sorted(buckets) if below >= share * max(count for _, count in buckets))
