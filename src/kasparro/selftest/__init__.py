"""The promises of ingestion, tried on this machine: a throw-away PostgreSQL, simulated vendors, real kills.

    ground      the database, the vendors, the file of a trial; the same for the same seed
    worker      processes that do what the command does, forked from a warm one
    services    whole services among them
    race        replicas that compete for the ticks of a source
    strikes     named points of a run at which a worker is killed or frozen; the product knows nothing of them
    books       what the tables hold at the end, against what they have to hold
    promises    the list; a module for each, or for two that are alike

A trial compares with a truth that nothing disturbed, or with a model of a few lines. It can fail, it says why, and it
waits for nothing without end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from random import Random

from kasparro.selftest.ground import Ground, prepared
from kasparro.selftest.promises import PROMISES, Trial
from kasparro.selftest.verdict import Verdict

__all__ = ["PROMISES", "Verdict", "attempt", "prepared", "run", "tried"]

_LONGEST = 300.0  # seconds of a trial


async def run(
    promises: Collection[str], *, seed: str, is_quick: bool, said: Callable[[str], None] = lambda _: None
) -> list[Verdict]:
    """Try these promises, one after the other; `said` is told what is under way."""
    said("starting a throw-away PostgreSQL")
    async with prepared(seed, is_quick=is_quick) as ground:
        verdicts = []
        for name in sorted(promises, key=list(PROMISES).index):
            said(f"{name}: {PROMISES[name].says}")
            verdicts.append(await tried(ground, name))
        return verdicts


async def tried(ground: Ground, name: str) -> Verdict:
    """Try a promise, in all its trials."""
    verdict, promise = Verdict(name), PROMISES[name]
    for trial, quick, long in promise.trials:
        for number in range(quick if ground.is_quick else long):
            await attempt(ground, trial, verdict, number)
    verdict.close(promise.proof)
    return verdict


async def attempt(ground: Ground, trial: Trial, verdict: Verdict, number: int = 0) -> None:
    """One trial. One that breaks, or does not end, has failed; it stops no other."""
    random = Random(f"{ground.seed}/{trial.__name__}/{number}")  # noqa: S311 - nothing here is secret
    with verdict.trial():
        async with asyncio.timeout(_LONGEST):
            await ground.awake()
            await trial(ground, random, verdict)
