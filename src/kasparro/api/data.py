"""`/data`: the latest figures of every coin."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import orjson
from aiohttp import web

from kasparro.api import as_of, asked, cursors, exports
from kasparro.api.accept import export_form
from kasparro.api.as_of import AsOf
from kasparro.api.cache import Body
from kasparro.api.coin_schemas import DataPage
from kasparro.api.data_query import DataQuery, Filter, address
from kasparro.api.openapi import EXPORTED, documented
from kasparro.api.versioned import versioned
from kasparro.store import coins
from kasparro.store import exports as store_exports
from kasparro.store.coins import Filters, Line, Place, Total
from kasparro.store.exports import Form, Sink
from kasparro.store.pool import Connection

_PLACE = ("cursor", "page", "page_size", "fields")  # what says nothing about which coins, and in which order
_UNCOUNTED = Total(None, is_exact=False)  # counting those of a moment would read all coins


@documented(
    tags=["data"],
    summary="The latest figures of every coin",
    description="One row for each source and coin, best rank first. Numbers keep every digit of the source. With "
    "`as_of`, what was known at that time.",
    query=DataQuery,
    responses={200: {"model": DataPage, "content": EXPORTED}, 400: "BadRequest", 503: "Unavailable"},
)
async def page(request: web.Request) -> web.StreamResponse:
    """A page, or all."""
    form = export_form(request)
    return await _export(request, form) if form else await _page(request)


async def _export(request: web.Request, form: Form) -> web.StreamResponse:
    query = asked.query(request, Filter)
    wanted = filters(query)

    async def copy(conn: Connection, sink: Sink) -> None:
        known = await as_of.knowable(conn, query.as_of)
        await store_exports.coins(conn, wanted, form, sink, as_of=known.moment)

    lasts = not (query.max_age or query.as_of)
    return await exports.send(request, form, "coins", copy, lasts=lasts, moment=query.as_of)


@versioned
async def _page(request: web.Request) -> Body:
    """The body is put together from text, because parsing and printing would cost time and digits."""
    query = asked.query(request, DataQuery)
    place = _place(query)
    async with as_of.reading(request, query.as_of) as conn:
        known = await as_of.knowable(conn, query.as_of)
        shown = await _read(conn, query, place, known)
        total = await coins.total(conn, filters(query)) if known.moment is None else _UNCOUNTED
    links = dict(_links(query, shown))
    head = {
        "total": total.rows,
        "total_is_exact": total.is_exact,
        "page": None if place else query.page,
        "page_size": query.page_size,
        "next": links.get("next"),
        **known.told,
    }
    text = f'{{"data":[{",".join(line.text for line in shown.lines)}],{orjson.dumps(head).decode()[1:-1]}'
    lasts = query.max_age is None and known.is_final
    return Body(text.encode(), {"Link": cursors.links(links), **known.headers}, lasts=lasts)


def filters(query: Filter) -> Filters:
    """Which rows the store is to look for."""
    oldest = datetime.now(UTC) - timedelta(seconds=query.max_age) if query.max_age else None
    return Filters(
        sources=query.source,
        symbols=query.symbol,
        ids=query.ids,
        rank_lte=query.rank_lte,
        price_gte=query.price_gte,
        updated_since=query.updated_since,
        observed_since=oldest,
        q=query.q and coins.containing(query.q),
        assets=query.asset_id,
    )


def _place(query: DataQuery) -> Place | None:
    if query.cursor is None:
        return None
    return cursors.read(query.cursor, address(query, *_PLACE), keys=len(query.order))


class _Shown(NamedTuple):
    """The coins of a page, and the places where its neighbours begin."""

    lines: list[Line]
    before: Place | None
    behind: Place | None


async def _read(conn: Connection, query: DataQuery, place: Place | None, known: AsOf) -> _Shown:
    """One coin more than wanted is read, which tells whether the page is the last."""
    try:
        lines = await _lines(conn, query, place, known)
    except coins.NoPlace:
        raise cursors.refused() from None
    has_more, lines = len(lines) > query.page_size, lines[: query.page_size]
    if not lines:
        return _Shown([], None, None)
    if place and place.is_backward:
        lines.reverse()
        return _Shown(lines, Place(lines[0].keys, True) if has_more else None, Place(lines[-1].keys))
    return _Shown(lines, Place(lines[0].keys, True), Place(lines[-1].keys) if has_more else None)


async def _lines(conn: Connection, query: DataQuery, place: Place | None, known: AsOf) -> list[Line]:
    wanted, limit = filters(query), query.page_size + 1
    fields, sort = query.shown, query.order
    if known.moment is None:
        return await coins.page(conn, wanted, fields=fields, sort=sort, place=place, skipped=query.skipped, limit=limit)
    return await coins.page_known(conn, known.moment, wanted, fields=fields, sort=sort, place=place, limit=limit)


def _links(query: DataQuery, shown: _Shown) -> Iterator[tuple[str, str]]:
    """Where the pages around this one are: relation -> address."""
    asked_for = address(query, *_PLACE)
    yield "first", _address(address(query, "cursor", "page"))
    if query.page > 1 and query.cursor is None:
        yield "prev", _address(address(query, "cursor", "page", page=query.page - 1))
    elif query.cursor and shown.before:
        yield "prev", _address(address(query, "cursor", "page", cursor=cursors.write(shown.before, asked_for)))
    if shown.behind:
        yield "next", _address(address(query, "cursor", "page", cursor=cursors.write(shown.behind, asked_for)))


def _address(query: str) -> str:
    return f"/data?{query}" if query else "/data"
