"""Connection pools: some for the API, one for ingestion, so that none can starve another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

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

_WORDS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    ((TimeoutError, asyncpg.QueryCanceledError), "it did not answer in time"),
    (OSError, "nothing answers there"),  # its own text holds the address
    (asyncpg.LockNotAvailableError, "a table is locked"),
    (asyncpg.TransactionRollbackError, "it gave up this statement for another"),
    (asyncpg.InvalidAuthorizationSpecificationError, "it refuses the user or the password"),
    (asyncpg.InvalidCatalogNameError, "it has no database of that name"),
    (asyncpg.UndefinedTableError, "its tables are missing; run `kasparro migrate`"),
    ((asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError), "it closed the connection"),
    (ValueError, "it is not a PostgreSQL address"),
)

_STAGING = statement("staging_create")
_SETTINGS = {
    "application_name": "kasparro",
    "timezone": "UTC",
    "jit": "off",  # compiling costs more than any of our statements
}
_READING = {"statement_timeout": "10s", "lock_timeout": "3s", "plan_cache_mode": "force_custom_plan"}
_MARKET = 8  # connections
_SIZES = (_MARKET, 4, 4)  # of Pools; who watches: the listener, the feed, readiness, health, one connection each
# A frozen process must not keep its locks: PostgreSQL ends its transaction, and another process goes on.
_IDLE_IN_TRANSACTION = {"idle_in_transaction_session_timeout": "15s"}
_NONE: Mapping[str, str] = MappingProxyType({})
_MINIMUM = 150000


class Pools(NamedTuple):
    """The pools of the API. Slow queries and locked tables use up the connections of one of them at most."""

    market: Pool
    """For what may take long: pages, histories, exports, snapshots compared."""
    desk: Pool
    """For what ingestion has done, and for what people ask of it."""
    watch: Pool
    """For probes, and for what has to be heard at once."""
    standby: Pool | None = None
    """As `market`, on a server that follows the primary."""


@asynccontextmanager
async def api_pools(dsn: str, standby: str | None = None) -> AsyncIterator[Pools]:
    """The pools of a process that serves, on its database, and on a standby if there is one."""
    async with AsyncExitStack() as stack:
        market, desk, watch = [await stack.enter_async_context(api_pool(dsn, size)) for size in _SIZES]
        yield Pools(market, desk, watch, await stack.enter_async_context(api_pool(standby)) if standby else None)


@asynccontextmanager
async def api_pool(dsn: str, size: int = _MARKET) -> AsyncIterator[Pool]:
    """A pool for reading. The server cancels a statement after 10 s, and after 3 s if all that it does is to wait.

    Filters are optional parameters: a plan for all their values at once would read the whole table each time.
    """
    async with _pool(dsn, size, _prepare, _READING) as pool:
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
    for kinds, words in _WORDS:
        if isinstance(error, kinds):
            return words
    if isinstance(error, asyncpg.PostgresError):
        return f"it answers {type(error).__name__} ({error.sqlstate})"
    return "the connection is closed"


async def _prepare(conn: asyncpg.Connection) -> None:
    for kind in ("json", "jsonb"):
        await conn.set_type_codec(
            kind, schema="pg_catalog", encoder=lambda value: orjson.dumps(value).decode(), decoder=json.loads
        )


async def _prepare_staging(conn: asyncpg.Connection) -> None:
    await _prepare(conn)
    await conn.execute(_STAGING)
