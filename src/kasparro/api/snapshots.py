"""Where the snapshots of two runs come from: their raw pages, while these are kept."""

from __future__ import annotations

from kasparro.api.run_schemas import RunDetails
from kasparro.sources import SOURCES
from kasparro.sources.base import ApiSource
from kasparro.sources.records import upstream_path
from kasparro.store import reports
from kasparro.store.pool import Connection


class Untold(Exception):
    """Why nothing can be told of the coins of two runs; the rest of the comparison stands."""


async def difference(conn: Connection, a: RunDetails, b: RunDetails, *, limit: int) -> str:
    """How the coins of the snapshots differ that two runs of a source ended, as JSON; raises Untold."""
    source = SOURCES.get(b.source_name)
    if not isinstance(source, ApiSource):
        raise Untold(f"{b.source_name} brings what is new in files and no snapshots: its ledgers are compared")
    runs = await _runs(conn, a), await _runs(conn, b)
    fields = source.record_type.model_fields
    paths = {name: path for name, info in fields.items() if (path := upstream_path(info))}
    record = reports.Record(paths, source.zero_is_unknown)
    try:
        text = await reports.snapshots(conn, source.name, runs, record, limit=limit)
    except TimeoutError:
        raise Untold("it takes longer than a statement may") from None
    if text is None:
        raise Untold("PostgreSQL cannot read one of the raw pages as JSON")
    return text


async def _runs(conn: Connection, run: RunDetails) -> list[int]:
    """The runs that made the snapshot which a run ended."""
    if run.status not in ("success", "partial"):
        raise Untold(f"run {run.run_id} is {run.status}: it ended no snapshot")
    parts = await reports.parts(conn, run.run_id)
    if not parts.kept or parts.kept < parts.pages:
        kept = f"{parts.kept} of {parts.pages} raw pages are kept"
        raise Untold(f"of the snapshot of run {run.run_id} {kept}; RAW_RETENTION_DAYS says for how long")
    return list(parts.runs)
