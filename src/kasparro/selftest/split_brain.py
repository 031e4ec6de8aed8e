"""P3: an owner that was frozen past its lease wakes up and commits nothing; of several replicas one runs each tick."""

from __future__ import annotations

import asyncio
import signal
from random import Random

from kasparro.selftest import books
from kasparro.selftest.ground import Ground, Market
from kasparro.selftest.race import Race, raced
from kasparro.selftest.strikes import POINTS, Strike
from kasparro.selftest.verdict import Verdict
from kasparro.selftest.worker import Job, done, working
from kasparro.store.sql import statement

_RUNS = statement("selftest_runs")
_TTL = 0.4  # seconds, where the product has 30: a trial need not last a minute
_BRIEF = {
    "kasparro.store.leases:TTL": _TTL,
    "kasparro.store.leases:FROZEN": 0.3,
    "kasparro.store.pool:_IDLE_IN_TRANSACTION": {"idle_in_transaction_session_timeout": "300ms"},
}
# Where nothing but the fence keeps the owner from going on: its session is not in a transaction, and so lives.
_BETWEEN_PAGES = ("before fetch", "after fetch", "after COMMIT")
_TICKS = 100  # of a trial


async def frozen(ground: Ground, random: Random, verdict: Verdict) -> None:
    """SIGSTOP the owner, let its lease run out and another replica finish, SIGCONT the first."""
    point = random.choice(random.choice([_BETWEEN_PAGES, tuple(POINTS)]))
    strike = Strike(point, 1 if "closing" in point else random.randint(1, 3), signal.SIGSTOP)
    truth, _ = await books.truth(ground, sources="coingecko")
    async with ground.market() as market, working(_job(market, strike)) as owner:
        verdict.expect(await owner.told() == point, f"it never came to {strike}")
        await asyncio.sleep(1.2 * _TTL)
        await done(_job(market))
        before = await _pages(ground)
        owner.send(signal.SIGCONT)
        await owner.ended()
        late = await _pages(ground) - before
        verdict.count(takeovers=1, late_commits=late)
        verdict.expect(not late, f"{late} pages committed under an old fence, frozen {point}")
        await books.audit(ground, verdict, truth)


def _job(market: Market, strike: Strike | None = None) -> Job:
    return market.job("ingest", strike, constants=_BRIEF, environ={"SOURCES": "coingecko"})


async def _pages(ground: Ground) -> int:
    """How many pages the first run, which was frozen, has committed."""
    return int((await ground.fetch(_RUNS))[0]["pages_kept"])


async def ticks(ground: Ground, random: Random, verdict: Verdict) -> None:
    """Three replicas, held up by chance, at ticks as fast as they can be run: each is run once, by one of them."""
    async with ground.market(coins=1) as market:
        race = await raced(ground.dsn, market.sandbox.coinpaprika_url, ticks=_TICKS, seed=random.getrandbits(32))
        calls = len(market.sandbox.asked("coinpaprika"))
    verdict.count(ticks=race.well, ticks_run_twice=race.twice, runs_side_by_side=race.overlapping)
    verdict.expect(race == Race(race.runs, race.well, 0, 0, 0, 0, 3), f"not all is well: {race}")
    verdict.expect(race.well <= calls <= race.runs <= race.well + 1, f"{calls} calls: {race}")
