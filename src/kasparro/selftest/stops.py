"""P10: a service that is told to stop under load stops in order, behind its last committed page."""

from __future__ import annotations

import asyncio
import time
from random import Random

from kasparro.sandbox import faults
from kasparro.sandbox.market import VendorName
from kasparro.selftest import books
from kasparro.selftest.ground import Ground
from kasparro.selftest.services import Running, serving
from kasparro.selftest.verdict import Verdict
from kasparro.selftest.worker import done
from kasparro.store.sql import statement

_RUNS = statement("selftest_runs")
_LONGEST = 10.0  # seconds
_CLIENTS = 4
_VENDORS: tuple[VendorName, ...] = ("coinpaprika", "coingecko")


async def graceful_stop(ground: Ground, random: Random, verdict: Verdict) -> None:
    """SIGTERM at a random moment, while sources are being read and the API is being asked; a later run goes on."""
    truth, _ = await books.truth(ground)
    async with ground.market() as market:
        for vendor in _VENDORS:
            market.sandbox.fail(vendor, faults.SlowDrip(pause=0.02, size=20_000), times=None)
        async with serving(market) as service, asyncio.TaskGroup() as group:
            await service.until("it answers", lambda: _answers(service, "/health/live"))
            for _ in range(_CLIENTS):
                group.create_task(_ask(service, verdict))
            await asyncio.sleep(random.uniform(0, 0.5))
            started = time.monotonic()
            code = await service.stop()
            seconds = time.monotonic() - started
        runs = [run for run in await ground.fetch(_RUNS) if run["source"] in _VENDORS]
        verdict.peak(longest_stop_seconds=seconds)
        verdict.count(runs_stopped_under_way=sum(run["status"] == "cancelled" for run in runs))
        verdict.expect(code == 0, f"it ended with {code}")
        verdict.expect(seconds <= _LONGEST, f"it took {seconds:.1f} s")
        for run in runs:
            verdict.expect(run["status"] != "running", f"a run is left open: {dict(run)}")
            verdict.expect(run["checkpoint"] == run["last_page"], f"the checkpoint is not behind its page: {dict(run)}")
        market.sandbox.heal()
        await done(market.job("ingest"))
        await books.audit(ground, verdict, truth)


async def _ask(service: Running, verdict: Verdict) -> None:
    """Ask for data until nobody answers."""
    while await _answers(service, "/data?page_size=100"):
        verdict.count(requests_served=1)


async def _answers(service: Running, path: str) -> bool:
    return 0 < (await service.get(path))[0] < 500
