"""How the sources stand: asked of the database once for all who ask together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson

from kasparro.store import reports
from kasparro.store.pool import Pool
from kasparro.store.reading import reading

_PATIENCE = 3.0  # seconds; whoever watches our health seldom waits longer than five


class Standing:
    """`last` is how each source stood when the database last answered, as `schemas.SourceHealth` by name."""

    def __init__(self, pool: Pool) -> None:
        self.last: Mapping[str, Any] = {}
        self._pool = pool
        self._asking: asyncio.Task[Mapping[str, Any]] | None = None

    async def now(self) -> Mapping[str, Any]:
        """How each source stands; raises DatabaseAway."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
            self._asking.add_done_callback(self._answered)
        return await asyncio.shield(self._asking)

    def _answered(self, task: asyncio.Task[Mapping[str, Any]]) -> None:
        self._asking = None
        if not task.cancelled():
            task.exception()  # whoever asked may be gone

    async def _ask(self) -> Mapping[str, Any]:
        async with reading(self._pool, _PATIENCE) as conn:
            self.last = orjson.loads(await reports.health(conn))
        return self.last
