"""`/assets`: which listings are one coin, and what people say of that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import orjson
from aiohttp import web

from kasparro import log
from kasparro.api import asked, prices
from kasparro.api.access import Answers, admin
from kasparro.api.asset_queries import AssetPath, AssetsQuery, LinkWish, Listed, MergeWish, SplitWish
from kasparro.api.asset_schemas import AssetDetails, AssetPage, Curated
from kasparro.api.keys import MARKET, POOL, REQUEST_ID
from kasparro.api.openapi import documented
from kasparro.api.problems import Problem, no_asset
from kasparro.api.queries import NoQuery, Query
from kasparro.api.replies import as_json, passed_on
from kasparro.errors import NotThere
from kasparro.identity.listing import Key
from kasparro.store import curation, reports
from kasparro.store.pool import Connection
from kasparro.store.reading import reading

Wish = TypeVar("Wish", bound=Query)

_EVENTS = 100
_log = log.logger("api")


@documented(
    tags=["assets"],
    summary="Coins, whoever lists them",
    description="In the order of their ids; the page behind it is at `next`.",
    query=AssetsQuery,
    responses={200: {"model": AssetPage}, 400: "BadRequest", 503: "Unavailable"},
)
async def page(request: web.Request) -> web.StreamResponse:
    query = asked.query(request, AssetsQuery)
    async with request.app[MARKET].reading() as conn:
        found = await reports.assets(
            conn,
            after=query.after,
            q=query.q,
            ambiguous=query.ambiguous,
            sources=query.sources_gte,
            limit=query.limit,
        )
        data = await prices.shown(conn, found.text, query.fields) if query.fields else found.text
    more = found.last is not None and found.number == query.limit
    following = str(request.rel_url.update_query(after=str(found.last))) if more else None
    rest = orjson.dumps({"next": following, "request_id": request[REQUEST_ID]}).decode()
    return passed_on(f'{{"data":{data},{rest[1:]}')


@documented(
    tags=["assets"],
    summary="A coin: its listings, what speaks for each, their latest rows, and what changed",
    description="The id of an asset that another took over leads there.",
    path=AssetPath,
    query=NoQuery,
    responses={
        200: {"model": AssetDetails},
        301: {"description": "Another asset took it over", "content": {}},
        400: "BadRequest",
        404: "NotFound",
        503: "Unavailable",
    },
)
async def details(request: web.Request) -> web.StreamResponse:
    asked.query(request, NoQuery)
    asset_id = asked.path(request, AssetPath).asset_id
    async with request.app[MARKET].reading() as conn:
        text, merged_into = await reports.asset(conn, asset_id, events=_EVENTS)
    if text is None:
        raise no_asset(asset_id)
    if merged_into is None:
        return passed_on(text)
    return passed_on(text, status=301, headers={"Location": f"/assets/{merged_into}"})


_ANSWERS: Answers = {200: {"model": Curated}, 404: "NotFound"}


@admin(
    tags=["assets"],
    summary="Say which asset a listing belongs to",
    description="No rule moves it from there.",
    body=LinkWish,
    responses=_ANSWERS,
)
async def link(request: web.Request) -> web.StreamResponse:
    wish = await _wish(request, LinkWish)
    return await _curated(request, lambda conn: curation.link(conn, _key(wish), wish.asset_id))


@admin(
    tags=["assets"],
    summary="Say that a listing is a coin of its own",
    description="It gets an asset for itself, where it has none, and no rule links it.",
    body=Listed,
    responses=_ANSWERS,
)
async def unlink(request: web.Request) -> web.StreamResponse:
    wish = await _wish(request, Listed)
    return await _curated(request, lambda conn: curation.unlink(conn, _key(wish)))


@admin(
    tags=["assets"],
    summary="Say that two assets are one coin",
    description="The second takes over all listings of the first.",
    body=MergeWish,
    responses=_ANSWERS,
)
async def merge(request: web.Request) -> web.StreamResponse:
    wish = await _wish(request, MergeWish)
    return await _curated(request, lambda conn: curation.merge(conn, wish.asset_id, wish.into))


@admin(
    tags=["assets"],
    summary="Say that some listings of an asset are another coin",
    description="They get an asset of their own, together.",
    body=SplitWish,
    responses=_ANSWERS,
)
async def split(request: web.Request) -> web.StreamResponse:
    wish = await _wish(request, SplitWish)
    keys = [_key(listed) for listed in wish.listings]
    return await _curated(request, lambda conn: curation.split(conn, wish.asset_id, keys))


async def _wish(request: web.Request, model: type[Wish]) -> Wish:
    asked.query(request, NoQuery)
    return await asked.body(request, model)


async def _curated(request: web.Request, work: Callable[[Connection], Awaitable[str]]) -> web.StreamResponse:
    async with reading(request.app[POOL]) as conn:
        try:
            asset_id = await work(conn)
        except NotThere as error:
            raise Problem(404, error.what) from None
    _log.info("asset curated", route=request.path, asset_id=asset_id)
    return as_json({"asset_id": asset_id, "request_id": request[REQUEST_ID]})


def _key(listed: Listed) -> Key:
    return Key(listed.source, listed.coin_id)
