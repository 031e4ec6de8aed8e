"""Tickers on their way in: COPY into the staging table, one merge into unified_crypto and price_history."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from kasparro.domain import Entry, Ticker
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
    coin_id, name, symbol, *figures = ticker
    texts = f"{_escape(coin_id)}\t{_escape(name)}\t{_escape(symbol) if symbol is not None else _NULL}"
    return f"{position}\t{texts}\t{_TAB.join([_NULL if value is None else str(value) for value in figures])}\n"


_NULL, _TAB = "\\N", "\t"
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def _escape(text: str) -> str:
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], text) if _SPECIAL.search(text) else text


async def merge(
    conn: Connection, source: str, staged: bytes, *, run_id: int, raw_id: int, fetched_at: datetime
) -> list[Effect]:
    """Stage a batch and merge it, inside the page's transaction."""
    await conn.copy_to_table("staged", source=_stream(staged), columns=COLUMNS, format="text")
    rows = await conn.fetch(_MERGE, source, run_id, raw_id, fetched_at)
    await conn.execute(_CLEAR)
    return [Effect(*row) for row in rows]


async def _stream(data: bytes) -> Any:
    yield data
