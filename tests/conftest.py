"""A real PostgreSQL for every test: one server a session, one migrated template, a clone of it for each test.

`TEST_DATABASE_URL` names a server of yours (PostgreSQL 15+, a role that may create databases); unset, an embedded one
is started in a temporary folder.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from kasparro.postgres import embedded, remove
from kasparro.store import migrations
from kasparro.store.pool import Pool, ingest_pool

_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made there
_ROOM = 4 * 1024**3  # bytes: a gigabyte of WAL, and a handful of databases
_HASTE = ("ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET full_page_writes = off", "SELECT pg_reload_conf()")
"""Nothing here has to outlive the machine, and databases come and go by the thousand."""


class _Loop:
    """An event loop in a thread of its own, for what must outlive the loops of the single tests."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="session")
def _background() -> Iterator[_Loop]:
    loop = _Loop()
    yield loop
    loop.close()


def _home() -> Path | None:
    """A folder in memory, if there is room: the files of databases come and go by the million."""
    if not _MEMORY.is_dir() or shutil.disk_usage(_MEMORY).free < _ROOM:
        return None
    home = Path(mkdtemp(prefix="kasparro-tests-", dir=_MEMORY))
    home.chmod(0o755)  # the server may be another user's
    return home


@pytest.fixture(scope="session")
def server(_background: _Loop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """DSN of a database on a server where databases may be made."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    stack, home = AsyncExitStack(), _home() or tmp_path_factory.mktemp("postgres")
    dsn = _background.run(stack.enter_async_context(embedded(home)))
    for setting in _HASTE:
        _background.run(_execute(dsn, setting))
    yield dsn
    _background.run(stack.aclose())
    remove(home)
    shutil.rmtree(home, ignore_errors=True)


def database(dsn: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


async def _execute(dsn: str, sql: str) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(sql)
    finally:
        await conn.close()


@pytest.fixture(scope="session")
def template(server: str, _background: _Loop) -> Iterator[str]:
    """Name of a migrated database that tests are cloned from."""
    name = f"template_{uuid4().hex[:12]}"
    _background.run(_execute(server, f"CREATE DATABASE {name}"))
    _background.run(migrations.migrate(database(server, name)))
    yield name
    _background.run(_execute(server, f"DROP DATABASE {name}"))


@pytest.fixture
async def dsn(server: str, template: str) -> AsyncIterator[str]:
    """DSN of a migrated, empty database of the test's own."""
    name = f"test_{uuid4().hex[:12]}"
    await _execute(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield database(server, name)
    await _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def empty_dsn(server: str) -> AsyncIterator[str]:
    """DSN of a database that was never migrated."""
    name = f"empty_{uuid4().hex[:12]}"
    await _execute(server, f"CREATE DATABASE {name}")
    yield database(server, name)
    await _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Pool]:
    """A pool as ingestion has it."""
    async with ingest_pool(dsn, 4) as pool:
        yield pool
