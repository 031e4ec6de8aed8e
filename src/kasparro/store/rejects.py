"""Quarantine: records that could not become tickers, and their way out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import orjson

from kasparro.domain import Fault, Rejection, Replayal
from kasparro.store.pool import Connection
from kasparro.store.sql import statement
from kasparro.store.text import storable

_INSERT = statement("reject_insert")
_LIST = statement("reject_list")
_OPEN = statement("reject_open")
_REPLAYED = statement("reject_replayed")
_REFUSED = statement("reject_refused")
_REQUEST = statement("reject_request")
_REQUESTED = statement("reject_requested")
_COMMONEST = statement("reject_commonest")
LONGEST = 100_000  # characters kept of a record; all of it is in the raw page


async def insert(
    conn: Connection,
    source: str,
    rejections: Sequence[Rejection],
    *,
    run_id: int,
    raw_id: int | None,
    stream: str,
    fetched_at: datetime | None,
) -> None:
    """Keep the records, each with its reasons."""
    await conn.execute(
        _INSERT,
        source,
        run_id,
        raw_id,
        stream,
        fetched_at,
        [rejection.position for rejection in rejections],
        [storable(rejection.text[:LONGEST]) for rejection in rejections],
        [_reasons(rejection.faults) for rejection in rejections],
    )


def _reasons(faults: Sequence[Fault]) -> str:
    reasons = [{name: storable(text) for name, text in fault._asdict().items()} for fault in faults]
    return orjson.dumps(reasons).decode()


class Filter(NamedTuple):
    """Which records are wanted; None is any.

    `path` is the path of a reason, or its column where the path is a line of a file. `before` is a reject_id.
    """

    sources: Sequence[str] | None = None
    run_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    is_open: bool | None = None
    path: str | None = None
    before: int | None = None


class Listed(NamedTuple):
    """A page of quarantined records as a JSON list: how many they are, and the reject_id of the last."""

    records: int
    last: int
    text: str


async def listed(conn: Connection, wanted: Filter, *, limit: int) -> Listed:
    """The latest quarantined records, newest first."""
    return Listed(*await conn.fetchrow(_LIST, *wanted, limit))


class Choice(NamedTuple):
    """Which open records of a source are replayed: of one run, or these; or only those that somebody asked for."""

    run_id: int | None = None
    reject_ids: Sequence[int] | None = None
    is_requested: bool = False


class Open(NamedTuple):
    """A record in quarantine. It has no raw_id where a whole file, `stream`, was refused."""

    reject_id: int
    run_id: int
    raw_id: int | None
    stream: str
    position: int
    record: str
    fetched_at: datetime


async def following(conn: Connection, source: str, choice: Choice, *, after: int, limit: int) -> list[Open]:
    """The open records behind the reject_id `after`, oldest first."""
    return [Open(*row) for row in await conn.fetch(_OPEN, source, after, *choice, limit)]


async def close(conn: Connection, outcomes: Mapping[int, Replayal]) -> None:
    """Mark records as replayed: reject_id -> outcome."""
    await conn.execute(_REPLAYED, list(outcomes), list(outcomes.values()))


async def leave_open(conn: Connection, faults: Mapping[int, Sequence[Fault]]) -> None:
    """Give records that still are bad the reasons of now."""
    await conn.execute(_REFUSED, list(faults), [_reasons(reasons) for reasons in faults.values()])


async def request(conn: Connection, *, source: str | None, run_id: int | None, reject_ids: Sequence[int] | None) -> int:
    """Ask the service to replay open records; returns how many."""
    count: int = await conn.fetchval(_REQUEST, source, run_id, reject_ids)
    return count


async def requested(conn: Connection) -> list[str]:
    """The sources with records that somebody asked to replay."""
    return [row["source"] for row in await conn.fetch(_REQUESTED)]


async def commonest(conn: Connection, source: str, run_id: int) -> str:
    """What is wrong with most of the records of a run: path and message."""
    path, message = await conn.fetchrow(_COMMONEST, source, run_id)
    return f"{path}: {message}" if path else message
