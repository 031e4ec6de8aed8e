"""Rows by the million on their way out: one COPY, which sees one snapshot and is read as fast as it is passed on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Literal

from kasparro.store.coins import Filters
from kasparro.store.pool import Connection
from kasparro.store.sql import statement

Form = Literal["csv", "ndjson"]
Sink = Callable[[bytes], Awaitable[None]]

_PATIENCE = statement("export_patience")
_COINS = {"csv": statement("coin_export"), "ndjson": statement("coin_export_json")}
_COINS_KNOWN = {"csv": statement("coin_known_export"), "ndjson": statement("coin_known_export_json")}
_HISTORY = {"csv": statement("history_export"), "ndjson": statement("history_export_json")}
_HISTORY_KNOWN = {"csv": statement("history_known_export"), "ndjson": statement("history_known_export_json")}
_HOUR = 3600.0
_FORMS: dict[Form, dict[str, Any]] = {
    "csv": {"format": "csv", "header": True},
    # JSON holds no bare control characters: with these, COPY quotes nothing and sends each line as it is
    "ndjson": {"format": "csv", "delimiter": "\x02", "quote": "\x01"},
}


async def coins(conn: Connection, filters: Filters, form: Form, sink: Sink, *, as_of: datetime | None) -> None:
    """Send the latest rows that pass the filters, in no order: as they are, or as they were known at a moment."""
    if as_of is None:
        await copy(conn, _COINS[form], filters, form, sink)
    else:
        await copy(conn, _COINS_KNOWN[form], filters.known(as_of), form, sink)


async def history(
    conn: Connection,
    source: str,
    coin_id: str,
    form: Form,
    sink: Sink,
    *,
    since: datetime | None,
    before: datetime | None,
    as_of: datetime | None,
) -> None:
    """Send the observations of a coin, the newest first: as they are, or as they were known at a moment."""
    if as_of is None:
        await copy(conn, _HISTORY[form], (source, coin_id, since, before), form, sink)
    else:
        await copy(conn, _HISTORY_KNOWN[form], (source, coin_id, since, before, as_of), form, sink)


async def copy(conn: Connection, query: str, given: tuple[Any, ...], form: Form, sink: Sink) -> None:
    """Send what a statement answers. Where that breaks off, the connection is given up: asyncpg would cancel the
    statement, and wait for ever for the word of a server that had sent its last row by then.
    """
    transaction = conn.transaction(readonly=True)
    await transaction.start()
    try:
        await conn.execute(_PATIENCE)
        await conn.copy_from_query(query, *given, output=sink, timeout=_HOUR, **_FORMS[form])
    except BaseException:
        conn.terminate()
        raise
    await transaction.commit()
