"""A connection to read with, and one error for every way in which the database can be away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from kasparro.errors import DatabaseAway
from kasparro.store.pool import AWAY, Connection, Pool, explain

PATIENCE = 12.0
"""Seconds; the server cancels a statement of the API's pool after ten."""
QUEUE = 3.0
"""Seconds that a request waits for a connection where all are in use: later ones would wait longer."""
_NOT_READY = (asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedTableError)  # not migrated, or not for us
_GIVEN_UP = (asyncpg.TransactionRollbackError,)  # a standby goes on with what the primary did; a deadlock


@asynccontextmanager
async def reading(pool: Pool, patience: float = PATIENCE, *, held: float | None = None) -> AsyncIterator[Connection]:
    """A connection of the pool, for `patience` seconds, or for as long as it is `held`; raises DatabaseAway.

    Where all connections are in use, it has to be had soon.

    An error that is our own, such as a statement that PostgreSQL does not understand, stays what it is.
    """
    try:
        # acquire's time-out also bounds the release, which else waits for ever for a server that went silent
        async with asyncio.timeout(held or patience), pool.acquire(timeout=min(patience, QUEUE)) as conn:
            yield conn
    except (*AWAY, *_NOT_READY, *_GIVEN_UP) as error:
        raise DatabaseAway(explain(error)) from error
