"""Puts new and renamed listings into assets: after a run, beside ingestion, by one process at a time.

    lock -> what is new? -> the catalogue -> rules, in a thread -> assets, places and events, one transaction

It may be killed at any instant: nothing is written before the commit, and what is not written is new the next time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from kasparro.identity.changes import Changes, changes
from kasparro.identity.listing import Key
from kasparro.identity.resolve import resolved
from kasparro.ingest.looks import survived
from kasparro.log import logger
from kasparro.metrics import Metrics
from kasparro.store import assets
from kasparro.store.pool import Connection, Pool

_EVERYTHING = 3600.0  # seconds: figures that were unknown when a listing came may be known by then
_RETRY = 60.0  # seconds between looks when nothing wakes us: another process may have run a source

log = logger("assets")


@dataclass(slots=True)
class Resolver:
    """Looks at what is new when it is woken, and at everything once an hour."""

    pool: Pool
    metrics: Metrics
    everything_at: float = 0.0
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """There may be new listings."""
        self._woken.set()

    def wake_for_everything(self) -> None:
        """There is new evidence about listings that are known."""
        self.everything_at = 0.0
        self.wake()

    async def keep(self) -> None:
        """Resolve for ever."""
        while True:
            await self.once()
            with suppress(TimeoutError):
                async with asyncio.timeout(_RETRY):
                    await self._woken.wait()
            self._woken.clear()

    async def once(self) -> None:
        """One look. What goes wrong is logged: ingestion goes on, and so does the next look."""
        with survived(log, put_off="assets not resolved", broke="resolving broke"):
            async with self.pool.acquire() as conn:
                is_due = time.monotonic() >= self.everything_at
                made = await resolve(conn, everything=is_due)
                self.metrics.assets_known(*await assets.count(conn))
            if is_due:
                self.everything_at = time.monotonic() + _EVERYTHING
            _report(made)


async def resolve(conn: Connection, *, everything: bool = False) -> Changes:
    """Put what is new where it belongs, or look at everything again; returns what was written."""
    async with conn.transaction():
        await assets.lock(conn)
        waiting = await assets.waiting(conn)
        if not waiting and not everything:
            return Changes()
        rows, ids = await assets.catalogue(conn), await assets.ids(conn)
        made = await asyncio.to_thread(_decided, rows, ids, None if everything else waiting)
        await assets.save(conn, made, "rules")
    return made


def _decided(rows: Sequence[Any], ids: set[str], wanted: list[Key] | None) -> Changes:
    """The rules at work on rows of the catalogue; what stands alone in doubt is looked at whenever anything is new."""
    listings = {each.key: each for each in map(assets.listing, rows)}
    doubtful = [each.key for each in listings.values() if each.standing and each.standing.is_ambiguous]
    return changes(listings, resolved(listings.values(), [*wanted, *doubtful] if wanted else list(listings)), ids)


def _report(made: Changes) -> None:
    kinds = [event.kind for event in made.events]
    if made.places or kinds:
        counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
        log.info("assets resolved", listings=len(made.places), new_assets=len(made.new_assets), **counts)
