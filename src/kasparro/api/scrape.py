"""`/metrics`: what Prometheus reads. The database is never asked for it."""

from __future__ import annotations

import asyncio

from aiohttp import hdrs, web

from kasparro.api import asked
from kasparro.api.keys import FEED, METRICS, POOL
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
    pool, metrics = request.app[POOL], request.app[METRICS]
    metrics.pool_connections("idle", pool.get_idle_size())
    metrics.pool_connections("used", pool.get_size() - pool.get_idle_size())
    metrics.tasks(len(asyncio.all_tasks()))
    metrics.followers(request.app[FEED].size)
    return web.Response(body=metrics.render(), headers={hdrs.CONTENT_TYPE: CONTENT_TYPE})
