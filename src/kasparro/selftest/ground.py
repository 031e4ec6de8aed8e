"""The ground on which promises are tried: a throw-away PostgreSQL, simulated vendors, a CSV file that grows."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kasparro import app
from kasparro.app import Workshop
from kasparro.home import make
from kasparro.metrics import Metrics
from kasparro.postgres import embedded, remove
from kasparro.sandbox import Sandbox
from kasparro.selftest.patience import until
from kasparro.selftest.strikes import Strike
from kasparro.selftest.worker import Job, Work, load
from kasparro.store import migrations
from kasparro.store.pool import ERRORS, Pool, ingest_pool
from kasparro.store.sql import statement

_CLEAR = statement("selftest_clear")
_NOW = time.time()
_COINS = 600  # on three pages of CoinGecko's, and one of CoinPaprika's
_DAYS = 150  # rows added to the CSV file by each move, read in pages of 40
SWIFT: dict[str, Any] = {
    "kasparro.ingest.transport:_BASE": 0.01,
    "kasparro.sources.csv_text:PAGE_RECORDS": 40,
}
"""Constants of the product, replaced in every worker: what would be waited for, and pages enough to be killed in."""


@dataclass(frozen=True, slots=True)
class Ground:
    """One throw-away database, for one trial after the other. `truths` are those that are known already."""

    home: Path
    dsn: str
    pool: Pool
    seed: str
    is_quick: bool
    truths: dict[Any, tuple[Counter[str], float]] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        """What all workers said so far."""
        return self.home / "worker.log"

    async def fetch(self, query: str, *values: Any) -> list[Any]:
        """The rows that a statement answers with."""
        async with self.pool.acquire() as conn:
            rows: list[Any] = await conn.fetch(query, *values)
            return rows

    async def awake(self) -> None:
        """Wait until the database answers: the trial before may have killed it."""
        await until("the database answers", self._answers)

    async def _answers(self) -> bool:
        try:
            await self.fetch(_CLEAR)
        except ERRORS:
            return False
        return True

    def kill_postgres(self) -> None:
        """SIGKILL to the server; it is our own child, and its owner starts it again."""
        pid = int((self.home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)

    @asynccontextmanager
    async def market(self, coins: int = _COINS, **sandbox: Any) -> AsyncIterator[Market]:
        """An empty database, and the same market every time: its clock stands, and each move is the same."""
        await self.fetch(_CLEAR)
        with tempfile.TemporaryDirectory(dir=self.home) as folder:
            async with Sandbox(coins=coins, seed=7, now=lambda: _NOW, free_cap=None, **sandbox) as vendors:
                market = Market(self, vendors, Path(folder) / "history.csv")
                market.move()
                yield market


@dataclass(slots=True)
class Market:
    """What the sources of a trial say, and who may read it."""

    ground: Ground
    sandbox: Sandbox
    csv: Path
    days: int = 0

    def move(self) -> None:
        """The market moves on by one step, and the file grows."""
        self.sandbox.tick()
        with self.csv.open("a") as file:
            if not self.days:
                file.write("coin_id,name,symbol,price,market_cap,volume,date\n")
            for day in range(self.days, self.days + _DAYS):
                coin, at = day % 7, time.strftime("%Y-%m-%d", time.gmtime(_NOW - (3000 - day) * 86_400))
                file.write(f"coin-{coin},Coin {coin},C{coin},{day}.{coin:03d},{day}000,{day}00,{at}\n")
        self.days += _DAYS

    def environ(self, **more: str) -> dict[str, str]:
        """The settings of a service that reads this market."""
        return {
            "DATABASE_URL": self.ground.dsn,
            "KASPARRO_HOME": str(self.ground.home),
            "COINPAPRIKA_BASE_URL": self.sandbox.coinpaprika_url,
            "COINGECKO_BASE_URL": self.sandbox.coingecko_url,
            "COINGECKO_PAGES": "all",
            "COINPAPRIKA_RATE": "100000/1",
            "COINGECKO_RATE": "100000/1",
            "COINPAPRIKA_CREDITS": "unlimited",  # else a short interval would grow to what the free plan can pay
            "COINGECKO_CREDITS": "unlimited",
            "CSV_PATH": str(self.csv),
            "LOG_FORMAT": "json",
            **more,
        }

    def job(
        self,
        work: Work,
        strike: Strike | None = None,
        *,
        constants: Mapping[str, Any] = SWIFT,
        times: int = 1,
        interval: float = 1.0,
        environ: Mapping[str, str] | None = None,
    ) -> Job:
        """A job for a worker on this market."""
        environ = self.environ(**environ or {})
        return Job(work, environ, self.ground.log, strike, {**constants, **SWIFT}, times, interval)

    @asynccontextmanager
    async def replica(self) -> AsyncIterator[Workshop]:
        """A service's ingestion of CoinGecko's first page in this very process, for what needs no other."""
        environ = self.environ(SOURCES="coingecko", COINGECKO_PAGES="1")
        async with app.workshop(load(environ), self.ground.dsn, Metrics()) as shop:
            yield shop


@asynccontextmanager
async def prepared(seed: str, *, is_quick: bool) -> AsyncIterator[Ground]:
    """A ground with a migrated database; nothing of it is left at the end."""
    home = make(Path(tempfile.mkdtemp(prefix="kasparro-selftest-"), "home"))
    try:
        async with embedded(home) as dsn:
            await migrations.migrate(dsn)
            async with ingest_pool(dsn, 4) as pool:
                yield Ground(home, dsn, pool, seed, is_quick)
    finally:
        remove(home)
        shutil.rmtree(home.parent)
