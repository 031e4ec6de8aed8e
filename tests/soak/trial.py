"""The trial: a service under mixed load, and what it still holds when all have left."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import aiohttp
import asyncpg
from tests.bench import market_file
from tests.serving import Service, serving, settled, upstreams

from kasparro.sandbox import Sandbox, plan

from . import crowd
from .gauges import Gauges, Sample, growth, late
from .tally import Tally
from .visits import ADMIN_KEY

COINS = 1000
_FILE_COINS = 300
_KINDS = ("latency", "slow_drip", "server_error", "truncated", "reset", "shuffled", "poison", "repeated", "drift")
_LONG = 300.0  # seconds, from which on the slope of memory tells something, and a single slow moment nothing
_REST = 60.0  # seconds until all that the clients left behind is gone
_NAMES = {
    "files": "file descriptors",
    "tasks": "asyncio tasks",
    "taken": "connections of the pool in use",
    "followers": "followers of events",
    "open": "transactions",
}
_HISTORY = """
INSERT INTO price_history (source, coin_id, observed_at, price_usd, fetched_at, run_id, raw_id, raw_position)
SELECT 'csv', 'simulated-coin-1', date_trunc('month', now(), 'UTC') + n * interval '1 millisecond', n, now(), 1, 1, 0
FROM generate_series(1, 50000) AS n
"""


class Claim(NamedTuple):
    """A figure, and how much it may be at most; None is any."""

    what: str
    value: float
    unit: str = ""
    most: float | None = None

    @property
    def holds(self) -> bool:
        return self.most is None or self.value <= self.most


@dataclass
class Trial:
    """What was seen."""

    seconds: float
    tally: Tally = field(default_factory=Tally)
    samples: list[Sample] = field(default_factory=list)
    runs: Counter[str] = field(default_factory=Counter)
    left: dict[str, int] = field(default_factory=dict)
    lags: tuple[float, float] = (0.0, 0.0)
    """Seconds of lag of the event loop that 99 % of all looks stay within, and all."""
    sessions: int = 0
    """Connections to the database after the end."""
    exit_code: int | None = None
    errors: list[str] = field(default_factory=list)
    """Lines of the log that should not be there."""

    def claims(self) -> Iterator[Claim]:
        """Every figure, with its limit."""
        answers = self.tally.answers
        yield Claim("answers", sum(answers.values()))
        yield Claim("    503 with Retry-After", self.tally.deliberate)
        yield Claim("    other 5xx", self.tally.wrong["5xx"], most=0)
        yield Claim("    of another status than is right", self.tally.wrong["unexpected"], most=0)
        yield Claim("    broken off, late or contradictory", self.tally.wrong["broken"], most=0)
        yield Claim("runs", self.runs.total())
        yield Claim("    abandoned or still open", self.runs["abandoned"] + self.runs["running"], most=0)
        settled = self.samples[2 * len(self.samples) // 5 :]
        yield Claim("memory at the peak", max(sample.memory for sample in self.samples), "MiB")
        is_long = self.seconds >= _LONG
        yield Claim(
            "    growth in the last three fifths, by regression", growth(settled), "MiB", 8 if is_long else None
        )
        for what in ("files", "tasks", "taken", "followers", "open"):
            yield Claim(f"left behind: {_NAMES[what]}", self.left.get(what, 0), most=0)
        yield Claim("lag of the event loop: 99 % within", 1000 * self.lags[0], "ms", 250 if is_long else None)
        yield Claim("    all within", 1000 * self.lags[1], "ms")
        yield Claim("exit code", -1 if self.exit_code is None else self.exit_code, most=0)
        yield Claim("connections to the database after the end", self.sessions, most=0)
        yield Claim("errors in the log", len(self.errors), most=0)


async def soak(dsn: str, folder: Path, *, seconds: float, seed: int) -> Trial:
    """Run `kasparro serve` in `folder` against simulated vendors, under load for so many seconds."""
    trial, log, file = Trial(seconds), folder / "log", folder / "simulated-market.csv"
    market_file.write_market(file, _FILE_COINS)
    async with Sandbox(coins=COINS, seed=seed, tick_every=1) as sandbox:
        intervals = {f"{source}_INTERVAL": "1s" for source in ("COINPAPRIKA", "COINGECKO", "CSV")}
        environ = upstreams(sandbox, dsn, CSV_PATH=str(file), ADMIN_API_KEY=ADMIN_KEY, LOG_LEVEL="WARNING", **intervals)
        with log.open("wb") as lines:
            async with serving(folder, log=lines, **environ) as service:
                await service.until(settled)
                await _watched(trial, service, dsn, file, sandbox, seed)
    trial.errors = [line for line in log.read_text().splitlines() if '"level":"error"' in line or "Traceback" in line]
    return trial


async def _watched(trial: Trial, service: Service, dsn: str, file: Path, sandbox: Sandbox, seed: int) -> None:
    conn = await asyncpg.connect(dsn)
    await conn.execute(_HISTORY)
    async with aiohttp.ClientSession() as http:
        gauges = Gauges(service.url, http, conn)
        before, told = await gauges.least(2), await gauges.metrics()
        for vendor in ("coinpaprika", "coingecko"):
            sandbox.follow(vendor, plan.drawn(f"{seed} {vendor}", int(5 * trial.seconds), 0.2, _KINDS))
        beside = [asyncio.create_task(_sampled(trial, gauges)), asyncio.create_task(_written(file))]
        await crowd.visit(service.url, trial.seconds, seed, trial.tally)
        for task in beside:
            task.cancel()
        await asyncio.wait(beside)
        sandbox.heal()
        trial.left = (await gauges.rest(before, _REST)).over(before)
        found = await gauges.metrics()
        trial.lags = late(told, found, 0.99), late(told, found, 1)
    trial.exit_code, _ = await service.stop()
    trial.sessions, _ = await gauges.sessions()
    trial.runs = Counter(dict(await conn.fetch("SELECT status, count(*) FROM etl_run GROUP BY status")))
    await conn.close()


async def _sampled(trial: Trial, gauges: Gauges) -> None:
    """Sample until cancelled; /metrics has to answer all the time."""
    while True:
        with trial.tally.visit("sample"):
            trial.samples.append(await gauges.sample())
        await asyncio.sleep(min(1.0, trial.seconds / 20))


async def _written(file: Path) -> None:
    """A new market file every two seconds, put in the place of the old one at once."""
    while True:
        await asyncio.sleep(2)
        market_file.write_market(new := file.with_suffix(".new"), _FILE_COINS)
        new.replace(file)
