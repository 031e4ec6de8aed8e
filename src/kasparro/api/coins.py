"""`/coins`: one coin of one source, the record that it came from, and its history."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import orjson
from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from kasparro.api import as_of, asked, cursors, exports
from kasparro.api.accept import export_form
from kasparro.api.as_of import AsOf
from kasparro.api.cache import Body
from kasparro.api.coin_schemas import CoinDetails, CoinHistory, RawRecord
from kasparro.api.data_query import CoinPath, HistoryFilter, HistoryQuery, address
from kasparro.api.keys import CUTS, MARKET
from kasparro.api.openapi import EXPORTED, documented
from kasparro.api.problems import RETRY_AFTER, Problem
from kasparro.api.queries import Moment, NoQuery
from kasparro.api.versioned import versioned
from kasparro.sources import SOURCES, kept
from kasparro.store import coins
from kasparro.store import exports as store_exports
from kasparro.store.coins import Place, Tick
from kasparro.store.exports import Form, Sink
from kasparro.store.pool import Connection
from kasparro.store.reading import QUEUE

_MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)


@documented(
    tags=["data"],
    summary="All that is known of a coin of a source",
    description="Its latest row, with the place of the record that it came from.",
    path=CoinPath,
    query=NoQuery,
    responses={200: {"model": CoinDetails}, 400: "BadRequest", 404: "NotFound", 503: "Unavailable"},
)
@versioned
async def details(request: web.Request) -> Body:
    asked.query(request, NoQuery)
    coin = asked.path(request, CoinPath)
    async with request.app[MARKET].reading() as conn:
        return Body((await _details(conn, coin))[:-1].encode(), {})


@documented(
    tags=["data"],
    summary="The record that a coin's latest row came from",
    description="Exactly as the source sent it, cut out of its raw page, while that is kept.",
    path=CoinPath,
    query=NoQuery,
    responses={200: {"model": RawRecord}, 400: "BadRequest", 404: "NotFound", 503: "Unavailable"},
)
@versioned
async def raw(request: web.Request) -> Body:
    """Not kept in the cache: retention deletes raw pages without a change of the data."""
    asked.query(request, NoQuery)
    coin = asked.path(request, CoinPath)
    async with _turn(request.app[CUTS]):
        return await _cut(request, coin)


@asynccontextmanager
async def _turn(cuts: asyncio.Semaphore) -> AsyncIterator[None]:
    """One of the few places; raises Problem where none is to be had soon."""
    try:
        async with asyncio.timeout(QUEUE):
            await cuts.acquire()
    except TimeoutError:
        detail = "raw pages are being cut for others, and they take long"
        raise Problem(503, detail, headers=RETRY_AFTER) from None
    try:
        yield
    finally:
        cuts.release()


async def _cut(request: web.Request, coin: CoinPath) -> Body:
    async with request.app[MARKET].reading() as conn:
        origin = await coins.origin(conn, coin.source, coin.coin_id)
    if origin is None:
        raise _unknown(coin)
    if origin.body is None:
        raise Problem(404, f"raw page {origin.raw_id} is deleted; RAW_RETENTION_DAYS says how long pages are kept")
    # a page of 20,000 records takes a while to cut
    record = await asyncio.to_thread(kept.record, SOURCES[coin.source], origin.body, origin.position)
    if record is None:
        raise Problem(404, f"raw page {origin.raw_id} cannot be read any more: it has no record {origin.position}")
    told = {"source": coin.source, "coin_id": coin.coin_id, **origin._asdict(), **record._asdict()}
    del told["body"]
    return Body(orjson.dumps(told)[:-1], {}, lasts=False)


@documented(
    tags=["data"],
    summary="The history of a coin of a source",
    description="Its observations, the newest first. With `as_of`, as they were known at that time.",
    path=CoinPath,
    query=HistoryQuery,
    responses={
        200: {"model": CoinHistory, "content": EXPORTED},
        400: "BadRequest",
        404: "NotFound",
        503: "Unavailable",
    },
)
async def history(request: web.Request) -> web.StreamResponse:
    """A page, or all."""
    form = export_form(request)
    return await _export(request, form) if form else await _history(request)


async def _export(request: web.Request, form: Form) -> web.StreamResponse:
    query = asked.query(request, HistoryFilter)
    coin = asked.path(request, CoinPath)
    async with as_of.reading(request, query.as_of) as conn:
        await _details(conn, coin)

    async def copy(conn: Connection, sink: Sink) -> None:
        moment = (await as_of.knowable(conn, query.as_of)).moment
        await store_exports.history(
            conn, coin.source, coin.coin_id, form, sink, since=query.since, before=query.until, as_of=moment
        )

    return await exports.send(request, form, "history", copy, lasts=query.as_of is None, moment=query.as_of)


@versioned
async def _history(request: web.Request) -> Body:
    query = asked.query(request, HistoryQuery)
    coin = asked.path(request, CoinPath)
    seal = f"{coin.source}/{coin.coin_id}?{address(query, 'cursor', 'page_size')}"
    before = _time(query, seal)
    async with as_of.reading(request, query.as_of) as conn:
        known = await as_of.knowable(conn, query.as_of)
        ticks = await _ticks(conn, coin, query, before=before, known=known)
    has_more, ticks = len(ticks) > query.page_size, ticks[: query.page_size]
    following = cursors.write(Place([ticks[-1].observed_at.isoformat()]), seal) if has_more else None
    links = {"first": cursors.address(request, address(query, "cursor"))}
    if following:
        links["next"] = cursors.address(request, address(query, "cursor", cursor=following))
    head = {"source": coin.source, "coin_id": coin.coin_id, "page_size": query.page_size, "next": links.get("next")}
    text = f'{{"data":[{",".join(tick.text for tick in ticks)}],{orjson.dumps(head | known.told).decode()[1:-1]}'
    return Body(text.encode(), {"Link": cursors.links(links), **known.headers}, lasts=known.is_final)


async def _ticks(
    conn: Connection, coin: CoinPath, query: HistoryQuery, *, before: datetime | None, known: AsOf
) -> list[Tick]:
    """One observation more than wanted, which tells whether the page is the last."""
    ticks = await coins.history(
        conn,
        coin.source,
        coin.coin_id,
        since=query.since,
        before=before,
        limit=query.page_size + 1,
        as_of=known.moment,
    )
    if not ticks:
        await _details(conn, coin)
    return ticks


def _time(query: HistoryQuery, seal: str) -> datetime | None:
    """Before which time the page begins: where the cursor says, or where the query does."""
    if query.cursor is None:
        return query.until
    [moment] = cursors.read(query.cursor, seal, keys=1).keys
    try:
        return _MOMENT.validate_python(moment)
    except ValidationError:
        raise cursors.refused() from None


async def _details(conn: Connection, coin: CoinPath) -> str:
    text = await coins.details(conn, coin.source, coin.coin_id)
    if text is None:
        raise _unknown(coin)
    return text


def _unknown(coin: CoinPath) -> Problem:
    return Problem(404, f"{coin.source} has no coin {coin.coin_id!r}; /data?q=... looks for one")
