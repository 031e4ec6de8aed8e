"""A page of a CSV file as it can be read again: its text, and what the rest of the file told about it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Self

from kasparro.sources import csv_layout
from kasparro.sources.csv_dates import Order
from kasparro.sources.csv_head import Head
from kasparro.sources.csv_rows import Sheet
from kasparro.sources.csv_text import next_row


@dataclass(frozen=True, slots=True)
class Reading:
    """How the rows of a page are read. The columns are left to its header, so that a new mapping reads an old page.

    `stem` is the file's name without its suffix, `pairs` whether symbols are such as BTCUSD, `opened_at` bounds the
    dates; the first row is line `line` of the file, and the last one is `unfinished` where no line end follows it.
    """

    stem: str
    delimiter: str
    pairs: bool
    order: Order | None
    timezone: str
    opened_at: str
    line: int = 1
    unfinished: bool = False

    @classmethod
    def of(cls, head: Head, order: Order | None, *, timezone: str, opened_at: datetime) -> Self:
        """What all pages of one reading of a file have in common."""
        layout = head.layout
        return cls(head.stem, layout.delimiter, layout.has_pairs, order, timezone, opened_at.isoformat())

    def at(self, line: int, *, unfinished: bool) -> Mapping[str, Any]:
        """What is kept beside a page."""
        return asdict(replace(self, line=line, unfinished=unfinished))

    def sheet(self, header: list[str]) -> Sheet:
        """The sheet that the rows below this header are read by; raises Rejected where no ticker can come of them."""
        sample = [[csv_layout.PAIR] * len(header)] if self.pairs else []
        layout = csv_layout.layout(header, sample, delimiter=self.delimiter, stem=self.stem)
        return Sheet(layout, self.order, timezone=self.timezone, now=datetime.fromisoformat(self.opened_at))


def parted(text: str, delimiter: str) -> tuple[list[str], str]:
    """The header of a page, and the text below it."""
    lines = io.StringIO(text, newline="").readlines()
    reader = csv.reader(lines, delimiter=delimiter)
    header = next_row(reader) or []
    return header, "".join(lines[reader.line_num :])
