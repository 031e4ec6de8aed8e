"""A connection to read with, and one error for every way in which the database can be away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from kasparro.errors import DatabaseAway
from kasparro.store.pool import AWAY, Connection, Pool, explain

_PATIENCE = 12.0  # seconds; the server cancels a statement of the API's pool after ten
_NOT_READY = (asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedTableError)  # not migrated, or not for us


@asynccontextmanager
async def reading(pool: Pool, patience: float = _PATIENCE) -> AsyncIterator[Connection]:
    """A connection of the pool for at most `patience` seconds; raises DatabaseAway.

    An error that is our own, such as a statement that PostgreSQL does not understand, stays what it is.
    """
    try:
        # acquire's time-out also bounds the release, which else waits for ever for a server that went silent
        async with asyncio.timeout(patience), pool.acquire(timeout=patience) as conn:
            yield conn
    except (*AWAY, *_NOT_READY) as error:
        raise DatabaseAway(explain(error)) from error
