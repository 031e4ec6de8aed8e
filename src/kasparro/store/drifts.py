"""Schema drift: each difference once per source, kind and path, and what is usual for each page of a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

from kasparro.domain import Drift
from kasparro.store.pool import Connection
from kasparro.store.sql import statement
from kasparro.store.text import storable

_NOTE = statement("drift_note")
_RESOLVE = statement("drift_resolve")
_RECALL = statement("profile_recall")
_LEARN = statement("profile_learn")
_EXPIRE = statement("profile_expire")


class Noted(NamedTuple):
    """Whether a drift was never seen before, or has changed since it was acknowledged; whether it is unacknowledged."""

    is_news: bool
    is_open: bool


class Memory(NamedTuple):
    """What was learned of a page of the snapshot, and the traits ("null_rate ath") that were acknowledged since."""

    learned: Mapping[str, Any]
    acknowledged: frozenset[str]


async def note(conn: Connection, source: str, drift: Drift, run_id: int) -> Noted:
    """Keep a drift seen on a page."""
    row = await conn.fetchrow(
        _NOTE,
        source,
        drift.kind,
        storable(drift.path),
        drift.severity,
        drift.confidence,
        drift.expected,
        drift.observed,
        drift.renamed_to and storable(drift.renamed_to),
        drift.sample and storable(drift.sample),
        run_id,
    )
    return Noted(*row)


async def resolve(conn: Connection, source: str, run_id: int) -> list[str]:
    """Mark the drifts as resolved that a whole snapshot did not show; returns their kinds and paths."""
    return [f"{row['kind']} {row['path']}" for row in await conn.fetch(_RESOLVE, source, run_id)]


async def recall(conn: Connection, source: str, part: str) -> Memory:
    """What is known of the values of a page of the snapshot; nothing, before the first."""
    row = await conn.fetchrow(_RECALL, source, storable(part))
    return Memory(row["learned"], frozenset(row["acknowledged"])) if row else Memory({}, frozenset())


async def learn(conn: Connection, source: str, part: str, learned: Mapping[str, Any]) -> None:
    """Keep what is known of the values of a page of the snapshot from now on."""
    await conn.execute(_LEARN, source, storable(part), learned)


async def expire(conn: Connection, days: int) -> None:
    """Forget the pages of snapshots that have not come for so many days."""
    await conn.execute(_EXPIRE, days)


def as_fields(drift: Drift) -> dict[str, object]:
    """A drift as the fields of a log line."""
    return {name: value for name, value in asdict(drift).items() if value is not None}
