"""What the status page shows beside the card: runs, a page of the market with its sparklines, drift and rejects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

import orjson

from kasparro.api.health import is_well
from kasparro.api.market import Market
from kasparro.api.queries import CardQuery
from kasparro.api.sparkline import sparkline
from kasparro.errors import DatabaseAway
from kasparro.store import overview, rejects, reports
from kasparro.store.overview import Row
from kasparro.store.pool import Connection, Pool
from kasparro.store.reading import reading
from kasparro.store.rejects import Filter

RUNS = 30  # in the strip of a source
COINS = 25  # on a page of the market
_COUNTED = 10_000  # coins; counting them all would take longer than showing some
_POINTS = 40  # of a sparkline
_ENTRIES = 6  # of drift, and of rejects
_PATIENCE = 5.0  # seconds


async def gather(desk: Pool, market: Market, card: Mapping[str, Any], query: CardQuery) -> dict[str, Any]:
    """Everything in status.html that is not in the card. What cannot be had in time is left out, and the page says so.

    The card has asked the database before: if that was away, it is not asked again.
    """
    unwell = [source for source, health in card["etl_status"].items() if not is_well(health)]
    shown = _nothing(card["database"]["reason"]) | {"query": query, "link": partial(link, query), "unwell": unwell}
    if card["status"] == "unhealthy":
        return shown
    try:
        async with reading(desk, _PATIENCE) as conn:
            shown["strips"] = _strips(await overview.runs(conn, limit=RUNS), card["etl_status"])
            shown["drifts"] = orjson.loads(
                await reports.drifts(conn, sources=None, acknowledged=False, resolved=False, limit=_ENTRIES)
            )
            shown["rejects"] = orjson.loads((await rejects.listed(conn, Filter(is_open=True), limit=_ENTRIES)).text)
        async with market.reading(patience=_PATIENCE) as conn:
            shown |= await _market(conn, query)
    except DatabaseAway as away:
        shown["obstacle"] = away.reason
    return shown


def _nothing(obstacle: str | None) -> dict[str, Any]:
    empty: dict[str, Any] = {"strips": {}, "drifts": None, "rejects": None, "coins": None, "size": 0, "is_last": True}
    return empty | {"obstacle": obstacle, "runs": RUNS, "bound": _COUNTED, "first": 1}


def link(query: CardQuery, **changes: object) -> str:
    """The address of the same page with some parameters changed; `page` goes back to the first unless it is given."""
    asked = query.model_copy(update={"page": 1, **changes})
    return f"?{urlencode(asked.model_dump(exclude_defaults=True))}"


def _strips(found: Mapping[str, Sequence[Row]], sources: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The runs of each source. One that says it is running while its source does not has died with its process."""
    return {
        source: [
            {**run, "status": "abandoned"}
            if run["status"] == "running" and health["last_run_status"] != "running"
            else dict(run)
            for run in found.get(source, ())
        ]
        for source, health in sources.items()
    }


async def _market(conn: Connection, query: CardQuery) -> dict[str, Any]:
    first = (query.page - 1) * COINS
    rows = await overview.market(
        conn, source=query.source, text=query.q, order=query.sort, limit=COINS + 1, offset=first
    )
    coins = rows[:COINS]
    lines = await overview.lines(conn, coins, points=_POINTS)
    return {
        "coins": [{**coin, "line": sparkline(lines.get((coin["source"], coin["coin_id"]), ()))} for coin in coins],
        "size": await overview.market_size(conn, source=query.source, text=query.q, bound=_COUNTED),
        "is_last": len(rows) <= COINS,
        "first": first + 1,
    }
