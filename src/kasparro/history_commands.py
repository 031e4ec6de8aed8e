"""`kasparro coverage` and `kasparro backfill`: what is missing of the history of coins, and how it is filled in."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import typer

from kasparro import app, progress, setup
from kasparro.console import Json, moment, pretty, stoppable
from kasparro.domain import Span
from kasparro.errors import Busy, NotThere
from kasparro.ingest.backfill import Summary
from kasparro.ingest.gap_map import Missing
from kasparro.sources import POLLED
from kasparro.store.coverage import coverage as covered
from kasparro.store.pool import Connection

Until = Annotated[datetime | None, typer.Option("--to", parser=moment, help="Up to when; now, if not given.")]


def backfill(
    source: str,
    assets: list[str],
    since: Annotated[datetime, typer.Option("--from", parser=moment, help="From when on, such as 2026-01-31.")],
    until: Annotated[
        datetime | None, typer.Option("--to", parser=moment, help="Up to when; now, if not given.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what is missing and would be asked.")] = False,
    all_credits: Annotated[
        bool, typer.Option("--all-credits", help="Take credits that the source's own cycles are going to need, too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Fill gaps in the history of coins, named by their assets or by the source's own ids.

    What is held, or was asked for before, is not asked for again: a backfill that was broken off goes on from there.
    """
    within = Span(since, until or datetime.now(UTC))
    if within.since >= within.until:
        raise typer.BadParameter("--from has to be before --to, and before now")
    settings = setup.settings([source])
    with stoppable("the same command goes on from there"), _explained():
        if dry_run:
            _tell_plan(*asyncio.run(app.missing(settings, assets, within)), as_json=as_json)
        else:
            _tell_summary(asyncio.run(app.backfill(settings, assets, within, all_credits=all_credits)), as_json=as_json)


def coverage(
    asset: str,
    since: Annotated[
        datetime | None, typer.Option("--from", parser=moment, help="From when on; the first tick.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", parser=moment, help="Up to when; now, if not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell what is held of the history of a coin, source by source, and where something is missing."""
    settings, now = setup.settings(), datetime.now(UTC)

    async def work(conn: Connection) -> str:
        found = await covered(conn, asset, since=since, until=min(until or now, now), polled=POLLED)
        if found is None:
            raise NotThere(f"there is no asset {asset}; GET /assets?q=... finds one")
        return found.listings

    with _explained():
        listings = orjson.loads(asyncio.run(app.on_database(settings, work)))
    print(pretty(listings) if as_json else _as_tables(listings))


def _as_tables(listings: list[dict[str, Any]]) -> str:
    """A table of the listings, and one of their gaps."""
    heads = [{key: value for key, value in each.items() if not isinstance(value, list)} for each in listings]
    gaps = [{"source": each["source"], "coin_id": each["coin_id"], **gap} for each in listings for gap in each["gaps"]]
    return "\n".join(progress.table(rows) for rows in (heads, gaps) if rows)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (Busy, NotThere) as error:
        print(f"kasparro: {error}", file=sys.stderr)
        sys.exit(1)


def _tell_plan(missing: list[Missing], spare: int | None, *, as_json: bool) -> None:
    calls = sum(len(each.parts) for each in missing)
    rows = [row for each in missing for row in _rows(each)]
    print(pretty({"calls": calls, "free_calls": spare, "parts": rows}) if as_json else progress.table(rows))
    free = "" if spare is None else f"; {spare} are free beside the cycles until the month turns"
    print(f"kasparro: {calls} calls{free}", file=sys.stderr)


def _rows(missing: Missing) -> Iterator[dict[str, Any]]:
    if missing.beyond:
        yield _row(missing, missing.beyond, None)
    for since, until, step in missing.parts:
        yield _row(missing, Span(since, until), step.total_seconds())


def _row(missing: Missing, span: Span, step: float | None) -> dict[str, Any]:
    return {
        "coin_id": missing.coin.coin_id,
        "from": span.since.isoformat(timespec="seconds"),
        "to": span.until.isoformat(timespec="seconds"),
        "step_seconds": step,
        "calls": 0 if step is None else 1,
        "why": "the plan goes less far back" if step is None else "missing",
    }


def _tell_summary(summary: Summary, *, as_json: bool) -> None:
    rows = [
        {"coin_id": filled.coin.coin_id, "calls": filled.calls, **asdict(filled.ledger), "error": filled.error}
        for filled in summary.coins
    ]
    error = str(summary.error) if summary.error else None
    head = {"source": summary.source, "run_id": summary.run_id, "status": summary.status, "error": error}
    requests = {"requests": summary.traffic.requests, "retries": summary.traffic.retries}
    print(pretty({**head, **requests, "coins": rows}) if as_json else progress.table(rows))
    if error:
        print(f"kasparro: {error}", file=sys.stderr)
    if error or any(filled.error for filled in summary.coins):
        sys.exit(1)
