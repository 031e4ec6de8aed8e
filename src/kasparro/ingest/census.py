"""Counts for the metrics how many coins the sources agree on, and what becomes of each source's prices.

    one process, every five minutes: [ some assets -> their quotes -> verdicts -> a rest ]* -> counts, read by all

All assets together cost seconds of processor time. They are judged by the few, and rested from for many times as long
as that took: the event loop is never held, and a pass takes no more than a twentieth of a core.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import get_args

from kasparro.consensus import Quote, Refusal, Status, consensus
from kasparro.ingest.looks import survived
from kasparro.log import logger
from kasparro.metrics import Metrics
from kasparro.store import census
from kasparro.store.pool import Connection, Pool
from kasparro.store.quotes import quotes

_EVERY = 300.0  # seconds from one count to the next, by whatever process
_LOOK = 60.0  # seconds between looks at what was counted
_SLICE = 50  # assets judged before others get their turn: a few milliseconds
_RESTS = 19  # how often a rest holds the work before it
_VERDICTS = ("kept", *get_args(Refusal))

log = logger("census")


@dataclass(slots=True)
class Tally:
    """What was counted so far. What there is none of is counted, too: a gauge has to fall back to 0."""

    assets: dict[str, int] = field(default_factory=lambda: dict.fromkeys(get_args(Status), 0))
    quotes: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, told: Iterable[Quote], now: datetime) -> None:
        """Judge one asset."""
        found = consensus(told, now)
        self.assets[found.status] += 1
        for verdict in found.verdicts:
            of_source = self.quotes.setdefault(verdict.quote.source, dict.fromkeys(_VERDICTS, 0))
            of_source[verdict.refusal or "kept"] += 1


async def keep_counting(pool: Pool, metrics: Metrics) -> None:
    """Count and show for ever."""
    while True:
        with survived(log, put_off="prices not counted", broke="counting prices broke"):
            await once(pool, metrics)
        await asyncio.sleep(_LOOK)


async def once(pool: Pool, metrics: Metrics) -> None:
    """Count, if it is our turn, and show what was counted last."""
    async with pool.acquire() as conn:
        is_ours = await census.claim(conn, _EVERY)
    if is_ours:
        await _count(pool)
    async with pool.acquire() as conn:
        if counts := await census.read(conn):
            metrics.prices_counted(counts["assets"], counts["quotes"], counts["ambiguous"])


async def _count(pool: Pool) -> None:
    tally, after = Tally(), ""
    while True:
        started = time.monotonic()
        async with pool.acquire() as conn:
            if not (some := await census.assets(conn, after, _SLICE)):
                break
            await _judge(conn, some, tally)
        after = some[-1]
        await asyncio.sleep((time.monotonic() - started) * _RESTS)
    async with pool.acquire() as conn:
        counts: census.Counts = {
            "assets": tally.assets,
            "quotes": tally.quotes,
            "ambiguous": await census.ambiguous(conn),
        }
        await census.keep(conn, counts)


async def _judge(conn: Connection, some: list[str], tally: Tally) -> None:
    told, now = await quotes(conn, some, {}), datetime.now(UTC)
    for each in told.values():
        tally.add(each, now)
