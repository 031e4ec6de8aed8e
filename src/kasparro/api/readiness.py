"""Whether this process should be sent requests."""

from __future__ import annotations

import asyncio
from time import monotonic

from kasparro.errors import DatabaseAway
from kasparro.store import migrations
from kasparro.store.pool import Pool
from kasparro.store.reading import reading

_FRESH = 1.0  # seconds for which an answer is kept, however many ask
_PATIENCE = 2.0  # seconds for each server


class Readiness:
    """Ready: not stopping, and a server answers that is migrated. Found out once for all who ask together.

    `pools` lead to the primary, and to the standby: where that can be read, requests are worth sending.
    """

    def __init__(self, *pools: Pool) -> None:
        self.is_draining = False
        self._pools = pools
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
        """What hinders the first server that answers; where none does, why the primary does not."""
        reasons = []
        for pool in self._pools:
            try:
                async with reading(pool, _PATIENCE) as conn:
                    waiting = await migrations.pending(conn)
                return f"migrations are pending: {', '.join(waiting)}" if waiting else None
            except DatabaseAway as away:
                reasons.append(away.reason)
        return f"the database is away: {reasons[0]}"
