"""P4: every record that came went somewhere, whatever came."""

from __future__ import annotations

from random import Random

from kasparro.selftest.ground import Ground
from kasparro.selftest.pages import Record, coin, deliver, page
from kasparro.selftest.verdict import Verdict
from kasparro.store.sql import statement

_RUNS = statement("selftest_runs")
_PAGES = 15  # of a trial
_ODD = (
    *("null", '"a lot"', '""', '"1.5"', "[1, 2]", "{}", "true", "false", "0", "-1", "-0.0", "1e400", "1e-150"),
    *("NaN", "Infinity", "-Infinity", '"NaN"', "1" * 30, "0." + "1" * 30, "9" * 101, r'"N\u0000L"', r'"half \ud800"'),
    *('"\U0001f680"', '"2026-02-30T00:00:00Z"', '"yesterday"', '"3026-01-01T00:00:00Z"', "[" * 200 + "]" * 200),
)
_KEYS = ("id", "name", "symbol", "current_price", "market_cap", "market_cap_rank", "total_volume", "last_updated")
_OUTCOMES = ("inserted", "updated", "unchanged", "stale", "rejected", "duplicate")


async def conservation(ground: Ground, random: Random, verdict: Verdict) -> None:
    """Pages of records with random mistakes: the ledger agrees with itself, with what was sent, and with the tables."""
    async with ground.market(coins=10) as market, market.replica() as shop:
        for _ in range(_PAGES):
            records = [_record(random) for _ in range(random.randint(1, 60))]
            await deliver(market, shop, page(records))
            run = (await ground.fetch(_RUNS))[-1]
            unaccounted = abs(len(records) - sum(run[outcome] for outcome in _OUTCOMES))
            verdict.count(records=len(records), rejected=run["rejected"], unaccounted=unaccounted)
            verdict.expect(not unaccounted, f"{len(records)} sent, {dict(run)}")
            verdict.expect(run["fetched"] == len(records), f"{len(records)} sent, {dict(run)}")
            verdict.expect(run["quarantined"] == run["rejected"], f"not all rejects are kept: {dict(run)}")
            verdict.expect(run["rows_written"] == run["inserted"] + run["updated"], f"rows differ: {dict(run)}")


def _record(random: Random) -> Record:
    """One of few coins at one of few moments; every third has something odd."""
    record = {**coin(random.randrange(80), str(random.randrange(5)), minute=random.choice([None, 1, 2, 3]))}
    if random.random() < 0.3:
        for key in random.sample(_KEYS, random.randint(1, 3)):
            record[key] = random.choice(_ODD)
        if random.random() < 0.2:
            record.pop(random.choice(list(record)))
    return record
