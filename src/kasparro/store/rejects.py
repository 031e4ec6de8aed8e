"""Quarantine: records that could not become tickers."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from kasparro.domain import Fault, Rejection
from kasparro.store.pool import Connection
from kasparro.store.sql import statement
from kasparro.store.text import storable

_INSERT = statement("reject_insert")
_LONGEST = 100_000  # characters kept of a record; all of it is in the raw page


async def insert(
    conn: Connection,
    source: str,
    rejections: Sequence[Rejection],
    *,
    run_id: int,
    raw_id: int | None,
    stream: str,
) -> None:
    """Keep the records, each with its reasons."""
    await conn.execute(
        _INSERT,
        source,
        run_id,
        raw_id,
        stream,
        [rejection.position for rejection in rejections],
        [storable(rejection.text[:_LONGEST]) for rejection in rejections],
        [orjson.dumps([_reason(fault) for fault in rejection.faults]).decode() for rejection in rejections],
    )


def _reason(fault: Fault) -> dict[str, str]:
    return {name: storable(text) for name, text in fault._asdict().items()}
