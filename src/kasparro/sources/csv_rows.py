"""The rows of a CSV file as tickers: text in, entries and rejections out, one at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from kasparro.domain import Entry, Fault, Rejection, Ticker
from kasparro.errors import Rejected
from kasparro.identity.listing import Contract
from kasparro.sources.csv_cells import Reader, figures, rank, slug, text
from kasparro.sources.csv_dates import Order, moments, observations
from kasparro.sources.csv_layout import Layout, Meaning
from kasparro.sources.csv_text import is_open, next_row

_SLOTS = {field: slot for slot, field in enumerate(Ticker._fields)}
_COIN, _NAME, _SYMBOL = _SLOTS["coin_id"], _SLOTS["name"], _SLOTS["symbol"]


class Sheet:
    """The rows of a file whose layout is known and whose dates can be read. `now` bounds the dates.

    `is_named`: coins have but a name for an id, so that what a row says depends on the rows before it.
    """

    def __init__(self, layout: Layout, order: Order | None, *, timezone: str, now: datetime) -> None:
        self._layout = layout
        readers = _readers(layout.delimiter, order, timezone, now)
        self._columns = [
            (
                _SLOTS[column.field],
                column.place,
                _given(readers[column.meaning]) if column.required else readers[column.meaning],
            )
            for column in layout.columns
        ]
        self._blank: list[Any] = [None] * len(_SLOTS)
        self._blank[_COIN], self._blank[_NAME] = layout.coin or (None, None)
        self.is_named = any(column.meaning == "id_of_name" for column in layout.columns)
        self._symbols: dict[str, str] = {}
        self._contracts: dict[tuple[str, str], Contract] = {}

    def entries(self, body: str, line: int, *, unfinished: bool = False) -> Iterator[Entry | Rejection]:
        """The rows of `body`, which begins at line `line` of the file. Blank lines are no rows: they do not count.

        `unfinished`: no line end follows the last row, so that it is one only if nothing of it is missing.
        """
        lines = io.StringIO(body, newline="").readlines()
        reader = csv.reader(lines, delimiter=self._layout.delimiter)
        position = end = 0
        while end < len(lines):
            start, row = end, next_row(reader)
            end = reader.line_num
            if row is not None and not any(row):
                continue
            record = lines[start:end]
            try:
                ticker = self._ticker(row, record, line + start, last=unfinished and end == len(lines))
            except Rejected as rejected:
                yield Rejection(position, "".join(record), rejected.faults)
            else:
                yield Entry(position, ticker)
            position += 1

    def contracts(self) -> list[Contract]:
        """Where tokens live by the rows that were read since this was last asked: of each coin and chain, the last."""
        told, self._contracts = list(self._contracts.values()), {}
        return told

    def _ticker(self, row: list[str] | None, record: Sequence[str], line: int, *, last: bool) -> Ticker:
        """The row as a ticker; raises Rejected with every fault, each at its line."""
        if row is None or last or len(row) != self._layout.width:
            if reason := self._misshape(row, record, last=last):
                raise Rejected((Fault(f"line {line}", reason, record[0][:200]),))
            row = [*(row or ()), *[""] * self._layout.width]
        try:
            return self._read(row)
        except ValueError as error:
            whole = Fault(f"line {line}", str(error), record[0][:200])
            raise Rejected(tuple(self._faults(row, line)) or (whole,)) from None

    def _misshape(self, row: list[str] | None, record: Sequence[str], *, last: bool) -> str | None:
        """Why the record is no row of this file. Cells missing at its end are blank, unless it may go on."""
        if row is None:
            return "a cell of more than 131,072 characters: is a quote left open?"
        if last and is_open(record, self._layout.delimiter):
            return "a quote opens here that nothing closes"
        if last and len(row) < self._layout.width:
            return "the file breaks off within the line"
        if any(cell.strip() for cell in row[self._layout.width :]):
            return f"{len(row)} cells under {self._layout.width} headers"
        return None

    def _read(self, row: Sequence[str]) -> Ticker:
        values = self._blank.copy()
        for slot, index, read in self._columns:
            if values[slot] is None:
                values[slot] = read(row[index])
        if values[_NAME] is None:
            values[_NAME] = values[_COIN]
        if self._layout.addresses:
            told = self._layout.addresses.told(values[_COIN], row)
            self._contracts.update({(each.coin_id, each.chain): each for each in told})
        if self.is_named and (symbol := values[_SYMBOL]) is not None:
            self._tell_apart(values[_COIN], symbol)
        return Ticker(*values)

    def _tell_apart(self, coin: str, symbol: str) -> None:
        """Two coins may have one name: where that is all there is for an id, the second one is refused."""
        other = self._symbols.setdefault(coin, symbol)
        if other != symbol:
            raise ValueError(f"another coin of this name has the symbol {other}, and the file has no column of ids")

    def _faults(self, row: Sequence[str], line: int) -> Iterator[Fault]:
        for column, (_, index, read) in zip(self._layout.columns, self._columns, strict=True):
            try:
                read(row[index])
            except ValueError as error:
                yield Fault(f"line {line}: {column.header}", str(error), row[index][:200])


def _given(read: Reader) -> Reader:
    """The same reader, for a cell without which a row says nothing."""

    def given(cell: str) -> Any:
        value = read(cell)
        if value is None:
            raise ValueError("missing")
        return value

    return given


def _readers(delimiter: str, order: Order | None, timezone: str, now: datetime) -> Mapping[Meaning, Reader]:
    amount, figure = figures(delimiter)
    dates = moments(order, timezone)
    return {
        "text": text,
        "id_of_name": slug,
        "usd_pair": lambda cell: (text(cell) or "").removesuffix("USD") or None,
        "rank": rank,
        "amount": amount,
        "nonzero": lambda cell: amount(cell) or None,
        "figure": figure,
        "moment": dates,
        "observed": observations(dates, now),
    }
