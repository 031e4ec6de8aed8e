"""P1: a run may be killed at any instant, and the next one goes on as if nothing had been."""

from __future__ import annotations

import asyncio
import signal
from random import Random

from kasparro.selftest import books
from kasparro.selftest.ground import Ground, Market
from kasparro.selftest.strikes import MIGRATING, POINTS, Strike
from kasparro.selftest.verdict import Verdict
from kasparro.selftest.worker import done, working
from kasparro.store.sql import statement

_RAZE = statement("selftest_raze")
_KILLS = 5  # that are tried before the market moves, and as many behind


async def crashes(ground: Ground, random: Random, verdict: Verdict) -> None:
    """Kill runs at named points and at random moments, let them finish, compare with a run that nothing disturbed."""
    truth, seconds = await books.truth(ground, moves=1)
    async with ground.market() as market:
        await _killed(market, random, seconds, verdict)
        market.move()
        await _killed(market, random, seconds, verdict)
        await books.audit(ground, verdict, truth)


async def _killed(market: Market, random: Random, seconds: float, verdict: Verdict) -> None:
    """Workers that are killed, and one that finishes what they began."""
    for _ in range(_KILLS):
        await _kill(market, random, seconds, verdict)
    code = await done(market.job("ingest"))
    verdict.expect(code == 0, f"the run that was to finish ended with {code}")


async def _kill(market: Market, random: Random, seconds: float, verdict: Verdict) -> None:
    """One kill: at a named point, or from outside at a moment of the run. A run that is done before survives."""
    strike = Strike(random.choice(list(POINTS)), random.randint(1, 5)) if random.random() < 0.6 else None
    async with working(market.job("ingest", strike)) as worker:
        if strike is None:
            await asyncio.sleep(random.uniform(0, seconds))
            worker.send(signal.SIGKILL)
        is_killed = await worker.ended() == -signal.SIGKILL
    verdict.count(kills_survived=is_killed, at_a_point=is_killed and strike is not None)


async def migration_crashes(ground: Ground, random: Random, verdict: Verdict) -> None:
    """Kill the migration of an empty database between any two statements, and let the next one finish it."""
    truth = await books.schema(ground)
    async with ground.market(coins=50) as market:
        await ground.fetch(_RAZE)
        killed = await done(market.job("migrate", Strike(MIGRATING, random.randint(1, 15)))) == -signal.SIGKILL
        verdict.count(kills_survived=killed, in_a_migration=killed)
        code = await done(market.job("ingest"))
    found = await books.schema(ground)
    verdict.expect(code == 0, f"the run that was to finish the migration ended with {code}")
    verdict.expect(found == truth, f"the schema differs: {(found - truth) + (truth - found)}")
