"""Whether this process should be sent requests."""

from __future__ import annotations

import asyncio
from time import monotonic

from kasparro.errors import DatabaseAway
from kasparro.store import migrations
from kasparro.store.pool import Pool
from kasparro.store.reading import reading

_FRESH = 1.0  # seconds for which an answer is kept, however many ask
_PATIENCE = 3.0


class Readiness:
    """Ready: not stopping, the database answers and is migrated. Found out once for all who ask together."""

    def __init__(self, pool: Pool) -> None:
        self.is_draining = False
        self._pool = pool
        self._asking = asyncio.Lock()
        self._asked_at = float("-inf")
        self._reason: str | None = None

    async def obstacle(self) -> str | None:
        """Why no request should be sent here; None when all is well."""
        if self.is_draining:
            return "the service is stopping"
        async with self._asking:
            if monotonic() - self._asked_at > _FRESH:
                self._reason = await self._ask()
                self._asked_at = monotonic()
        return self._reason

    async def _ask(self) -> str | None:
        try:
            async with reading(self._pool, _PATIENCE) as conn:
                waiting = await migrations.pending(conn)
        except DatabaseAway as away:
            return f"the database is away: {away.reason}"
        return f"migrations are pending: {', '.join(waiting)}" if waiting else None
