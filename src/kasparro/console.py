"""What commands have in common: what they understand, and how they answer."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import typer

from kasparro import progress

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def moment(text: str) -> datetime:
    """A date or a time; UTC where it does not say."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time; give one such as 2026-01-31T12:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@contextmanager
def stoppable(prospect: str) -> Iterator[None]:
    """For work that may be broken off; `prospect` tells who does the rest."""
    try:
        yield
    except (asyncio.CancelledError, KeyboardInterrupt):
        print(f"kasparro: stopped; what was committed stays, and {prospect}", file=sys.stderr)
        sys.exit(1)


def tell(rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Print what came of each source; exit with 1 where one has an error."""
    print(pretty(rows) if as_json else progress.table(rows))
    if any(row["error"] for row in rows):
        sys.exit(1)


def pretty(value: Any) -> str:
    """A value as JSON for people."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
