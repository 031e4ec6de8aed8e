"""P8: a database that dies, or has no connection left, is found again; no half page is ever seen.
P9: a source that is down for a day delays no other, and comes back with one run, not with a storm."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from itertools import pairwise
from random import Random

from kasparro.errors import ConfigurationError
from kasparro.sandbox import faults, plan
from kasparro.sandbox.market import VendorName
from kasparro.selftest import books
from kasparro.selftest.ground import Ground
from kasparro.selftest.services import serving, successes
from kasparro.selftest.verdict import Verdict
from kasparro.store import pool
from kasparro.store.pool import ERRORS
from kasparro.store.sql import statement

_RUNS = statement("selftest_runs")
_VENDORS: tuple[VendorName, VendorName] = ("coinpaprika", "coingecko")
_SLOW = ("latency", "slow_drip")
_DOWN = (faults.ServerError(503), faults.Reset(), faults.Html(), faults.Empty())
_TICK = 0.2  # seconds, where the product has 300
_FIRST_RETRY = {"kasparro.ingest.waits:FIRST_RETRY": _TICK / 10}  # where it has 30, and doubles them
_HASTY = 4  # retries within half a tick: the first three, and one that meets a tick
_LATE = 1.0  # seconds that no machine needs to wake up
_HOUR = 12  # ticks


async def database_outage(ground: Ground, random: Random, verdict: Verdict) -> None:
    """Kill PostgreSQL under a service at work, and take all its connections away; it goes on by itself."""
    truth, _ = await books.truth(ground)
    async with ground.market() as market:
        for vendor in _VENDORS:
            market.sandbox.follow(vendor, plan.drawn(random.random().hex(), share=0.5, kinds=_SLOW))
        async with serving(market, interval=0.3) as service:
            await service.has_run({"coinpaprika": 1})
            for exhausts in random.sample([False, True], 2):
                await asyncio.sleep(random.uniform(0, 0.6))
                before, started = await successes(ground), time.monotonic()
                if exhausts:
                    await _exhaust(ground)
                else:
                    ground.kill_postgres()
                await service.has_run(dict.fromkeys(_VENDORS, 2), before)
                verdict.count(server_kills=not exhausts, exhaustions=exhausts)
                verdict.peak(longest_recovery_seconds=time.monotonic() - started)
            code = await service.stop()
        verdict.expect(code == 0, f"the service ended with {code}")
        await books.audit(ground, verdict, truth)


async def _exhaust(ground: Ground) -> None:
    """Take every connection that the server gives, for a moment."""
    async with AsyncExitStack() as taken:
        with suppress(ConfigurationError, *ERRORS):
            while True:
                conn = await pool.connect(ground.dsn)
                taken.push_async_callback(conn.close)
        await asyncio.sleep(1)


async def source_outage(ground: Ground, random: Random, verdict: Verdict) -> None:
    """One source is down for a day: the other runs as ever, and the one that comes back has nothing to make up for."""
    down, other = random.sample(_VENDORS, 2)
    hours = 1 if ground.is_quick else 24
    async with ground.market(coins=10) as market:
        async with serving(market, interval=_TICK, constants=_FIRST_RETRY, SOURCES=",".join(_VENDORS)) as service:
            await service.has_run({down: 1, other: 1})
            market.sandbox.fail(down, random.choice(_DOWN), times=None)
            for _ in range(hours):
                await service.has_run({other: _HOUR}, await successes(ground))
            market.sandbox.heal(down)
            await service.has_run({down: 5}, await successes(ground))
            await service.stop()
        runs = await ground.fetch(_RUNS)
    hit = [run for run in runs if run["source"] == down]
    waits = [_seconds(b["scheduled_for"], a["finished_at"]) for a, b in pairwise(hit) if a["status"] == "failed"]
    hasty = sum(seconds < _TICK / 2 for seconds in waits)
    back = [run["scheduled_for"] for run in hit if run["status"] == "success"][1:]
    made_up = sum(_seconds(b, a) < 0.45 * _TICK for a, b in pairwise(back))
    late = sum(_seconds(run["started_at"], run["scheduled_for"]) > _LATE for run in runs if run["source"] == other)
    verdict.count(hours_of_outage=hours, failed_runs=len(waits), hasty_retries=hasty, runs_made_up_for=made_up)
    verdict.count(runs_of_others_late=late)
    verdict.expect(len(waits) > 0, "no run has failed: there was no outage")
    verdict.expect(hasty <= _HASTY, f"{hasty} retries of {down} came too fast: a storm: {waits}")
    verdict.expect(not made_up, f"{made_up} runs of {down} came too fast when it was back: {back}")
    verdict.expect(late <= hours, f"{late} runs of {other} were late")


def _seconds(moment: datetime, before: datetime) -> float:
    return (moment - before).total_seconds()
