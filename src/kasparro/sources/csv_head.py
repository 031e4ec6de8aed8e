"""The head of a CSV file: from its first lines, what each of its rows will mean."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kasparro.domain import Fault
from kasparro.errors import Rejected
from kasparro.sources import csv_layout
from kasparro.sources.csv_layout import Layout
from kasparro.sources.csv_text import decoded, next_row

_SAMPLE = 1000
_SUFFIX = re.compile(r"(\.(csv|tsv|txt))?(\.(gz|zst))?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Head:
    """The header as it stands, where it ends in the file, the layout of the rows below, and the file's bare name."""

    text: bytes
    length: int
    lines: int
    layout: Layout
    stem: str


def delimiter(text: bytes) -> str:
    """What parts the cells of a file that begins with this text."""
    return csv_layout.delimiter(decoded(next(iter(text.lstrip(b"\r\n").splitlines()), b"")))


def head(records: Sequence[bytes], delimiter: str, name: str) -> Head:
    """The head of the file of this name, given its first records; raises Rejected where no ticker can come of it."""
    above = next((place for place, record in enumerate(records) if record.strip()), None)
    if above is None:
        raise Rejected((Fault("line 1", "no header: the file is empty", ""),))
    before = b"".join(records[: above + 1])
    sample = b"".join(records[above + 1 : above + 1 + _SAMPLE])
    _, header = next(rows(records[above], delimiter), (0, []))
    lines = len(before.splitlines())
    below = [row for _, row in rows(sample, delimiter)]
    stem = _SUFFIX.sub("", name)
    layout = csv_layout.layout(header, below, delimiter=delimiter, stem=stem, line=lines)
    return Head(records[above], len(before), lines, layout, stem)


def rows(text: bytes, delimiter: str, line: int = 1) -> Iterator[tuple[int, list[str]]]:
    """The rows of a text, each with the number of its last line, given the number of the first of all."""
    lines = io.StringIO(decoded(text), newline="").readlines()
    reader = csv.reader(lines, delimiter=delimiter)
    while reader.line_num < len(lines):
        if row := next_row(reader):
            yield line + reader.line_num - 1, row
