"""Ends a run that somebody no longer wants, wherever it stands: in a page, or waiting for its vendor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from kasparro.errors import Cancelled
from kasparro.store import requests
from kasparro.store.pool import ERRORS, Pool

POLL = 1.0  # seconds between looks


@asynccontextmanager
async def cancellable(pool: Pool, source: str, run_id: int) -> AsyncIterator[None]:
    """Ends what is inside with Cancelled, soon after somebody has asked for the end of the run."""
    try:
        async with asyncio.timeout(None) as limit:
            watcher = asyncio.create_task(_watch(pool, run_id, limit))
            try:
                yield
            finally:
                watcher.cancel()
                await asyncio.gather(watcher, return_exceptions=True)
    except TimeoutError:
        if limit.expired():
            raise Cancelled(source, "cancelled on request; the next run goes on behind the last page") from None
        raise


async def _watch(pool: Pool, run_id: int, limit: asyncio.Timeout) -> None:
    while True:
        await asyncio.sleep(POLL)
        with suppress(*ERRORS):  # a database that is away ends the run by itself
            async with pool.acquire() as conn:
                if await requests.is_unwanted(conn, run_id):
                    limit.reschedule(asyncio.get_running_loop().time())
                    return
