"""Schema drift: each difference once per source, kind and path."""

from __future__ import annotations

from dataclasses import asdict

from kasparro.domain import Drift
from kasparro.store.pool import Connection
from kasparro.store.sql import statement
from kasparro.store.text import storable

_NOTE = statement("drift_note")


async def note(conn: Connection, source: str, drift: Drift, run_id: int) -> bool:
    """Keep a drift seen on a page; returns whether it was never seen before."""
    is_first: bool = await conn.fetchval(
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
    return is_first


def as_fields(drift: Drift) -> dict[str, object]:
    """A drift as the fields of a log line."""
    return {name: value for name, value in asdict(drift).items() if value is not None}
