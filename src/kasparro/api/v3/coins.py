"""`/api/v3/coins`: which coins there are, and how they stand."""

from __future__ import annotations

from aiohttp import web

from kasparro.api.cache import Body
from kasparro.api.keys import MARKET
from kasparro.api.v3 import queries
from kasparro.api.v3.answers import answers, told
from kasparro.api.v3.queries import ListQuery, MarketsQuery
from kasparro.api.v3.schemas import CoinList, Markets
from kasparro.api.v3.units import SOURCE, UNITS
from kasparro.api.versioned import whole
from kasparro.store import gecko
from kasparro.store.gecko import Choice, Order

_PER_PAGE = 250  # the most that CoinGecko gives, whatever is asked for


@answers(
    CoinList,
    summary="Every coin that CoinGecko lists here",
    description="A coin that only other sources list has no id of CoinGecko, and is not among them.",
    query=ListQuery,
)
@whole
async def listed(request: web.Request) -> Body:
    query = queries.query(request, ListQuery)
    async with request.app[MARKET].reading() as conn:
        text = await gecko.listed(conn, SOURCE, gone=query.status == "inactive", contracts=query.include_platform)
    return Body(text.encode(), {})


@answers(
    Markets,
    summary="How coins stand",
    description="As CoinGecko last gave it; `last_updated` tells when. A coin that it lists no more is left out.",
    query=MarketsQuery,
)
@whole
async def markets(request: web.Request) -> Body:
    query = queries.query(request, MarketsQuery)
    per_page = min(query.per_page, _PER_PAGE)
    async with request.app[MARKET].reading() as conn:
        found = await gecko.market(
            conn,
            SOURCE,
            query.choice() or Choice(),
            UNITS[query.vs_currency],
            Order(query.order, per_page, (query.page - 1) * per_page),
            digits=queries.digits(query.precision),
            windows=query.price_change_percentage or [],
            with_week=query.sparkline,
        )
    return told(found, "vs_currency")
