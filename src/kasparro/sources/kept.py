"""One record cut out of a raw page that was kept: exactly the text that its source sent."""

from __future__ import annotations

import csv
import io
from itertools import islice
from typing import NamedTuple

from kasparro.errors import Malformed
from kasparro.sources import json_list
from kasparro.sources.base import ApiSource, Source
from kasparro.sources.csv_head import delimiter
from kasparro.sources.csv_text import next_row


class Kept(NamedTuple):
    """The text of a record; of a row, also the header above it."""

    record: str
    header: str | None = None


def record(source: Source, page: str, position: int) -> Kept | None:
    """The record at a position of a page of `source`; None where the page cannot be read, or has no such record."""
    if isinstance(source, ApiSource):
        return _item(source.name, page, position)
    return _row(page, position)


def _item(source: str, page: str, position: int) -> Kept | None:
    try:
        found = next(islice(json_list.read(source, page.encode()), position, None), None)
    except Malformed:
        return None
    return Kept(found.text) if found else None


def _row(page: str, position: int) -> Kept | None:
    """Rows are counted as they were read: without the header, and without blank lines."""
    lines = io.StringIO(page, newline="").readlines()
    reader = csv.reader(lines, delimiter=delimiter(page.encode()))
    header, wanted = None, position
    while reader.line_num < len(lines):
        start = reader.line_num
        row = next_row(reader)
        if row is not None and not any(row):
            continue
        text = "".join(lines[start : reader.line_num])
        if header is None:
            header = text
        elif wanted == 0:
            return Kept(text, header)
        else:
            wanted -= 1
    return None
