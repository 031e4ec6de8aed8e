"""Quarantined records read again by the mapping of now: an API's from its own text, a row from its raw page."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from kasparro.domain import Entry, Fault, Record, Rejection, Response, Ticker
from kasparro.errors import Malformed, Rejected
from kasparro.ingest import kept, past
from kasparro.sources.base import ApiSource, Source
from kasparro.store import raw
from kasparro.store.pool import Connection
from kasparro.store.rejects import LONGEST, Open

Faults = tuple[Fault, ...]
Read = Ticker | Faults | None
"""A ticker, what is still wrong with the record, or None: no record but a whole file was refused."""

_CUT = Fault("record", f"it was cut after {LONGEST:,} characters; `kasparro rebuild` reads it from its raw page", "")
_GONE = Fault("page", "its raw page is no longer kept: RAW_RETENTION_DAYS", "")
_UNTOLD = Fault("page", "its raw page is from before Kasparro kept how a page was read", "")


async def read(conn: Connection, source: Source, records: Sequence[Open]) -> dict[int, Read]:
    """reject_id -> what the record is now. The records are of one page."""
    raw_id = records[0].raw_id
    if raw_id is None:
        return dict.fromkeys(record.reject_id for record in records)
    if isinstance(source, ApiSource):
        return {record.reject_id: _by_text(source, record) for record in records}
    rows = await _rows(conn, source.name, raw_id)
    return {record.reject_id: rows if isinstance(rows, tuple) else rows[record.position] for record in records}


def _by_text(source: ApiSource, record: Open) -> Read:
    if len(record.record) >= LONGEST:
        return (_CUT,)
    body = f"[{record.record}]".encode()
    try:
        if coin := past.coin(record.stream):
            return source.point(Record(record.position, record.record.encode()), coin)
        (only,) = source.records(Response(200, {}, body, "", record.fetched_at))
        return source.dated(source.ticker(only), record.fetched_at)
    except Rejected as rejected:
        return rejected.faults
    except Malformed as malformed:
        return (Fault("$", malformed.reason, record.record[:200]),)


async def _rows(conn: Connection, source: str, raw_id: int) -> Mapping[int, Ticker | Faults] | Faults:
    """The rows of a page by their position, or why there are none."""
    page = await raw.kept(conn, source, raw_id)
    if page is None:
        return (_GONE,)
    if not page.reading:
        return (_UNTOLD,)
    again = kept.FilePages()
    try:
        entries = again.entries(page)
    except Malformed as malformed:
        return (Fault("page", malformed.reason, page.url),)
    if again.is_named:
        for earlier in await raw.before(conn, source, page):
            await _recall(conn, source, earlier, again)
    return await asyncio.to_thread(_by_position, entries)


async def _recall(conn: Connection, source: str, raw_id: int, again: kept.FilePages) -> None:
    """Let the sheet see an earlier page of its file, which decides what a name stands for."""
    if (page := await raw.kept(conn, source, raw_id)) is not None:
        await asyncio.to_thread(_by_position, again.entries(page))


def _by_position(entries: kept.Entries) -> dict[int, Ticker | Faults]:
    return {
        item.position: item.ticker if isinstance(item, Entry) else item.faults
        for item in entries
        if isinstance(item, Entry | Rejection)
    }
