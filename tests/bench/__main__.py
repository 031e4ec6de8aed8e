"""`just bench`: every figure next to the physical limit and to a peer, in one run on one machine."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import ingestion
from bench.databases import databases
from bench.report import show


async def main() -> None:
    async with databases() as made:
        show("Ingestion", await ingestion.measure(made, port=8931))


asyncio.run(main())
