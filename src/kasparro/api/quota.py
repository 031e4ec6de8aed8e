"""`/quota`: what calls cost, and how long the credits last."""

from __future__ import annotations

from aiohttp import web

from kasparro.api import asked
from kasparro.api.keys import POOL
from kasparro.api.openapi import documented
from kasparro.api.queries import NoQuery
from kasparro.api.replies import passed_on
from kasparro.api.schemas import Quotas
from kasparro.store import reports
from kasparro.store.reading import reading


@documented(
    tags=["health"],
    summary="Credits of each source: used, left, and when they run out",
    query=NoQuery,
    responses={200: {"model": Quotas}, 400: "BadRequest", 503: "Unavailable"},
)
async def quota(request: web.Request) -> web.StreamResponse:
    asked.query(request, NoQuery)
    async with reading(request.app[POOL]) as conn:
        return passed_on(await reports.quota(conn))
