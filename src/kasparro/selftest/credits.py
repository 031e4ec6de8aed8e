"""P6: months of trouble over three replicas never cost a call too many, and none is made while a vendor forbids it."""

from __future__ import annotations

import asyncio
import signal
from random import Random

from kasparro.sandbox import faults, plan
from kasparro.selftest.ground import Ground, Market
from kasparro.selftest.strikes import Strike
from kasparro.selftest.verdict import Verdict
from kasparro.selftest.worker import done
from kasparro.store.sql import statement

_TURN_MONTH = statement("selftest_turn_month")
_END_HOLDS = statement("selftest_end_holds")
_CREDITS = 25
_REPLICAS = 3
_CYCLES = 8  # that each replica wants to make at a time
_EPISODES = 4  # in a month, each with a vendor that at last forbids every further call
_PASSING = ("server_error", "truncated", "reset", "html")
_FORBIDDING = (faults.RateLimited(retry_after=600), faults.Unauthorized(), faults.PaymentRequired())


async def months(ground: Ground, random: Random, verdict: Verdict) -> None:
    """Live through a month; count at the vendor what was asked."""
    async with ground.market() as market:
        for _ in range(_EPISODES):
            await _episode(market, random, verdict)
            await ground.fetch(_END_HOLDS)
        await _ask(market, None)  # nobody forbids it now: the rest of the month's credits is spent
        calls = _calls(market)
        used = [row["used"] for row in await ground.fetch(_TURN_MONTH)]
        await _ask(market, None)
        verdict.expect(_calls(market) > calls, "no call in the month behind it")
    over = max(0, calls - _CREDITS)
    verdict.count(months=1, calls=calls, quota_overruns=over)
    verdict.expect(not over, f"{calls} calls of {_CREDITS}")
    verdict.expect(used == [_CREDITS], f"not all was spent, so that nothing is proved: {used}")


async def _episode(market: Market, random: Random, verdict: Verdict) -> None:
    """Trouble that passes, then an answer that forbids every further call: none is made."""
    passing = plan.drawn(random.random().hex(), calls=random.randrange(6), share=0.7, kinds=_PASSING)
    market.sandbox.follow("coingecko", [*passing, random.choice(_FORBIDDING)])
    before = _calls(market)
    await _ask(market, Strike("before fetch", random.randint(1, 4)))
    late = max(0, _calls(market) - before - len(passing) - 1)
    market.sandbox.heal()
    verdict.count(calls_while_forbidden=late)
    verdict.expect(not late, f"{late} calls while the vendor forbade them")


async def _ask(market: Market, strike: Strike | None) -> None:
    """Replicas that want to run the source again and again, one of which is killed before a call."""
    environ = {"SOURCES": "coingecko", "COINGECKO_CREDITS": str(_CREDITS)}
    jobs = [market.job("cycle", each, times=_CYCLES, environ=environ) for each in [strike] + [None] * (_REPLICAS - 1)]
    ends = await asyncio.gather(*(done(job) for job in jobs))
    if unknown := set(ends) - {0, -signal.SIGKILL}:
        raise RuntimeError(f"replicas ended with {unknown}")


def _calls(market: Market) -> int:
    return len(market.sandbox.asked("coingecko"))
