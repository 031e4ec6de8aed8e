"""Connection pools: one for the API, one for ingestion, so that neither can starve the other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any, TypeAlias

import asyncpg
import orjson

from kasparro.errors import ConfigurationError
from kasparro.store.sql import statement

Connection: TypeAlias = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
Pool: TypeAlias = asyncpg.Pool

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # of a connection that broke in the middle of an answer
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ObjectNotInPrerequisiteStateError,  # the database accepts no connections
)
"""What a database raises that is away, and may come back without a change of ours."""

ERRORS = (*AWAY, asyncpg.PostgresError)
"""What a database raises at all."""

_STAGING = statement("staging_create")
_SETTINGS = {
    "application_name": "kasparro",
    "timezone": "UTC",
    "jit": "off",  # compiling costs more than any of our statements
}
# A frozen process must not keep its locks: PostgreSQL ends its transaction, and another process goes on.
_IDLE_IN_TRANSACTION = {"idle_in_transaction_session_timeout": "15s"}
_NONE: Mapping[str, str] = MappingProxyType({})
_MINIMUM = 150000


@asynccontextmanager
async def api_pool(dsn: str, size: int = 10) -> AsyncIterator[Pool]:
    """A pool for reading; a statement that takes over 10 s is cancelled by the server.

    Filters are optional parameters: a plan for all their values at once would read the whole table each time.
    """
    async with _pool(dsn, size, _prepare, {"statement_timeout": "10s", "plan_cache_mode": "force_custom_plan"}) as pool:
        yield pool


@asynccontextmanager
async def ingest_pool(dsn: str, size: int) -> AsyncIterator[Pool]:
    """A pool for writing; every connection has the staging table."""
    async with _pool(dsn, size, _prepare_staging, _IDLE_IN_TRANSACTION) as pool:
        yield pool


@asynccontextmanager
async def _pool(dsn: str, size: int, prepare: Any, settings: dict[str, str]) -> AsyncIterator[Pool]:
    pool = asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        init=prepare,
        server_settings=_SETTINGS | settings,
        timeout=5,
        command_timeout=120,
    )
    async with pool:
        try:
            yield pool
        finally:
            await _close(pool)


async def _close(pool: Pool) -> None:
    """Waits for connections in use, but not for a server that does not answer."""
    try:
        async with asyncio.timeout(5):
            await pool.close()
    except TimeoutError:
        pool.terminate()


async def connect(dsn: str, settings: Mapping[str, str] = _NONE) -> asyncpg.Connection:
    """One connection outside the pools, for a command; raises ConfigurationError when there is none to be had."""
    try:
        conn = await asyncpg.connect(dsn, timeout=10, server_settings=_SETTINGS | dict(settings))
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise ConfigurationError(f"DATABASE_URL: cannot connect: {explain(error)}") from None
    if conn.get_server_version().major * 10000 < _MINIMUM:
        version = conn.get_server_version()
        await conn.close()
        raise ConfigurationError(f"DATABASE_URL: the server is PostgreSQL {version.major}; 15 or newer is needed")
    await _prepare(conn)
    return conn


async def connect_for_writing(dsn: str) -> asyncpg.Connection:
    """As `connect`, with the staging table, for a command that writes."""
    conn = await connect(dsn, _IDLE_IN_TRANSACTION)
    await conn.execute(_STAGING)
    return conn


def explain(error: BaseException) -> str:
    """What went wrong with the database, in words that hold no address and no password."""
    match error:
        case TimeoutError() | asyncpg.QueryCanceledError():
            return "it did not answer in time"
        case OSError():  # its own text holds the address
            return "nothing answers there"
        case asyncpg.InvalidAuthorizationSpecificationError():
            return "it refuses the user or the password"
        case asyncpg.InvalidCatalogNameError():
            return "it has no database of that name"
        case asyncpg.UndefinedTableError():
            return "its tables are missing; run `kasparro migrate`"
        case asyncpg.PostgresConnectionError() | asyncpg.OperatorInterventionError():
            return "it closed the connection"
        case asyncpg.PostgresError():
            return f"it answers {type(error).__name__} ({error.sqlstate})"
        case ValueError():
            return "it is not a PostgreSQL address"
        case _:
            return "the connection is closed"


async def _prepare(conn: asyncpg.Connection) -> None:
    for kind in ("json", "jsonb"):
        await conn.set_type_codec(
            kind, schema="pg_catalog", encoder=lambda value: orjson.dumps(value).decode(), decoder=json.loads
        )


async def _prepare_staging(conn: asyncpg.Connection) -> None:
    await _prepare(conn)
    await conn.execute(_STAGING)
