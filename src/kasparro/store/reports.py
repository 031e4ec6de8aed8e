"""What the API shows, as JSON text: PostgreSQL prints it, so that every figure keeps its digits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import asyncpg

from kasparro.store.pool import Connection
from kasparro.store.sql import statement

_ASSETS = statement("asset_page")
_ASSET = statement("asset_details")
_HEALTH = statement("source_health")
_STATS = statement("source_stats")
_QUOTA = statement("quota_list")
_RUNS = statement("run_list")
_RUN = statement("run_details")
_LAST_FINISHED = statement("run_last_finished")
_HISTORY = statement("run_history")
_PARTS = statement("snapshot_parts")
_COMPARE = statement("snapshot_compare")
_DRIFTS = statement("drift_list")
_ACKNOWLEDGE = statement("drift_acknowledge")

Names = Sequence[str] | None  # None: any


class Record(NamedTuple):
    """What a source's records are like: our field -> its upstream path, and the fields in which 0 means unknown."""

    paths: Mapping[str, str]
    zero_is_unknown: Collection[str]


class Assets(NamedTuple):
    """A page of assets (a JSON list), the id of the last, and how many they are."""

    text: str
    last: str | None
    number: int


async def assets(
    conn: Connection, *, after: str | None, q: str | None, ambiguous: bool | None, sources: int | None, limit: int
) -> Assets:
    """Assets behind an id, in the order of their ids; `sources` is how many listings each has at least."""
    return Assets(*await conn.fetchrow(_ASSETS, after, q, ambiguous, sources, limit))


async def asset(conn: Connection, asset_id: str, *, events: int) -> tuple[str | None, str | None]:
    """An object: everything about an asset, with its last events; and the asset that took it over, if one did."""
    row = await conn.fetchrow(_ASSET, asset_id, events)
    return tuple(row) if row else (None, None)


async def health(conn: Connection) -> str:
    """An object: source -> where it stands."""
    return str(await conn.fetchval(_HEALTH))


async def stats(conn: Connection) -> str:
    """A list: what each source has done so far."""
    return str(await conn.fetchval(_STATS))


async def quota(conn: Connection) -> str:
    """A list: what each source may spend, has spent, and is about to."""
    return str(await conn.fetchval(_QUOTA))


async def runs(conn: Connection, *, sources: Names, limit: int) -> str:
    """A list of the latest runs."""
    return str(await conn.fetchval(_RUNS, sources, limit))


async def run(conn: Connection, run_id: int) -> str | None:
    """An object: everything about a run; None where there is no such run."""
    text: str | None = await conn.fetchval(_RUN, run_id)
    return text


async def last_finished(conn: Connection, source: str) -> list[int]:
    """Ids of the last two finished runs of a source, the older first; fewer where there are fewer."""
    return [row["run_id"] for row in reversed(await conn.fetch(_LAST_FINISHED, source))]


async def history(conn: Connection, source: str, *, before: int, limit: int) -> list[dict[str, float]]:
    """What the last good runs of a source before a given one came to: each figure by its name in `/runs`."""
    return [dict(row) for row in await conn.fetch(_HISTORY, source, before, limit)]


class Parts(NamedTuple):
    """The runs that made a snapshot, the pages they committed, and how many of these are kept still."""

    runs: Sequence[int]
    pages: int
    kept: int


async def parts(conn: Connection, run_id: int) -> Parts:
    """What the snapshot that a run ended was made of."""
    return Parts(*await conn.fetchrow(_PARTS, run_id))


async def snapshots(
    conn: Connection, source: str, runs: tuple[Sequence[int], Sequence[int]], record: Record, *, limit: int
) -> str | None:
    """An object: how the coins of the second snapshot differ from those of the first, each given by its runs.

    None where a raw page cannot be read. Raises TimeoutError when it takes longer than a statement may.
    """
    paths = record.paths
    try:
        text: str | None = await conn.fetchval(
            _COMPARE, source, *runs, list(paths), list(paths.values()), list(record.zero_is_unknown), limit
        )
    except asyncpg.QueryCanceledError:
        raise TimeoutError from None
    return text


async def drifts(
    conn: Connection, *, sources: Names, acknowledged: bool | None, resolved: bool | None, limit: int
) -> str:
    """A list of drifts, those that wait for somebody first."""
    return str(await conn.fetchval(_DRIFTS, sources, acknowledged, resolved, limit))


async def acknowledge(conn: Connection, source: str, *, kind: str | None, path: str | None) -> int:
    """Mark drifts of a source as seen by a person; None means any. Returns how many were not yet."""
    count: int = await conn.fetchval(_ACKNOWLEDGE, source, kind, path)
    return count
