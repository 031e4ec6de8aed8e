"""How fast a snapshot becomes raw page, latest rows and history, next to psql doing the same."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kasparro.domain import Entry, Response
from kasparro.ingest.pipeline import Pipeline, Summary
from kasparro.ingest.reader import reader
from kasparro.ingest.transport import session
from kasparro.metrics import Metrics
from kasparro.settings import Rate
from kasparro.sources import SOURCES
from kasparro.sources.base import ApiSource
from kasparro.store.pool import ingest_pool
from kasparro.store.tickers import copy_text

from .databases import Databases
from .psql import run, snapshot
from .report import Figure, best, ratio
from .upstream import Upstream, upstream

COINS = 20_000
ROUNDS = 5


async def measure(made: Databases, port: int) -> list[Figure]:
    """Records a second of a first cycle and of a cycle with nothing new, CoinPaprika in one page, CoinGecko in 80."""
    with upstream(COINS, port) as vendors, tempfile.TemporaryDirectory() as folder:
        script = _script(vendors, Path(folder))
        limit, whole, steady, paged = [], [], [], []
        for _ in range(ROUNDS):
            limit.append(COINS / run(await made.fresh(), script))
            first, second = await cycles(await made.fresh(), "coinpaprika", vendors.coinpaprika)
            whole.append(first)
            steady.append(second)
            first, _ = await cycles(await made.fresh(), "coingecko", vendors.coingecko, pages="all")
            paged.append(first)
    return [
        Figure("psql: COPY and merge of 20,000 parsed tickers", best(limit), "records/s"),
        Figure("CoinPaprika: 20,000 coins in one page", best(whole), "records/s", ratio(whole, limit, 0.8)),
        Figure("CoinGecko: 20,000 coins in 80 pages", best(paged), "records/s", ratio(paged, limit)),
        Figure("CoinPaprika: a cycle with nothing new", best(steady), "records/s", ratio(steady, whole, 5)),
    ]


async def cycles(dsn: str, source: str, url: str, **changes: Any) -> tuple[float, float]:
    """Records a second of the first and the second cycle of a source."""
    options = SOURCES[source].options_type(base_url=url, rate=Rate(100_000, 1), **changes)
    async with ingest_pool(dsn, 4) as pool, session() as outbound:
        pipeline = Pipeline(reader(SOURCES[source], options, outbound, Metrics()), pool, Metrics(), "bench")
        async with pool.acquire(), pool.acquire(), pool.acquire():
            pass  # connections are opened once in the life of a service, not in each cycle
        return await _timed(pipeline), await _timed(pipeline)


async def _timed(pipeline: Pipeline) -> float:
    started = time.perf_counter()
    summary: Summary = await pipeline.run("manual")
    assert summary.ledger.processed == COINS
    return COINS / (time.perf_counter() - started)


def _script(vendors: Upstream, folder: Path) -> str:
    """What psql needs: the page as a COPY file for raw, its tickers as a COPY file for the staging table."""
    body = vendors.tickers()
    raw, staged = folder / "raw", folder / "staged"
    text = body.decode().replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    raw.write_text(f"coinpaprika\t1\t1\thttp://vendor/tickers\t200\t{text}\t\\\\x00\t2026-01-01\n")
    source = SOURCES["coinpaprika"]
    assert isinstance(source, ApiSource)
    page = Response(200, {}, body, "", datetime.now(UTC))
    staged.write_bytes(copy_text(Entry(item.position, source.ticker(item)) for item in source.records(page)))
    return snapshot("coinpaprika", staged, raw)
