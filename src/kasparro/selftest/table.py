"""The verdicts as a table: for a terminal, for a program, for the README."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from kasparro.errors import ConfigurationError
from kasparro.selftest.promises import PROMISES
from kasparro.selftest.verdict import Verdict

_HEAD = ("", "promise", "trials", "failures", "figures")
_BETWEEN = re.compile(r"(<!-- selftest -->\n).*?(<!-- /selftest -->)", re.DOTALL)


def as_json(verdicts: Sequence[Verdict]) -> str:
    """A list of `{promise, trials, failures, figures}`."""
    return orjson.dumps([verdict.as_row() for verdict in verdicts], option=orjson.OPT_INDENT_2).decode()


def as_text(verdicts: Sequence[Verdict]) -> str:
    """A table for people, with what went wrong below it."""
    table = Table(*_HEAD)
    for verdict in verdicts:
        table.add_row(*_cells(verdict))
    text = Console(file=io.StringIO(), width=160, record=True)
    text.print(table)
    faults = [fault for verdict in verdicts for fault in verdict.faults]
    return "\n".join([text.export_text().rstrip(), *faults])


def as_markdown(verdicts: Sequence[Verdict], seed: str) -> str:
    """The table as Markdown, with the seed that it came from."""
    rows = [_HEAD, ("---",) * len(_HEAD), *map(_cells, verdicts)]
    return "".join([f"`--seed {seed}`:\n\n", *(f"| {' | '.join(row)} |\n" for row in rows)])


def insert(path: Path, markdown: str) -> None:
    """Put the table into a Markdown file, between the two comments that are its place; raises ConfigurationError."""
    text = path.read_text(encoding="utf-8")
    changed, places = _BETWEEN.subn(lambda found: found[1] + markdown + found[2], text)
    if not places:
        raise ConfigurationError(f"{path}: has no <!-- selftest --> and <!-- /selftest --> for the table to go between")
    path.write_text(changed, encoding="utf-8")


def _cells(verdict: Verdict) -> tuple[str, ...]:
    row = verdict.as_row()
    figures = ", ".join(f"{name.replace('_', ' ')} {figure:,}" for name, figure in row["figures"].items())
    return verdict.promise, PROMISES[verdict.promise].says, str(verdict.trials), str(verdict.failures), figures
