"""Rows: each becomes a ticker or a rejection with its line, and none stops the others."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kasparro.domain import Entry, Fault, Rejection
from kasparro.sources.csv_head import head
from kasparro.sources.csv_rows import Sheet

HEADER = "coin_id,name,symbol,price,volume,date\n"
GOOD = "bitcoin,Bitcoin,BTC,1.0,2,2024-01-01\n"


def read(body: str, *, unfinished: bool = False, line: int = 2) -> list[Entry | Rejection]:
    layout = head([HEADER.encode()], ",", "x.csv").layout
    sheet = Sheet(layout, None, timezone="UTC", now=datetime(2026, 11, 23, tzinfo=UTC))
    return list(sheet.entries(body, line, unfinished=unfinished))


def rejected(body: str, *, unfinished: bool = False) -> list[tuple[str, str]]:
    """Path and message of the faults of the only record of a page."""
    (rejection,) = read(body, unfinished=unfinished)
    assert isinstance(rejection, Rejection), rejection
    assert rejection.text == body
    return [(fault.path, fault.message) for fault in rejection.faults]


def test_bad_row_is_told_by_its_line_and_stops_no_other() -> None:
    first, second, third = read(GOOD + "ether,Ether,ETH,abc,NaN,2024-01-01\n" + GOOD, line=1234)
    assert isinstance(first, Entry)
    assert isinstance(third, Entry)
    assert second == Rejection(
        1, "ether,Ether,ETH,abc,NaN,2024-01-01\n", (Fault("line 1235: price", "not a number", "abc"),)
    )
    assert (first.position, third.position) == (0, 2)


def test_every_fault_of_a_row_is_told() -> None:
    assert rejected(",Bitcoin,BTC,-1,Infinity,2031-01-01\n") == [
        ("line 2: coin_id", "missing"),
        ("line 2: price", "Input should be greater than or equal to 0"),
        ("line 2: volume", "not a number"),
        ("line 2: date", "clock: before 2009 or in the future"),
    ]


def test_line_of_a_row_is_that_of_its_first_line() -> None:
    *_, last = read('bitcoin,"Bit\ncoin",BTC,1,2,2024-01-01\r\n\r\n,,,,,\r\nx,X,X,one,2,2024-01-01\r\n')
    assert isinstance(last, Rejection)
    assert (last.position, last.faults[0].path) == (1, "line 6: price")


def test_missing_cells_at_the_end_are_blank() -> None:
    assert rejected("bitcoin,Bitcoin,BTC,1\n") == [("line 2: date", "missing")]
    (entry,) = read("bitcoin,Bitcoin,BTC,1,2,2024-01-01, ,\n")
    assert isinstance(entry, Entry)


def test_more_cells_than_headers() -> None:
    assert rejected(GOOD.replace("\n", ",7\n")) == [("line 2", "7 cells under 6 headers")]


def test_name_is_the_id_where_there_is_none() -> None:
    (entry,) = read("bitcoin,,,1,2,2024-01-01\n")
    assert isinstance(entry, Entry)
    assert entry.ticker[:3] == ("bitcoin", "bitcoin", None)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("bitcoin,Bitcoin,BTC,1", "the file breaks off within the line"),
        ('bitcoin,"Bitcoin,BTC,1,2,2024-01-01\nx,X,X,1,2,2024-01-01\n', "a quote opens here that nothing closes"),
        ("bitcoin,Bitcoin,BTC,1,2,2024-01-0", "not a date"),
    ],
)
def test_last_line_that_breaks_off_is_no_row(body: str, reason: str) -> None:
    assert rejected(body, unfinished=True)[0][1] == reason


def test_last_line_without_a_line_end_may_be_whole() -> None:
    (entry,) = read(GOOD.rstrip(), unfinished=True)
    assert isinstance(entry, Entry)


def test_cell_too_long_costs_its_own_row() -> None:
    first, second = read("x,X,X," + "1" * 131_073 + ",2,2024-01-01\n" + GOOD)
    assert isinstance(first, Rejection)
    assert "131,072" in first.faults[0].message
    assert len(first.faults[0].value) == 200
    assert isinstance(second, Entry)


def test_damaged_text_and_null_dates_are_rejected() -> None:
    assert rejected("caf\ufffd,Bitcoin,BTC,1,2,2024-01-01\n") == [("line 2: coin_id", "not UTF-8 text")]
    assert rejected("bitcoin,Bitcoin,BTC,1,2,N/A\n") == [("line 2: date", "missing")]
