"""The same snapshot and the same CSV file, loaded by dlt into one table where Kasparro writes three."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from . import csv_file, ingestion, market_file
from .databases import Databases
from .report import Figure, best, ratio
from .upstream import upstream

ROUNDS = 3
_LOAD = Path(__file__).with_name("dlt_load.py")


def is_there() -> bool:
    """Whether dlt is installed."""
    return find_spec("dlt") is not None


async def measure(made: Databases, port: int) -> list[Figure]:
    """Records a second of both, in turns; the start of a process is left out of either."""
    return [*await _snapshot(made, port), *await _file(made)]


async def _snapshot(made: Databases, port: int) -> list[Figure]:
    ours, theirs = [], []
    with upstream(ingestion.COINS, port) as vendors:
        for _ in range(ROUNDS):
            first, _ = await ingestion.cycles(await made.fresh(), "coinpaprika", vendors.coinpaprika)
            ours.append(first)
            theirs.append(await _load(made, "snapshot", vendors.tickers_url, "snapshot", ingestion.COINS))
    return [
        Figure("dlt: 20,000 coins of CoinPaprika", best(theirs), "records/s"),
        Figure("Kasparro: the same", best(ours), "records/s", ratio(ours, theirs, 4)),
    ]


async def _file(made: Databases) -> list[Figure]:
    rows, tables, ours = [], [], []
    with tempfile.TemporaryDirectory(prefix="kasparro-bench-") as name:
        file = Path(name, "simulated-history.csv")
        market_file.write_history(file, csv_file.COINS, csv_file.DAYS)
        for _ in range(csv_file.ROUNDS):
            rows.append(await _load(made, "csv", str(file), "history", csv_file.ROWS))
            tables.append(await _load(made, "arrow", str(file), "history", csv_file.ROWS))
            ours.append(await _ingest(made, file))
    return [
        Figure("dlt: a CSV file of 1,000,000 rows, by its read_csv", best(rows), "rows/s"),
        Figure("dlt: the same, around its rows by pyarrow", best(tables), "rows/s", ratio(tables, rows)),
        Figure("Kasparro: the same", best(ours), "rows/s", ratio(ours, rows, 4)),
    ]


async def _ingest(made: Databases, file: Path) -> float:
    dsn = await made.fresh()
    await csv_file.ingest(dsn, file, csv_file.COINS, csv_file.DAYS)
    conn = await asyncpg.connect(dsn)
    seconds = await conn.fetchval("SELECT extract(epoch FROM finished_at - started_at) FROM etl_run")
    await conn.close()
    return csv_file.ROWS / float(seconds)


async def _load(made: Databases, kind: str, place: str, table: str, records: int) -> float:
    """Records a second of dlt, which has to have loaded them all."""
    dsn = await made.fresh()
    seconds = _seconds(kind, place, dsn)
    conn = await asyncpg.connect(dsn)
    assert await conn.fetchval(f"SELECT count(*) FROM peer.{table}") == records  # noqa: S608 - a name of our own
    await conn.close()
    return records / seconds


def _seconds(*arguments: str) -> float:
    command = [sys.executable, str(_LOAD), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own command
    return float(done.stdout.split()[-1])
