"""`/assets/{asset_id}/ohlcv`: candles of a coin, by one source or by all of them together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
from aiohttp import web

from kasparro.api import asked, cursors, exports
from kasparro.api.accept import export_form
from kasparro.api.asset_queries import AssetPath
from kasparro.api.cache import Body
from kasparro.api.candle_queries import CONSENSUS, CandlesFilter, CandlesQuery
from kasparro.api.candle_schemas import CandlePage
from kasparro.api.data_query import address
from kasparro.api.keys import MARKET
from kasparro.api.openapi import EXPORTED, documented
from kasparro.api.problems import Problem, no_asset
from kasparro.api.versioned import versioned
from kasparro.consensus import AGREES
from kasparro.store import ohlcv as candles
from kasparro.store.exports import Form, Sink
from kasparro.store.ohlcv import Extent, Wanted
from kasparro.store.pool import Connection

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


@documented(
    tags=["assets"],
    summary="Candles of a coin",
    description="Open, high, low and close of each step, the newest first, from the prices that are kept: of one "
    "source, or the median of the sources whose closes agree, figure by figure. A step without a price is there, as a "
    "gap. An asset that was taken over is answered for by the one that did.",
    path=AssetPath,
    query=CandlesQuery,
    responses={
        200: {"model": CandlePage, "content": EXPORTED},
        400: "BadRequest",
        404: "NotFound",
        503: "Unavailable",
    },
)
async def ohlcv(request: web.Request) -> web.StreamResponse:
    """A page, or all."""
    form = export_form(request)
    return await _export(request, form) if form else await _page(request)


async def _export(request: web.Request, form: Form) -> web.StreamResponse:
    query = asked.query(request, CandlesFilter)
    asset_id = asked.path(request, AssetPath).asset_id

    async def copy(conn: Connection, sink: Sink) -> None:
        found = await _extent(conn, asset_id, query)
        since, before = _span(query, found, datetime.now(UTC))
        await candles.export(conn, _wanted(query, found, since, before), form, sink)

    return await exports.send(request, form, "candles", copy, lasts=False)


@versioned
async def _page(request: web.Request) -> Body:
    """Kept unless it holds the step that is not over: the same data makes another page when that is."""
    query = asked.query(request, CandlesQuery)
    asset_id = asked.path(request, AssetPath).asset_id
    now = datetime.now(UTC)
    async with request.app[MARKET].reading() as conn:
        found = await _extent(conn, asset_id, query)
        first, before = _span(query, found, now)
        since = max(first, before - query.page_size * query.step)
        shown = await candles.page(conn, _wanted(query, found, since, before)) if since < before else []
    links = {"first": cursors.address(request, address(query))}
    if first < since < before:
        links["next"] = cursors.address(request, address(query, to=since.isoformat()))
    head = {
        "asset_id": found.asset_id,
        "source": query.source,
        "interval": query.interval,
        "page_size": query.page_size,
        "next": links.get("next"),
    }
    text = f'{{"data":[{",".join(shown)}],{orjson.dumps(head).decode()[1:-1]}'
    return Body(text.encode(), {"Link": cursors.links(links)}, lasts=before <= now)


async def _extent(conn: Connection, asset_id: str, query: CandlesFilter) -> Extent:
    found = await candles.extent(conn, asset_id, None if query.source == CONSENSUS else query.source)
    if found is None:
        raise no_asset(asset_id)
    if not found.sources:
        raise Problem(404, f"{query.source} does not list {found.asset_id}; GET /assets/{found.asset_id} says who does")
    return found


def _span(query: CandlesFilter, found: Extent, now: datetime) -> tuple[datetime, datetime]:
    """From when to before when there are candles, both multiples of the step: inside the days of which anything is
    known, and not behind the present. Where nothing is known of what is asked for, there is nothing between the two.
    """
    if found.first_day is None or found.last_day is None:
        return now, now
    first, last = found.first_day, min(found.last_day + _DAY, _floor(now, query.step) + query.step)

    def inside(moment: datetime) -> datetime:
        return _ceil(min(max(moment, first), last), query.step)

    return inside(query.since or first), inside(query.until or last)


def _floor(moment: datetime, step: timedelta) -> datetime:
    return moment - (moment - _EPOCH) % step


def _ceil(moment: datetime, step: timedelta) -> datetime:
    return moment + (_EPOCH - moment) % step


def _wanted(query: CandlesFilter, found: Extent, since: datetime, before: datetime) -> Wanted:
    return Wanted(found.sources, found.coin_ids, query.step, since, before, AGREES, query.fill)
