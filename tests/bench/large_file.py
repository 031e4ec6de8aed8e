"""A CSV file of ten million rows: the memory it takes is that of a file of a million."""

from __future__ import annotations

import tempfile
from pathlib import Path

from . import csv_file, market_file
from .databases import Databases
from .report import Figure, Most

DAYS = 1_000
COINS = 10_000


async def measure(made: Databases) -> list[Figure]:
    """Rows a second and memory of ten million rows, next to the memory of a tenth of them."""
    small = await _cost(made, COINS // 10)
    large = await _cost(made, COINS)
    flat = Most(large.peak, 1.1 * small.peak)
    return [
        Figure("kasparro ingest csv: 10,000,000 rows", COINS * DAYS / large.seconds, "rows/s"),
        Figure("    its memory at the peak, with 1,000,000 rows", small.peak, "MiB"),
        Figure("    its memory at the peak, with 10,000,000 rows", large.peak, "MiB", flat),
    ]


async def _cost(made: Databases, coins: int) -> csv_file.Cost:
    with tempfile.TemporaryDirectory(prefix="kasparro-bench-") as name:
        file = Path(name, "simulated-history.csv")
        market_file.write_history(file, coins, DAYS)
        return await csv_file.ingest(await made.fresh(), file, coins, DAYS)
