"""`/metrics`: what Prometheus reads. The database is never asked for it."""

from __future__ import annotations

import asyncio

from aiohttp import hdrs, web

from kasparro.api import asked
from kasparro.api.keys import FEED, METRICS, POOLS, SIBLINGS
from kasparro.api.openapi import documented
from kasparro.api.queries import NoQuery
from kasparro.metrics import CONTENT_TYPE


@documented(
    tags=["health"],
    summary="Metrics for Prometheus",
    query=NoQuery,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, 400: "BadRequest"},
)
async def scrape(request: web.Request) -> web.StreamResponse:
    asked.query(request, NoQuery)
    siblings = request.app[SIBLINGS]
    body = await siblings.metrics() if siblings else rendered(request.app)
    return web.Response(body=body, headers={hdrs.CONTENT_TYPE: CONTENT_TYPE})


def rendered(app: web.Application) -> bytes:
    """The metrics of this process."""
    metrics = app[METRICS]
    for name, pool in app[POOLS]._asdict().items():
        if pool:
            metrics.pool_connections(name, used=pool.get_size() - pool.get_idle_size(), idle=pool.get_idle_size())
    metrics.tasks(len(asyncio.all_tasks()))
    metrics.followers(app[FEED].size)
    return metrics.render()
