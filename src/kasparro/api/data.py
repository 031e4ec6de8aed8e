"""`/data`: the latest figures of every coin."""

from __future__ import annotations

from time import perf_counter

from aiohttp import web

from kasparro.api import asked
from kasparro.api.keys import POOL, REQUEST_ID
from kasparro.api.openapi import documented
from kasparro.api.queries import DataQuery
from kasparro.api.replies import passed_on
from kasparro.api.schemas import DataPage
from kasparro.store import reports
from kasparro.store.reading import reading


@documented(
    tags=["data"],
    summary="The latest figures of every coin",
    description="One row for each source and coin, best rank first. Numbers keep every digit of the source.",
    query=DataQuery,
    responses={200: {"model": DataPage}, 400: "BadRequest", 503: "Unavailable"},
)
async def page(request: web.Request) -> web.StreamResponse:
    """The body is put together from text, because parsing and printing would cost time and digits."""
    started = perf_counter()
    query = asked.query(request, DataQuery)
    async with reading(request.app[POOL]) as conn:
        coins = await reports.coins(
            conn,
            sources=query.source,
            symbols=query.symbol,
            assets=query.asset_id,
            limit=query.page_size,
            offset=(query.page - 1) * query.page_size,
        )
    return passed_on(
        f'{{"data":{coins.text},"total":{coins.total},"page":{query.page},"page_size":{query.page_size},'
        f'"request_id":"{request[REQUEST_ID]}","api_latency_ms":{(perf_counter() - started) * 1000:.2f}}}'
    )
