"""A run of CoinPaprika that is killed when it has paid for its first call and not made it: DSN URL CREDITS."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from kasparro.ingest.pipeline import Pipeline
from kasparro.ingest.reader import reader
from kasparro.ingest.transport import Transport, session
from kasparro.metrics import Metrics
from kasparro.sources import SOURCES
from kasparro.store import maintenance
from kasparro.store.pool import ingest_pool


async def main(dsn: str, url: str, limit: str) -> None:
    async def killed(*_: Any) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    Transport._get = killed  # type: ignore[method-assign] # the instant behind the credit
    source = SOURCES["coinpaprika"]
    options = source.options_type(base_url=url, credits=limit)  # type: ignore[call-arg] # of an API
    async with ingest_pool(dsn, 4) as pool, session() as outbound:
        async with pool.acquire() as conn:
            await maintenance.prepare(conn, [source.name])
        await Pipeline(reader(source, options, outbound, Metrics()), pool, Metrics(), "killed").run("manual")


asyncio.run(main(*sys.argv[1:]))
