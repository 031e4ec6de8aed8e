"""How a cycle of `kasparro ingest` looks: bars on a terminal, a line now and then elsewhere, a table at the end."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from kasparro.ingest.pipeline import Summary
from kasparro.ingest.scheduler import NotRun
from kasparro.log import logger

Watch = Callable[[Summary], None]
_EVERY = 5.0  # seconds between lines where there is no terminal
_COLUMNS = (
    "source",
    "status",
    "pages",
    "fetched",
    "inserted",
    "updated",
    "unchanged",
    "stale",
    "duplicate",
    "rejected",
    "error",
)

log = logger("ingest")


@contextmanager
def shown(sources: Sequence[str]) -> Iterator[Watch]:
    """A function to call after every page."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    columns = (
        BarColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed} records"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks = {source: bars.add_task(source, total=None) for source in sources}
        yield lambda summary: bars.update(tasks[summary.source], completed=summary.ledger.fetched)


def _lines() -> Watch:
    said = dict.fromkeys([""], time.monotonic())

    def watch(summary: Summary) -> None:
        now = time.monotonic()
        if now - said.get(summary.source, said[""]) >= _EVERY:
            said[summary.source] = now
            log.info("under way", source=summary.source, pages=summary.pages, records=summary.ledger.fetched)

    return watch


def as_json(results: Sequence[Summary | NotRun]) -> str:
    """The results as a JSON list."""
    return orjson.dumps([_row(result) for result in results], option=orjson.OPT_INDENT_2).decode()


def as_table(results: Sequence[Summary | NotRun]) -> str:
    """The results as a table for people."""
    return table([{column: _row(result).get(column) for column in _COLUMNS} for result in results])


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows, all of the same columns, as a table for people."""
    drawn = Table(*(rows[0] if rows else ()))
    for row in rows:
        drawn.add_row(*("" if value is None else str(value) for value in row.values()))
    text = Console(file=io.StringIO(), width=160, record=True)
    text.print(drawn)
    return text.export_text().rstrip()


def _row(result: Summary | NotRun) -> dict[str, Any]:
    if isinstance(result, NotRun):
        return asdict(result)
    ledger = asdict(result.ledger) | {"fetched": result.ledger.fetched}
    traffic = {"requests": result.traffic.requests, "retries": result.traffic.retries}
    head = {"source": result.source, "status": result.status, "run_id": result.run_id, "pages": result.pages}
    return (
        head | ledger | traffic | {"simulated": result.simulated, "error": str(result.error) if result.error else None}
    )
