"""Tickers on their way in: COPY into the staging table, one merge into unified_crypto and price_history."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import asyncpg

from kasparro.domain import Entry, Ticker
from kasparro.store import candles, versions
from kasparro.store.pool import Connection
from kasparro.store.sql import statement

COLUMNS = ("raw_position", *Ticker._fields)
_MERGE = statement("tickers_merge")
_CLEAR = statement("staging_clear")


class Effect(NamedTuple):
    """How many staged records had which effect on the latest row and on the history; None is none."""

    latest: str | None
    tick: str | None
    records: int


def copy_text(entries: Iterable[Entry]) -> bytes:
    """The entries in PostgreSQL's COPY text format; figures are printed digit for digit."""
    return "".join([_line(position, ticker) for position, ticker in entries]).encode()


def _line(position: int, ticker: Ticker) -> str:
    # Only id, name and symbol are free text; the rest are numbers and times, which need no escaping.
    coin_id, name, symbol, *rest = ticker
    if _SPECIAL.search(f"{coin_id}{name}{symbol}"):
        coin_id, name, symbol = _escape(coin_id), _escape(name), symbol and _escape(symbol)
    for place in _MOMENTS:
        if (moment := rest[place]) is not None:
            rest[place] = _moment(moment)
    others = "\t".join([_NULL if value is None else str(value) for value in (symbol, *rest)])
    return f"{position}\t{coin_id}\t{name}\t{others}\n"


_MOMENTS = [Ticker._fields.index(name) - 3 for name in ("ath_at", "atl_at", "source_updated_at")]


_moment = lru_cache(maxsize=4096)(str)  # slow, and many records have the same moment


_NULL = "\\N"
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def _escape(text: str) -> str:
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], text)


class Origin(NamedTuple):
    """What all records of a page have in common; `since` is how far back history is kept."""

    source: str
    run_id: int
    raw_id: int
    fetched_at: datetime
    is_series: bool
    since: datetime


async def merge(conn: Connection, origin: Origin, staged: bytes) -> list[Effect]:
    """Stage a batch and merge it, inside the page's transaction. The staging table must be empty."""
    await stage(conn, staged)
    effects = await _merged(conn, origin)
    if any(effect.tick or effect.latest in ("inserted", "updated") for effect in effects):
        await versions.bump(conn, origin.source)
    if any(effect.tick for effect in effects):
        await candles.note_staged(conn, origin.source, origin.raw_id, origin.fetched_at)
    return effects


async def _merged(conn: Connection, origin: Origin) -> list[Effect]:
    """A tick newer than the latest row of its coin is taken for new. Where the history shows that it is not, as after
    the latest rows were made anew from fewer pages, every tick is looked for first."""
    try:
        async with conn.transaction():
            return [Effect(*row) for row in await conn.fetch(_MERGE, *origin, False)]
    except asyncpg.UniqueViolationError:
        return [Effect(*row) for row in await conn.fetch(_MERGE, *origin, True)]


async def stage(conn: Connection, staged: bytes) -> None:
    """Copy records into the staging table."""
    await conn.copy_to_table("staged", source=_stream(staged), columns=COLUMNS, format="text")


async def clear(conn: Connection) -> None:
    """Empty the staging table for the next batch of the page."""
    await conn.execute(_CLEAR)


async def _stream(data: bytes) -> Any:
    yield data
