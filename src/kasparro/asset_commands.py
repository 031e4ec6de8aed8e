"""`kasparro assets`: what people say of which listings are one coin, one by one or as a CSV file of overrides."""

from __future__ import annotations

import asyncio
import csv
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import typer

from kasparro import app, setup
from kasparro.errors import ConfigurationError, NotThere
from kasparro.identity.listing import Key
from kasparro.store import curation
from kasparro.store.pool import Connection

_HEADER = ["source", "coin_id", "asset_id"]

commands = typer.Typer(no_args_is_help=True, help="Say which listings are one coin; no rule moves them from there.")


@commands.command()
def link(source: str, coin_id: str, asset_id: str) -> None:
    """Put a listing into an asset."""
    _say(lambda conn: curation.link(conn, Key(source, coin_id), asset_id))


@commands.command()
def unlink(source: str, coin_id: str) -> None:
    """Keep a listing alone, in an asset of its own."""
    _say(lambda conn: curation.unlink(conn, Key(source, coin_id)))


@commands.command()
def merge(asset_id: str, into: str) -> None:
    """Put all listings of an asset into another."""
    _say(lambda conn: curation.merge(conn, asset_id, into))


@commands.command()
def split(asset_id: str, source: str, coin_ids: list[str]) -> None:
    """Put listings that a source has in an asset into a new one."""
    _say(lambda conn: curation.split(conn, asset_id, [Key(source, coin_id) for coin_id in coin_ids]))


@commands.command()
def overrides(file: Path) -> None:
    """Say what a CSV file says: columns source, coin_id and asset_id; blank where the listing is a coin of its own.

    What a line names and is not there is told at the end, with exit code 1; all other lines hold.
    """
    problems: list[str] = []

    async def work(conn: Connection) -> str:
        said = 0
        for override in _read(file):
            try:
                await _apply(conn, override)
                said += 1
            except NotThere as error:
                problems.append(f"{file}, line {override.line}: {error}")
        return f"{said} overrides hold"

    _say(work)
    for problem in problems:
        print(f"kasparro: {problem}", file=sys.stderr)
    if problems:
        sys.exit(1)


class _Override(NamedTuple):
    line: int
    key: Key
    asset_id: str


def _read(file: Path) -> Iterator[_Override]:
    """The lines of a file of overrides; raises ConfigurationError where it is none."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            rows = csv.DictReader(opened)
            if not set(_HEADER) <= set(rows.fieldnames or ()):
                raise ConfigurationError(f"{file}: its first line has to name {', '.join(_HEADER)}")
            for row in rows:
                source, coin_id, asset_id = ((row[name] or "").strip() for name in _HEADER)
                yield _Override(rows.line_num, Key(source, coin_id), asset_id)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{file}: cannot be read: {error}") from None


async def _apply(conn: Connection, override: _Override) -> None:
    if override.asset_id:
        await curation.link(conn, override.key, override.asset_id)
    else:
        await curation.unlink(conn, override.key)


def _say(work: Callable[[Connection], Awaitable[str]]) -> None:
    """Do the work on the database, and print what it comes to: the asset where the listings are now."""
    try:
        print(asyncio.run(app.on_database(setup.settings(), work)))
    except NotThere as error:
        print(f"kasparro: {error}", file=sys.stderr)
        sys.exit(1)
