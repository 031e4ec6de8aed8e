"""`/api/v3/ping` and `/api/v3/simple`: prices of some coins."""

from __future__ import annotations

import orjson
from aiohttp import web

from kasparro.api.cache import Body
from kasparro.api.keys import MARKET
from kasparro.api.problems import Problem
from kasparro.api.queries import NoQuery
from kasparro.api.replies import as_json
from kasparro.api.v3 import queries
from kasparro.api.v3.answers import answers, told
from kasparro.api.v3.queries import PriceQuery
from kasparro.api.v3.schemas import Currencies, Ping, SimplePrices
from kasparro.api.v3.units import SOURCE, UNITS
from kasparro.api.versioned import whole
from kasparro.store import gecko


@answers(Ping, summary="Whether the service answers")
async def ping(request: web.Request) -> web.StreamResponse:
    queries.query(request, NoQuery)
    return as_json({"gecko_says": "(V3) To the Moon!"})


@answers(
    SimplePrices,
    summary="Prices of some coins",
    description="Of each coin as CoinGecko last gave it. One that it does not list, or lists no more, is left out.",
    query=PriceQuery,
)
@whole
async def price(request: web.Request) -> Body:
    query = queries.query(request, PriceQuery)
    choice = query.choice()
    if choice is None:
        raise Problem(422, "Missing parameter ids")
    if not query.vs_currencies:
        raise Problem(422, "Missing parameter vs_currencies")
    async with request.app[MARKET].reading() as conn:
        found = await gecko.prices(
            conn, SOURCE, choice, query.units(), query.figures(), queries.digits(query.precision)
        )
    return told(found, "vs_currencies")


@answers(
    Currencies,
    summary="What prices can be told in",
    description="The US dollar, and those of CoinGecko's coins and parts of coins that have a price here.",
)
@whole
async def currencies(request: web.Request) -> Body:
    queries.query(request, NoQuery)
    async with request.app[MARKET].reading() as conn:
        rates = await gecko.rates(conn, SOURCE, list(UNITS.values()))
    return Body(orjson.dumps(list(rates)), {})
