"""A backfill of CoinGecko that is killed at a point of its second page: DSN URL SINCE UNTIL POINT COIN..."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import datetime
from typing import Any

from kasparro.domain import Coin, Span
from kasparro.ingest.backfill import Backfill
from kasparro.ingest.reader import ApiReader, reader
from kasparro.ingest.transport import Transport, session
from kasparro.metrics import Metrics
from kasparro.settings import Rate
from kasparro.sources import SOURCES
from kasparro.store import backfills
from kasparro.store.pool import ingest_pool


def _second(work: Any, *, behind: bool) -> Any:
    """The same, but the process dies before, or behind, the second call."""
    calls = 0

    async def deadly(*values: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2 and not behind:
            os.kill(os.getpid(), signal.SIGKILL)
        result = await work(*values, **named)
        if calls == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return deadly


async def main(dsn: str, url: str, since: str, until: str, point: str, *coins: str) -> None:
    match point:
        case "answered":
            Transport.send = _second(Transport.send, behind=True)  # type: ignore[method-assign] # the instant to die at
        case "written":
            backfills.note = _second(backfills.note, behind=True)
        case "committed":
            Backfill._read = _second(Backfill._read, behind=False)  # type: ignore[method-assign] # one page is whole
    source = SOURCES["coingecko"]
    options = source.options_type(base_url=url, rate=Rate(10_000, 1))  # type: ignore[call-arg] # of an API
    async with ingest_pool(dsn, 4) as pool, session() as outbound:
        reading = reader(source, options, outbound, Metrics())
        assert isinstance(reading, ApiReader)
        within = Span(datetime.fromisoformat(since), datetime.fromisoformat(until))
        await Backfill(reading, pool, Metrics(), "killed").run([Coin(coin, coin) for coin in coins], within)


asyncio.run(main(*sys.argv[1:]))
