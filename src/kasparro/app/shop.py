"""What ingestion works with: a database that is migrated, connections, a session, and a name of its own."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import uuid4

import aiohttp

from kasparro.errors import ConfigurationError
from kasparro.ingest.backfill import Backfill
from kasparro.ingest.pipeline import Pipeline, Summary
from kasparro.ingest.reader import ApiReader, reader
from kasparro.ingest.scheduler import Schedule
from kasparro.ingest.transport import session
from kasparro.log import logger
from kasparro.metrics import Metrics
from kasparro.postgres import embedded, running_dsn
from kasparro.settings import Settings
from kasparro.sources import SOURCES
from kasparro.store import maintenance, migrations, runs
from kasparro.store.pool import ERRORS, Pool, ingest_pool

CONNECTIONS = 3
"""Of a run or a replay: itself, its heartbeat, its partitions."""
_CLOSING = 2.0  # seconds for the runs that are still open at the end; the next process closes them too

log = logger("app")


@dataclass(frozen=True, slots=True)
class Workshop:
    """What every run needs."""

    settings: Settings
    pool: Pool
    metrics: Metrics
    session: aiohttp.ClientSession
    owner: str

    def schedule(
        self,
        source: str,
        watch: Callable[[Summary], None] = lambda _: None,
        after: Callable[[], None] = lambda: None,
    ) -> Schedule:
        """The schedule of a source, with its pipeline."""
        options = self.settings.options(source)
        reading = reader(SOURCES[source], options, self.session, self.metrics)
        days = self.settings.history_retention_days
        pipeline = Pipeline(
            reading, self.pool, self.metrics, self.owner, days, watch, reject_budget=self.settings.reject_budget
        )
        return Schedule(pipeline, self.pool, self.metrics, options.interval, after=after)

    def backfill(self, source: str, *, all_credits: bool = False) -> Backfill:
        """The backfill of a source; raises ConfigurationError where it tells nothing of the past."""
        reading = self.schedule(source).pipeline.reader
        if not isinstance(reading, ApiReader) or not reading.source.reaches(reading.options):
            raise ConfigurationError(
                f"{source} cannot be asked for the past; dated rows of a file become history when it is read: "
                "`CSV_PATH=history.csv kasparro ingest csv` reads one that is kept elsewhere"
            )
        days, reject_budget = self.settings.history_retention_days, self.settings.reject_budget
        return Backfill(reading, self.pool, self.metrics, self.owner, days, reject_budget, all_credits)


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[str]:
    """DSN of the database, migrated: the configured one, the one that the service runs, or one of our own meanwhile."""
    async with AsyncExitStack() as stack:
        if settings.database_url:
            dsn = settings.database_url.get_secret_value()
        elif (running := running_dsn(settings.kasparro_home)) is not None:
            dsn = running
        else:
            dsn = await stack.enter_async_context(embedded(settings.kasparro_home))
        for name in await migrations.migrate(dsn):
            log.info("migration applied", migration=name)
        yield dsn


@asynccontextmanager
async def workshop(settings: Settings, dsn: str, metrics: Metrics) -> AsyncIterator[Workshop]:
    """Pool, session and partitions for ingestion."""
    async with (
        ingest_pool(dsn, size=CONNECTIONS * (len(settings.sources) + 1) + 4) as pool,
        session() as outbound,
    ):
        async with pool.acquire() as conn:
            await maintenance.prepare(conn, settings.sources)
        owner = own_name()
        try:
            yield Workshop(settings, pool, metrics, outbound, owner)
        finally:
            with suppress(*ERRORS):
                async with asyncio.timeout(_CLOSING), pool.acquire() as conn:
                    await runs.close_own(conn, owner)


def own_name() -> str:
    """A name that no other process has."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
