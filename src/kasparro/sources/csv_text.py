"""The text of a CSV file: bytes to UTF-8, and UTF-8 to records, in bounded memory."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

LONGEST = 1 << 20
"""The longest record that is waited for, in bytes."""
PAGE_RECORDS = 5_000
PAGE_BYTES = 1 << 20


def utf8(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The same text as UTF-8 without a byte order mark. UTF-16 is known by its mark alone."""
    blocks = iter(blocks)
    first = b""
    for block in blocks:
        first += block
        if len(first) >= len(codecs.BOM_UTF8):
            break
    if not first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    yield decoder.decode(first).encode()
    for block in blocks:
        yield decoder.decode(block).encode()
    yield decoder.decode(b"", final=True).encode()


def decoded(text: bytes) -> str:
    """The text as it can be stored: NUL and what is not UTF-8 become U+FFFD, which no ticker may hold."""
    return text.decode("utf-8", "replace").replace("\0", "\ufffd")


class Splitter:
    """Cuts a file into records where csv.reader does: a line end within quotes ends no record.

    The csv module takes no cell of more than 131,072 characters. Where a quote is left open, the lines that
    it swallows up to there are one record, which nobody can read, and the next line begins another.
    """

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self.rest = b""
        """What follows the last whole record: at the end of the file, a last line without a line end."""

    def feed(self, block: bytes) -> list[bytes]:
        """The records that end in `block`."""
        text = self.rest + block
        lines = text.splitlines(keepends=True)
        # a \r at the very end may be half of a \r\n
        last = lines.pop() if lines and not text.endswith(b"\n") else b""
        records, opened = self._quoted(lines) if b'"' in text else (lines, b"")
        self.rest = opened + last
        return records

    def _quoted(self, lines: list[bytes]) -> tuple[list[bytes], bytes]:
        """Lines to records, and the lines of the record that they leave open."""
        # a blank line after the last is a record of its own, or belongs to the one that is still open
        reader = csv.reader([*map(decoded, lines), "\n"], delimiter=self._delimiter)
        records: list[bytes] = []
        start = 0
        while start < len(lines):
            next_row(reader)
            end = reader.line_num
            if end > len(lines):
                break
            records.append(b"".join(lines[start:end]))
            start = end
        return records, b"".join(lines[start:])


def next_row(reader: Any) -> list[str] | None:
    """The next row; None where a cell is too long for the csv module, which goes on with the next line then."""
    try:
        return next(reader)  # type: ignore[no-any-return]  # typeshed keeps the reader's class to itself
    except csv.Error:
        return None


def is_open(record: Sequence[str], delimiter: str) -> bool:
    """Whether a quote opens in the record that nothing closes."""
    return len(list(csv.reader([*record, "\n"], delimiter=delimiter))) == 1


def records(blocks: Iterable[bytes], delimiter: str) -> Iterator[list[bytes]]:
    """The records that end in each block; last, where there is one, the record that no line end follows."""
    splitter = Splitter(delimiter)
    for block in blocks:
        yield splitter.feed(block)
        if len(splitter.rest) > LONGEST:
            return
    if splitter.rest:
        yield [splitter.rest]


def pages(blocks: Iterable[bytes], splitter: Splitter) -> Iterator[bytes]:
    """Whole records, together about 5,000 or a MiB. Ends early where one record is too long to be held."""
    waiting: list[bytes] = []
    for block in blocks:
        waiting += splitter.feed(block)
        while len(waiting) >= PAGE_RECORDS or sum(map(len, waiting)) >= PAGE_BYTES:
            yield b"".join(waiting[:PAGE_RECORDS])
            del waiting[:PAGE_RECORDS]
        if len(splitter.rest) > LONGEST:
            break
    if waiting:
        yield b"".join(waiting)
