"""Migrated databases of one embedded server, thrown away with it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from kasparro.postgres import embedded, remove
from kasparro.sources import SOURCES
from kasparro.store import maintenance, migrations


@dataclass
class Databases:
    """Makes databases on one server."""

    server: str
    numbers: count[int] = field(default_factory=lambda: count(1))

    async def fresh(self) -> str:
        """DSN of a new database, migrated and with its partitions."""
        name = f"bench_{next(self.numbers)}"
        conn = await asyncpg.connect(self.server)
        await conn.execute(f"CREATE DATABASE {name}")
        await conn.close()
        dsn = urlunsplit(urlsplit(self.server)._replace(path=f"/{name}"))
        await migrations.migrate(dsn)
        conn = await asyncpg.connect(dsn)
        await maintenance.prepare(conn, SOURCES)
        await conn.execute("CHECKPOINT")
        await conn.close()
        return dsn


@asynccontextmanager
async def databases() -> AsyncIterator[Databases]:
    """One embedded server with the settings that the service uses."""
    with tempfile.TemporaryDirectory(prefix="kasparro-bench-") as folder:
        home = Path(folder)
        async with embedded(home) as dsn:
            yield Databases(dsn)
        remove(home)
