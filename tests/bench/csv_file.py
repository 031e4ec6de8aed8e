"""How fast a million rows of history become pages, latest rows and ticks, next to psql doing the same."""

from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path

import asyncpg

from kasparro.store import maintenance

from . import market_file
from .databases import Databases
from .process import Cost, finish
from .psql import copied, history, run
from .report import Figure, Most, best, ratio

COINS = 1_000
DAYS = 1_000
ROWS = COINS * DAYS
PAGE = 5_000  # rows
ROUNDS = 2


async def measure(made: Databases) -> list[Figure]:
    """Rows a second of `kasparro ingest csv` in a process of its own, and the memory it takes."""
    limit, whole, peaks = [], [], []
    with tempfile.TemporaryDirectory(prefix="kasparro-bench-") as name:
        file, raw = Path(name, "simulated-history.csv"), Path(name, "raw")
        market_file.write_history(file, COINS, DAYS)
        _write_raw(file, raw)
        script = history("csv", market_file.COLUMNS, file, raw)
        for _ in range(ROUNDS):
            limit.append(ROWS / run(await _roomy(made), script))
            cost = await ingest(await made.fresh(), file, COINS, DAYS)
            whole.append(ROWS / cost.seconds)
            peaks.append(cost.peak)
    figures = [
        Figure("psql: COPY and merge of a CSV file of 1,000,000 rows", best(limit), "rows/s"),
        Figure("kasparro ingest csv: the same file", best(whole), "rows/s", ratio(whole, limit, 0.5)),
    ]
    if any(peaks):
        figures.append(Figure("    its memory at the peak", max(peaks), "MiB", Most(max(peaks), 200)))
    return figures


async def _roomy(made: Databases) -> str:
    """DSN of a new database with a place for every month of the file: psql makes none."""
    dsn = await made.fresh()
    conn = await asyncpg.connect(dsn)
    await maintenance.make_history(conn, market_file.months(DAYS))
    await conn.execute("CHECKPOINT")
    await conn.close()
    return dsn


async def ingest(dsn: str, file: Path, coins: int, days: int) -> Cost:
    """What a process of ours takes to read the file, to its last row."""
    cost = finish(
        file.parent, "-m", "kasparro", "ingest", "csv", DATABASE_URL=dsn, CSV_PATH=str(file), KASPARRO_HOME=".kasparro"
    )
    conn = await asyncpg.connect(dsn)
    assert await conn.fetchval("SELECT count(*) FROM price_history") == coins * days
    assert await conn.fetchval("SELECT count(*) FROM unified_crypto") == coins
    await conn.close()
    return cost


def _write_raw(file: Path, raw: Path) -> None:
    """The file as a COPY file for raw, in pages such as ours: each with the header."""
    with file.open() as lines, raw.open("w") as pages:
        header, number = next(lines), 0
        while body := "".join(islice(lines, PAGE)):
            number += 1
            pages.write(f"csv\t1\t{number}\t{file}\t200\t{copied(header + body)}\t\\\\x00\t2026-01-01\n")
