"""The latest rows and their history on their way out, as JSON text: PostgreSQL prints it, so that no digit is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import asyncpg

from kasparro.store.pool import Connection
from kasparro.store.sql import statement

_PAGE = statement("coin_page")
_PAGE_KNOWN = statement("coin_known_page")
_TOTAL = statement("coin_total")
_DETAILS = statement("coin_details")
_ORIGIN = statement("coin_origin")
_HISTORY = statement("history_page")
_HISTORY_KNOWN = statement("history_known_page")

Names = Sequence[str] | None  # None: any
Keys = Sequence[str | None]
"""The place of a row in an order: the values of the sort keys, then source and coin_id, all as text."""


class Filters(NamedTuple):
    """Which of the latest rows; None is any."""

    sources: Names = None
    symbols: Names = None
    ids: Names = None
    rank_lte: int | None = None
    price_gte: Decimal | None = None
    updated_since: datetime | None = None
    observed_since: datetime | None = None
    q: str | None = None
    """A pattern of LIKE for the name, the symbol or the id."""
    assets: Names = None

    def known(self, moment: datetime) -> tuple[Any, ...]:
        """The same of what was known at a moment: those filters that look at what is kept of every time."""
        return moment, self.sources, self.symbols, self.ids, self.price_gte, self.q, self.assets


class Place(NamedTuple):
    """Where a page begins: behind these keys, or before them when it is read backward."""

    keys: Keys
    is_backward: bool = False


class NoPlace(ValueError):
    """The keys cannot be a place in this order."""


class Line(NamedTuple):
    """A row as a JSON object, and its place."""

    text: str
    keys: Keys


class Total(NamedTuple):
    """How many rows match; an estimate where counting them would take long, None where nobody counts."""

    rows: int | None
    is_exact: bool


def containing(text: str) -> str:
    """The pattern of LIKE for what contains this text."""
    return "%" + re.sub(r"([%_\\])", r"\\\1", text) + "%"


async def page(
    conn: Connection,
    filters: Filters,
    *,
    fields: Sequence[str],
    sort: Sequence[str],
    place: Place | None,
    skipped: int,
    limit: int,
) -> list[Line]:
    """Up to `limit` rows in the order of `sort`; `-rank` descends. Raises NoPlace.

    Read backward, the row nearest to the place comes first.
    """
    with _found(place) as (after, is_backward):
        rows = await conn.fetch(_PAGE, *filters, fields, sort, after, is_backward, skipped, limit)
    return [Line(*row) for row in rows]


async def page_known(
    conn: Connection,
    moment: datetime,
    filters: Filters,
    *,
    fields: Sequence[str],
    sort: Sequence[str],
    place: Place | None,
    limit: int,
) -> list[Line]:
    """As `page`, of the rows as they were known at a moment."""
    with _found(place) as (after, is_backward):
        rows = await conn.fetch(_PAGE_KNOWN, *filters.known(moment), fields, sort, after, is_backward, limit)
    return [Line(*row) for row in rows]


@contextmanager
def _found(place: Place | None) -> Iterator[tuple[Keys | None, bool]]:
    """Where the page begins; raises NoPlace where PostgreSQL cannot read it as a place in this order."""
    try:
        yield place or (None, False)
    except asyncpg.DataError:
        if place is None:
            raise
        raise NoPlace from None


async def total(conn: Connection, filters: Filters) -> Total:
    """How many rows pass the filters."""
    return Total(*await conn.fetchrow(_TOTAL, *filters))


async def details(conn: Connection, source: str, coin_id: str) -> str | None:
    """An object: all that is known of a coin; None where there is no such coin."""
    text: str | None = await conn.fetchval(_DETAILS, source, coin_id)
    return text


class Origin(NamedTuple):
    """Where a row came from: its place on a page, and the page; `body` is its text, None once it is deleted."""

    raw_id: int
    position: int
    run_id: int | None
    page: int | None
    url: str | None
    sha256: str | None
    fetched_at: datetime | None
    body: str | None


async def origin(conn: Connection, source: str, coin_id: str) -> Origin | None:
    """The origin of the latest row of a coin; None where there is no such coin."""
    row = await conn.fetchrow(_ORIGIN, source, coin_id)
    return Origin(*row) if row else None


class Tick(NamedTuple):
    """An observation of a coin as a JSON object, and its time."""

    text: str
    observed_at: datetime


async def history(
    conn: Connection,
    source: str,
    coin_id: str,
    *,
    since: datetime | None,
    before: datetime | None,
    limit: int,
    as_of: datetime | None,
) -> list[Tick]:
    """Up to `limit` observations of a coin, the newest first: not before `since`, and all before `before`.

    They are told as they are, or as they were known at a moment.
    """
    query, known = (_HISTORY, ()) if as_of is None else (_HISTORY_KNOWN, (as_of,))
    return [Tick(*row) for row in await conn.fetch(query, source, coin_id, since, before, limit, *known)]
