"""Brings the schema up to date with `sql/migrations`, once, however many processes start together."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg
import yoyo

from kasparro.errors import ConfigurationError
from kasparro.store import pool
from kasparro.store.sql import MIGRATIONS, statement

_KNOWN = statement("migration_known")
_APPLIED = statement("migration_applied")
_LOCK = statement("migration_lock")
_PATIENCE = 60.0  # seconds; another process is migrating
_FOREIGN = {"command_timeout", "statement_cache_size", "server_settings", "direct_tls"}  # asyncpg's own


async def migrate(dsn: str) -> list[str]:
    """Apply what is pending and return its names; quick, and content with a read-only role, when nothing is."""
    conn = await pool.connect(dsn)
    try:
        waiting = await pending(conn)
        if waiting:
            await _lock(conn)
            await _whole(asyncio.to_thread(_apply, dsn))
        return waiting
    finally:
        await conn.close()


async def pending(conn: asyncpg.Connection) -> list[str]:
    """Names of the migrations that the database has not seen, oldest first."""
    known = sorted(path.stem for path in MIGRATIONS.glob("*.sql") if not path.stem.endswith(".rollback"))
    if not await conn.fetchval(_KNOWN):
        return known
    applied = {row["migration_id"] for row in await conn.fetch(_APPLIED)}
    return [name for name in known if name not in applied]


async def _lock(conn: asyncpg.Connection) -> None:
    """An advisory lock dies with its session, where yoyo's own outlives a kill. Polled: a blocked session would stop
    CREATE INDEX CONCURRENTLY, which waits for every other transaction."""
    try:
        async with asyncio.timeout(_PATIENCE):
            while not await conn.fetchval(_LOCK):  # noqa: ASYNC110 - nothing here signals the lock
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise ConfigurationError(
            f"another process has been migrating the database for {_PATIENCE:.0f} s; wait for it, or end it"
        ) from None


async def _whole(work: Coroutine[Any, Any, None]) -> None:
    """Do the work to its end even when we are cancelled: its thread cannot be stopped, and needs our lock."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _apply(dsn: str) -> None:
    os.environ.setdefault("USER", "kasparro")  # yoyo asks for the user's name, and a container's user may have none
    with yoyo.get_backend(_psycopg(dsn)) as backend:
        backend.break_lock()  # whoever left it is dead: the advisory lock is ours
        with backend.lock():
            backend.apply_migrations(backend.to_apply(yoyo.read_migrations(str(MIGRATIONS))))


def roll_back(dsn: str) -> None:
    """Undo every migration, newest first. All data is lost; for tests."""
    with yoyo.get_backend(_psycopg(dsn)) as backend:
        backend.rollback_migrations(backend.to_rollback(yoyo.read_migrations(str(MIGRATIONS))))


def _psycopg(dsn: str) -> str:
    """The same address for yoyo's driver: its scheme, and without the arguments that only asyncpg knows."""
    parts = urlsplit(dsn)
    query = [(key, value) for key, value in parse_qsl(parts.query) if key not in _FOREIGN]
    return urlunsplit(parts._replace(scheme="postgresql+psycopg", query=urlencode(query)))
