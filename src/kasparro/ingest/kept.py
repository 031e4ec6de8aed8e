"""Raw pages read again: each record as it was judged then, by the mapping of now, with no request to anybody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Protocol

from kasparro.domain import Duplicate, Entry, Rejection, Response
from kasparro.errors import Malformed, Rejected
from kasparro.ingest import pages
from kasparro.ingest.drift import baseline
from kasparro.sources.base import ApiSource, Source
from kasparro.sources.csv_file import CsvFile
from kasparro.sources.csv_page import Reading, parted
from kasparro.sources.csv_rows import Sheet
from kasparro.store.raw import Kept

Entries = Iterator[Entry | Rejection | Duplicate]
_ESCAPE = re.compile(rb"\\(?:x([89a-f][0-9a-f])|.)", re.DOTALL)


class KeptPages(Protocol):
    """Reads the raw pages of one source, which come in the order in which they were fetched."""

    def entries(self, page: Kept) -> Entries:
        """The records of a page. Raises Malformed where it is no longer what was received, or no page of tickers."""


def reader(source: Source, options: Any) -> KeptPages:
    """The reader of the kept pages of a source."""
    match source:
        case ApiSource():
            return ApiPages(source, options)
        case CsvFile():
            return FilePages()
    raise TypeError(f"{source.name} is neither an API nor a file")


class ApiPages:
    """Pages of an API. Those of one run are one snapshot, in which a coin may be repeated."""

    def __init__(self, source: ApiSource, options: Any) -> None:
        self._source = source
        self._options = options
        self._run_id: int | None = None

    def entries(self, page: Kept) -> Entries:
        if page.run_id != self._run_id:
            self._run_id = page.run_id
            self._snapshot = pages.Snapshot(self._source, self._options, baseline(self._source))
        return pages.again(self._snapshot, _response(self._source.name, page))


class FilePages:
    """Pages of CSV files. Those of one file in one run are read by one sheet."""

    def __init__(self) -> None:
        self._place: tuple[int, str] | None = None

    @property
    def is_named(self) -> bool:
        """Whether what the page says depends on the pages before it."""
        return self._sheet.is_named

    def entries(self, page: Kept) -> Entries:
        reading = Reading(**page.reading)
        header, body = parted(page.text, reading.delimiter)
        if self._place != (page.run_id, page.url):
            self._sheet = _sheet(page, reading, header)
            self._place = page.run_id, page.url
        return self._sheet.entries(body, reading.line, unfinished=reading.unfinished)


def _sheet(page: Kept, reading: Reading, header: list[str]) -> Sheet:
    try:
        return reading.sheet(header)
    except Rejected as rejected:
        reason = f"raw page {page.raw_id} ({page.url}) can be read no longer: {rejected.faults[0].message}"
        raise Malformed(CsvFile.name, reason) from None


def _response(source: str, page: Kept) -> Response:
    """The answer that a page was made of."""
    body = _received(page.text)
    if sha256(body).digest() != page.checksum:
        raise Malformed(
            source, f"raw page {page.raw_id} is not what was received; delete it, and what it brought stays as it is"
        )
    return Response(page.status, {}, body, page.url, page.fetched_at)


def _received(text: str) -> bytes:
    r"""The bytes behind a text in which those that are no UTF-8 are written as `\xff`, which JSON itself never says."""
    body = text.encode()
    if rb"\x" not in body:
        return body
    return _ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()) if found[1] else found[0], body)
