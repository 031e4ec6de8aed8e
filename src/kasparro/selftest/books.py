"""What the database holds at the end of a trial, compared with what it has to hold."""

from __future__ import annotations

import re
import time
from collections import Counter

from kasparro.selftest.ground import Ground
from kasparro.selftest.verdict import Verdict
from kasparro.selftest.worker import done
from kasparro.store.sql import statement

_ROWS = statement("selftest_rows")
_SCHEMA = statement("selftest_schema")
_AUDIT = statement("selftest_audit")

Books = Counter[str]
"""Rows as lines of text, our own clocks and counters left out."""


async def rows(ground: Ground) -> Books:
    """Every latest row and every tick of history."""
    return Counter(row["line"] for row in await ground.fetch(_ROWS))


async def schema(ground: Ground) -> Books:
    """The schema; partitions come and go, and are no part of it."""
    lines = [row["line"] for row in await ground.fetch(_SCHEMA)]
    return Counter(line for line in lines if not re.search(r"\b(raw|price_history)_\w", line))


async def truth(ground: Ground, *, moves: int = 0, sources: str = "") -> tuple[Books, float]:
    """What the tables hold when workers read everything in peace, before and after each move; seconds of a worker."""
    if (moves, sources) not in ground.truths:
        started, environ = time.monotonic(), {"SOURCES": sources}
        async with ground.market() as market:
            await done(market.job("ingest", environ=environ))
            for _ in range(moves):
                market.move()
                await done(market.job("ingest", environ=environ))
            ground.truths[moves, sources] = await rows(ground), (time.monotonic() - started) / (moves + 1)
    return ground.truths[moves, sources]


async def audit(ground: Ground, verdict: Verdict, true: Books) -> None:
    """Expect the tables to hold what is true: no page half there, no record counted twice, no run left open."""
    compare(verdict, true, await rows(ground))
    (row,) = await ground.fetch(_AUDIT)
    verdict.count(half_pages=row["half_pages"])
    for name, figure in row.items():
        verdict.expect(not figure, f"{name}: {figure}")


def compare(verdict: Verdict, true: Books, found: Books) -> None:
    """Expect that nothing is lost, and nothing there that should not be."""
    lost, extra = true - found, found - true
    verdict.count(records_lost=lost.total(), duplicates=extra.total())
    verdict.expect(not lost, f"{lost.total()} rows lost, such as {next(iter(lost), None)}")
    verdict.expect(not extra, f"{extra.total()} rows twice or wrong, such as {next(iter(extra), None)}")
