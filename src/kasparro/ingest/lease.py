"""Keeps a source for the time of a run, with a heartbeat for the stretches in which no page commits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from kasparro.errors import FenceLost
from kasparro.log import logger
from kasparro.store import leases
from kasparro.store.pool import ERRORS, Connection, Pool, explain

log = logger("lease")


@asynccontextmanager
async def hold(conn: Connection, pool: Pool, source: str, fence: int) -> AsyncIterator[None]:
    """Renew a lease that the session of `conn` has taken, beside it, and give it back at the end."""
    heartbeat = asyncio.create_task(_beat(pool, source, fence))
    try:
        yield
    finally:
        heartbeat.cancel()
        await asyncio.gather(heartbeat, return_exceptions=True)
        with suppress(*ERRORS):  # a lease that cannot be given back runs out
            await leases.release(conn, source, fence)


@asynccontextmanager
async def taken(conn: Connection, pool: Pool, source: str, owner: str) -> AsyncIterator[int]:
    """Take a source for what is no run, and keep it; answers the fence. Raises Busy when another has it."""
    fence = await leases.acquire(conn, source, owner)
    async with hold(conn, pool, source, fence):
        yield fence


async def _beat(pool: Pool, source: str, fence: int) -> None:
    """Renew until cancelled. A lost fence is for the next page to notice, which must not commit."""
    while True:
        await asyncio.sleep(leases.TTL / 3)
        try:
            async with pool.acquire() as conn:
                await leases.renew(conn, source, fence)
        except FenceLost:
            return
        except ERRORS as error:
            log.warning("lease not renewed", source=source, reason=explain(error))
