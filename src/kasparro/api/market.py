"""Where rows are read in quantity: on a standby that has all that this process has told of, else on the primary.

A standby follows the primary, and may be behind. What it has is asked on the very connection that then serves: a
server never goes back, so that no row is older than the version which clients are told.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic

from kasparro import log
from kasparro.api.versions import Versions
from kasparro.errors import DatabaseAway
from kasparro.metrics import Metrics
from kasparro.store import versions
from kasparro.store.pool import Connection, Pools
from kasparro.store.reading import PATIENCE, reading

_AGAIN = 5.0  # seconds for which a standby that is away is let alone
_KNOWING = 1.0  # seconds in which it has to say what it has

_log = log.logger("api")


class Market:
    """Connections for rows in quantity."""

    def __init__(self, pools: Pools, heard: Versions, metrics: Metrics) -> None:
        self._primary, self._standby = pools.market, pools.standby
        self._versions = heard
        self._metrics = metrics
        self._let_alone_until = float("-inf")
        self._was_away = False

    @asynccontextmanager
    async def reading(self, patience: float = PATIENCE, *, held: float | None = None) -> AsyncIterator[Connection]:
        """As `store.reading.reading`: a connection whose rows are not older than the version that is told."""
        async with AsyncExitStack() as stack:
            conn = await self._on_standby(stack, patience, held)
            if conn is None:
                conn = await stack.enter_async_context(reading(self._primary, patience, held=held))
            yield conn

    async def _on_standby(self, stack: AsyncExitStack, patience: float, held: float | None) -> Connection | None:
        """A connection to the standby, given back by `stack`; None where the primary has to help out."""
        if (pool := self._standby) is None:
            return None
        if monotonic() < self._let_alone_until:
            self._metrics.market_read("away")
            return None
        if self._was_away:
            self._let_alone_until = monotonic() + _AGAIN  # one tries it; the others do not wait for what comes of that
        try:
            async with AsyncExitStack() as trial:
                conn = await trial.enter_async_context(reading(pool, patience, held=held))
                async with asyncio.timeout(_KNOWING):
                    is_behind = self._versions.is_ahead_of(await versions.current(conn))
                self._metrics.market_read("behind" if is_behind else "standby")
                self._answers()
                if is_behind:
                    return None
                await stack.enter_async_context(trial.pop_all())
                return conn
        except DatabaseAway as away:
            if pool.get_size() == pool.get_max_size():  # busy: the primary is not to drown too
                raise
            self._metrics.market_read("away")
            self._let_alone(away)
            return None

    def _let_alone(self, away: DatabaseAway) -> None:
        self._let_alone_until = monotonic() + _AGAIN
        if not self._was_away:
            _log.warning("the standby is away: the primary is read", reason=away.reason)
        self._was_away = True

    def _answers(self) -> None:
        if self._was_away:
            _log.info("the standby is back")
        self._was_away, self._let_alone_until = False, float("-inf")
