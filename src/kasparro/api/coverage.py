"""`/assets/{asset_id}/coverage`: since when a coin is known, how densely, and where something is missing."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
from aiohttp import web

from kasparro.api import asked
from kasparro.api.asset_queries import AssetPath, CoverageQuery
from kasparro.api.cache import Body
from kasparro.api.coverage_schemas import AssetCoverage
from kasparro.api.keys import POOLS
from kasparro.api.openapi import documented
from kasparro.api.problems import no_asset
from kasparro.api.versioned import versioned
from kasparro.sources import POLLED
from kasparro.store.coverage import coverage
from kasparro.store.reading import reading


@documented(
    tags=["assets"],
    summary="What is held of a coin's history, source by source, and what is missing",
    description="Spans, and the gaps between them. An asset that was taken over is answered for by the one that did.",
    path=AssetPath,
    query=CoverageQuery,
    responses={200: {"model": AssetCoverage}, 400: "BadRequest", 404: "NotFound", 503: "Unavailable"},
)
@versioned
async def covered(request: web.Request) -> Body:
    """Kept only where it ends in the past: the last gap grows with time."""
    query = asked.query(request, CoverageQuery)
    asset_id, now = asked.path(request, AssetPath).asset_id, datetime.now(UTC)
    until = min(query.until or now, now)
    async with reading(request.app[POOLS].market) as conn:
        found = await coverage(conn, asset_id, since=query.since, until=until, polled=POLLED)
    if found is None:
        raise no_asset(asset_id)
    head = orjson.dumps({"asset_id": found.asset_id, "from": query.since, "to": until}).decode()
    return Body(f'{head[:-1]},"listings":{found.listings}'.encode(), {}, lasts=until != now)
