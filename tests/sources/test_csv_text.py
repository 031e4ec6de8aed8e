"""The splitter parts a file where csv.reader does, however the file comes in."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kasparro.sources import csv_text
from kasparro.sources.csv_text import Splitter, pages, records, utf8

texts = st.text(alphabet='a,;|\t" \r\né€\0', max_size=60)
marks = st.sampled_from(",;|\t")


def rows(text: str, mark: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=mark))


def blocks(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    """`data` in blocks of these sizes, and the remainder in one."""
    for size in sizes:
        yield data[:size]
        data = data[size:]
    yield data


@given(texts, st.lists(st.integers(0, 9), max_size=20), marks)
def test_records_are_the_rows_of_csv_reader(text: str, sizes: list[int], mark: str) -> None:
    data = text.encode()
    found = [record for batch in records(blocks(data, sizes), mark) for record in batch]
    assert b"".join(found) == data
    assert [row for record in found for row in rows(record.decode(), mark)] == rows(text, mark)
    assert all(len(rows(record.decode(), mark)) == 1 for record in found)


@given(texts, st.lists(st.integers(0, 9), max_size=20), st.integers(1, 4), marks)
def test_pages_are_whole_records(text: str, sizes: list[int], size: int, mark: str) -> None:
    data = text.encode()
    splitter = Splitter(mark)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_text, "PAGE_RECORDS", size)
        found = list(pages(blocks(data, sizes), splitter))
    assert b"".join([*found, splitter.rest]) == data
    assert [row for page in [*found, splitter.rest] for row in rows(page.decode(), mark)] == rows(text, mark)
    assert all(0 < len(rows(page.decode(), mark)) <= size for page in found)


cells = st.text(alphabet='a,;|\t"\r\né€ ', max_size=6)
# a lone \r is a line end to csv.reader, but csv.writer quotes it only where it is in its own line end
ways = st.sampled_from([(csv.QUOTE_ALL, "\n"), (csv.QUOTE_ALL, "\r\n"), (csv.QUOTE_MINIMAL, "\r\n")])


@settings(deadline=None)
@given(
    table=st.lists(st.lists(cells, min_size=2, max_size=4), max_size=8),
    mark=marks,
    way=ways,
)
def test_whatever_csv_writes_is_cut_between_its_rows_at_any_border(
    table: list[list[str]], mark: str, way: tuple[Any, str]
) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=mark, quoting=way[0], lineterminator=way[1]).writerows(table)
    data = text.getvalue().encode()
    for border in range(len(data) + 1):
        found = [record for batch in records([data[:border], data[border:]], mark) for record in batch]
        assert [rows(record.decode(), mark) for record in found] == [[row] for row in table]


@given(texts, st.lists(st.integers(0, 9), max_size=20))
def test_quote_left_open_ends_at_the_limit_of_a_cell(text: str, sizes: list[int]) -> None:
    before = csv.field_size_limit(5)
    try:
        whole = [record for batch in records([text.encode()], ",") for record in batch]
        parts = [record for batch in records(blocks(text.encode(), sizes), ",") for record in batch]
    finally:
        csv.field_size_limit(before)
    assert parts == whole
    assert b"".join(parts) == text.encode()


@given(texts, st.lists(st.integers(0, 9), max_size=20), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_any_encoding_becomes_utf8(text: str, sizes: list[int], encoding: str) -> None:
    data = text.encode(encoding)
    assert b"".join(utf8(blocks(data, sizes))).decode() == text


def test_page_ends_before_it_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_text, "PAGE_BYTES", 100)
    found = list(pages([b"a,b\n" * 20] * 10, Splitter(",")))
    assert max(map(len, found)) <= 200


def test_record_without_end_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_text, "LONGEST", 100)
    taken: list[bytes] = []

    def endless() -> Iterator[bytes]:
        yield b"a,b\n"
        while True:
            taken.append(b"x" * 10)
            yield taken[-1]

    splitter = Splitter(",")
    assert list(pages(endless(), splitter)) == [b"a,b\n"]
    assert len(splitter.rest) == 10 * len(taken) == 110
