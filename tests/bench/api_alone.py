"""The application of `kasparro serve` without ingestion, which would have to place a million new listings first.

`python api_alone.py PORT DSN`
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from aiohttp import web

from kasparro import log
from kasparro.api import create_app
from kasparro.metrics import Metrics
from kasparro.settings import Settings
from kasparro.sources import options
from kasparro.store.pool import api_pools


async def main(port: int, dsn: str) -> None:
    settings = Settings.load(options(), {}, dotenv=Path("none.env"))
    async with api_pools(dsn) as pools:
        runner = web.AppRunner(create_app(pools=pools, metrics=Metrics(), settings=settings), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


log.configure("INFO", "text")
asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
