"""What goes on beside the runs, without an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from kasparro.app.shop import Workshop
from kasparro.ingest.assets import Resolver
from kasparro.ingest.contracts import Collector
from kasparro.ingest.looks import survived
from kasparro.ingest.reader import ApiReader, Reader
from kasparro.log import logger
from kasparro.metrics import Metrics
from kasparro.store import maintenance

_HOUR = 3600.0
_LOOK = 60.0  # seconds between looks whether contracts are due
_SAMPLE = 0.1  # seconds between looks at the event loop: a step that lasts longer is never missed

log = logger("app")


@asynccontextmanager
async def tasks() -> AsyncIterator[asyncio.TaskGroup]:
    """A group of endless tasks, cancelled at the end."""
    async with asyncio.TaskGroup() as group:
        yield group


async def observe(metrics: Metrics) -> None:
    """Measure how late the event loop is."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _SAMPLE
        await asyncio.sleep(_SAMPLE)
        metrics.loop_lag(max(0.0, loop.time() - due))


async def maintain(shop: Workshop) -> None:
    """Partitions ahead and retention, every hour; what fails is tried again in an hour."""
    settings = shop.settings
    while True:
        with survived(log, put_off="maintenance put off", broke="maintenance broke"):
            async with shop.pool.acquire() as conn:
                await maintenance.prepare(conn, settings.sources)
                gone = await maintenance.retain(
                    conn,
                    raw_days=settings.raw_retention_days,
                    history_days=settings.history_retention_days,
                    run_days=settings.run_retention_days,
                )
            log.info("maintenance done", **{f"{what}_deleted": count for what, count in gone._asdict().items()})
        await asyncio.sleep(_HOUR)


async def collect(shop: Workshop, readers: Sequence[Reader], resolver: Resolver) -> None:
    """Contracts of each source, once a day; prices come first, so not at once."""
    collectors = [Collector(reader, shop.pool, shop.metrics) for reader in readers if isinstance(reader, ApiReader)]
    while True:
        await asyncio.sleep(_LOOK)
        for collector in collectors:
            if await collector.once():
                resolver.wake_for_everything()
