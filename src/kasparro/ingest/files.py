"""Reads CSV files: finds them, opens them, and cuts them into pages that are committed one by one.

No more than a few pages are held, whatever the size of a file. Each step runs in a thread, and reads a block or makes
a page, so that the event loop stays free.

- A file whose inode, size and times are those of its checkpoint is not opened.
- Else its text up to the checkpoint is compared by hash. A file that has grown is read on from there, one that was
  changed is read again from its start, and one that was merely touched is read once and brings nothing.
- A last line without a line end may be half a line. It is read when nobody has written for two seconds, and the
  checkpoint stays ahead of it: should the file go on, the line is read again, whole.
- A file that is changed while it is read, other than by lines at its end, is refused. The next cycle finds that its
  text is not that of the checkpoint, and begins again. A file replaced by another is read to its end as it was.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar

from kasparro.domain import Closing, Delivery, Fault, Page, Refusal
from kasparro.errors import Rejected
from kasparro.ingest import file_text
from kasparro.resources import folder
from kasparro.sources.csv_cursor import Cursor, Progress, Signature
from kasparro.sources.csv_dates import Order, OrderSearch
from kasparro.sources.csv_file import CsvFile, Options
from kasparro.sources.csv_head import Head, delimiter, head, rows
from kasparro.sources.csv_page import Reading
from kasparro.sources.csv_rows import Sheet
from kasparro.sources.csv_text import LONGEST, Splitter, decoded, pages, records

SUFFIXES = (".csv", ".csv.gz", ".csv.zst", ".tsv")

# Files that were found to be as they were, under other times: nothing is written for them, but none is read twice.
Verified = dict[Path, tuple[Signature, Cursor]]
Result = TypeVar("Result")
# What is made on the way to a result. None is a rest, where the reading may be abandoned.
Steps = Generator[Delivery | Refusal | None, None, Result]


async def deliveries(
    source: CsvFile, options: Options, checkpoints: Mapping[str, Mapping[str, Any] | None], verified: Verified
) -> AsyncIterator[Delivery | Refusal]:
    """What is new since the checkpoints, file by file and page by page; a Refusal for each file that cannot be read.

    The stream of a file is its path below the folder of `options.path`.
    """
    numbers = count(1)
    for stream, path in await asyncio.to_thread(found, options.path):
        cursor = Cursor.of(checkpoints.get(stream) or {}, options)
        # Never closed by hand: when this is cancelled, a thread may be in it still. Its file closes with it.
        steps = _Reading(path, stream, options, cursor, numbers, verified).steps()
        while (step := await asyncio.to_thread(next, steps, steps)) is not steps:
            if isinstance(step, Delivery | Refusal):
                yield step


def found(path: str | None) -> list[tuple[str, Path]]:
    """Stream and path of each file of a file, folder or pattern; of the path itself where it has none.

    Of a folder those files are read whose names end in one of SUFFIXES; hidden files are left alone.
    """
    place = Path(path).expanduser() if path else folder("fixtures") / "csv"
    wild = next((at for at, part in enumerate(place.parts) if re.search(r"[*?\[]", part)), None)
    files: list[Path] = []
    root = place
    with suppress(OSError):  # what cannot be listed cannot be opened either, and is refused then
        if place.is_dir():
            files = [file for file in place.iterdir() if file.name.lower().endswith(SUFFIXES)]
        elif wild is not None and not place.exists():
            root = Path(*place.parts[:wild])
            files = list(root.glob(str(Path(*place.parts[wild:]))))
    visible = sorted(file for file in files if not file.name.startswith("."))
    return [(file.relative_to(root).as_posix(), file) for file in visible] or [(place.name, place)]


class _Place(NamedTuple):
    """What is known of an open file, and how far it has been cut into pages."""

    head: Head
    sheet: Sheet
    reading: Reading
    progress: Progress
    signature: Signature


class _Reading:
    """One reading of one file, from its checkpoint to its end."""

    def __init__(
        self, path: Path, stream: str, options: Options, cursor: Cursor, numbers: Iterator[int], verified: Verified
    ) -> None:
        self._path = path
        self._stream = stream
        self._options = options
        self._cursor = cursor
        self._numbers = numbers
        self._verified = verified

    def steps(self) -> Steps[None]:
        """The pages that are new, or the refusal, if it is new."""
        signature = None
        try:
            signature = file_text.signature(self._path.stat())
            if not self._cursor.is_done(signature) and self._verified.get(self._path) != (signature, self._cursor):
                file_text.await_tick(signature)
                with self._path.open("rb") as file:
                    yield from self._read(file, signature)
        except Rejected as rejected:
            yield from self._refuse(rejected.faults, signature)
        except OSError as error:
            yield from self._refuse((Fault("file", error.strerror or str(error), str(self._path)),), None)

    def _refuse(self, faults: tuple[Fault, ...], signature: Signature | None) -> Steps[None]:
        """The refusal, unless the checkpoint holds it already."""
        refused = self._cursor.refuse(faults, signature)
        if refused.refused != self._cursor.refused:
            yield Refusal(self._stream, faults, refused.json())
        elif signature:
            self._verified[self._path] = signature, self._cursor

    def _read(self, file: BinaryIO, signature: Signature) -> Steps[None]:
        """The pages behind the checkpoint. Each waits for the next, so that the last can say that it is the last."""
        head = _head(file, self._path.name, self._options)
        order = yield from _order(file, head, self._options)
        timezone, now = self._options.timezone, datetime.now(UTC)
        sheet = Sheet(head.layout, order, timezone=timezone, now=now)
        reading = Reading.of(head, order, timezone=timezone, opened_at=now)
        progress, blocks = yield from self._resume(file, head)
        place = _Place(head, sheet, reading, progress, signature)
        splitter = Splitter(head.layout.delimiter)
        held, broken = b"", None
        try:
            for body in pages(blocks, splitter):
                if held:
                    yield self._delivery(place, held)
                held = body
                file_text.check_size(file, signature)
        except Rejected as rejected:
            broken = rejected
        if broken or len(splitter.rest) > LONGEST:
            yield from self._break_off(place, held, broken)
        else:
            yield from self._end(file, place, held, splitter.rest)

    def _resume(self, file: BinaryIO, head: Head) -> Steps[tuple[Progress, Iterator[bytes]]]:
        """The text behind the checkpoint, or all below the header where the text before it is not what it was."""
        if self._cursor.read:
            progress, blocks = yield from file_text.skip(file, self._cursor.read, self._cursor.line)
            if progress.digest() == self._cursor.digest:
                return progress, blocks
            self._cursor = Cursor(self._cursor.reading)
        return (yield from file_text.skip(file, head.length, head.lines + 1))

    def _end(self, file: BinaryIO, place: _Place, held: bytes, rest: bytes) -> Steps[None]:
        """The last page. What follows the last line end is part of it once nobody writes to the file any more."""
        if not file_text.is_settled(file, place.signature, rest=rest):
            yield from file_text.check_text(file, place.progress, held)
            if held:
                yield self._delivery(place, held)
            return
        whole = place.progress.digest(held + rest)
        if held or (rest and whole != self._cursor.whole):
            yield self._delivery(place, held, rest, whole)
        else:
            self._verified[self._path] = place.signature, self._cursor

    def _break_off(self, place: _Place, held: bytes, broken: Rejected | None) -> Steps[None]:
        """The last page of what can be read, before the refusal of the rest."""
        if held:
            yield self._delivery(place, held)
        raise broken or Rejected((Fault(f"line {place.progress.line}", f"longer than {LONGEST:,} bytes", ""),))

    def _delivery(self, place: _Place, body: bytes, rest: bytes = b"", whole: str | None = None) -> Delivery:
        """The page of these lines, and the cursor behind it."""
        line = place.progress.line
        place.progress.take(body)
        self._cursor = place.progress.cursor(self._cursor.reading, place.signature, whole)
        text = decoded(body + rest)
        page = Page(
            number=next(self._numbers),
            url=str(self._path),
            status=200,
            text=decoded(place.head.text) + text,
            checksum=sha256(place.head.text + body + rest).digest(),
            fetched_at=datetime.now(UTC),
            stream=self._stream,
            reading=place.reading.at(line, unfinished=bool(rest)),
        )
        entries = place.sheet.entries(text, line, unfinished=bool(rest))
        return Delivery(page, entries, partial(_closing, self._cursor.json(), place.sheet))


def _closing(cursor: Mapping[str, Any], sheet: Sheet) -> Closing:
    return Closing(cursor, contracts=sheet.contracts())


def _head(file: BinaryIO, name: str, options: Options) -> Head:
    mark = options.delimiter or delimiter(next(file_text.text(file), b""))
    first = next(filter(None, records(file_text.text(file), mark)), [])
    return head(first, mark, name)


def _order(file: BinaryIO, head: Head, options: Options) -> Steps[Order | None]:
    """How dates such as 01/02/2017 are read: by the setting, or by as many rows as it takes to know."""
    column = head.layout.observed
    if column is None or options.date_order:
        return options.date_order
    search = OrderSearch(column.header)
    line = 1
    for batch in records(file_text.text(file), head.layout.delimiter):
        lines = b"".join(batch)
        for at, row in rows(lines, head.layout.delimiter, line):
            if at > head.lines and len(row) > column.place and search.settles(at, row[column.place]):
                return search.verdict()
        line += len(lines.splitlines())
        yield None
    return search.verdict()
