"""Dates: what one says, and what the whole column says about the order of day and month."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kasparro.errors import Rejected
from kasparro.sources.csv_dates import Order, OrderSearch, moment, moments, observations

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2013-04-28", "2013-04-28T00:00:00"),
        ("2013-04-29 23:59:59", "2013-04-29T23:59:59"),
        ("2013-04-28 00:00:00 UTC", "2013-04-28T00:00:00"),
        ("2026-04-24T23:59:59.999Z", "2026-04-24T23:59:59.999"),
        ("2024-10-17T02:00:00+02:00", "2024-10-17T00:00:00"),
        ("2018/2/20", "2018-02-20T00:00:00"),
        ("Feb 20, 2018", "2018-02-20T00:00:00"),
        ("February 20, 2018", "2018-02-20T00:00:00"),
        ("20 Feb 2018", "2018-02-20T00:00:00"),
        ("1514764800", "2018-01-01T00:00:00"),
        ("1514764800.5", "2018-01-01T00:00:00.5"),
        ("1514764800123", "2018-01-01T00:00:00.123"),
        ("20180220", "2018-02-20T00:00:00"),
    ],
)
def test_plain_dates(text: str, value: str) -> None:
    assert moment(text, None, UTC) == datetime.fromisoformat(value).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "order", "value"),
    [
        ("24-04-2026", "dmy", "2026-04-24T00:00"),
        ("29/04/2013 23:59", "dmy", "2013-04-29T23:59"),
        ("5.7.2021 9:05", "dmy", "2021-07-05T09:05"),
        ("2/1/2024", "mdy", "2024-02-01T00:00"),
        ("02/01/2024 10:00:30", "mdy", "2024-02-01T10:00:30"),
    ],
)
def test_dates_in_the_order_of_their_column(text: str, order: Order, value: str) -> None:
    assert moment(text, order, UTC) == datetime.fromisoformat(value).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("13/25/2017", "dmy"),
        ("25/12/2017", "mdy"),
        ("25/12/2017", None),
        ("Foo 20, 2018", None),
        ("soon", "dmy"),
        ("12", "dmy"),
    ],
)
def test_what_is_no_date_is_a_value_error(text: str, order: Order | None) -> None:
    with pytest.raises(ValueError, match="date"):
        moment(text, order, UTC)


def test_dates_without_a_zone_are_of_the_zone_that_is_set() -> None:
    prague = moments(None, "Europe/Prague")
    assert prague("2024-10-17 02:00:00") == datetime(2024, 10, 17, tzinfo=UTC)
    assert prague("2024-12-17 01:00:00") == datetime(2024, 12, 17, tzinfo=UTC)
    assert prague("2024-10-17 02:00:00 UTC") == datetime(2024, 10, 17, 2, tzinfo=UTC)
    assert moment("2024-10-17", None, ZoneInfo("UTC")).tzinfo is UTC


def test_a_clock_that_is_wrong() -> None:
    read = observations(moments(None, "UTC"), NOW)
    assert read((NOW + timedelta(hours=23)).isoformat()) == NOW + timedelta(hours=23)
    assert read("-") is None
    for text in ("2008-12-31", (NOW + timedelta(hours=25)).isoformat()):
        with pytest.raises(ValueError, match="clock"):
            read(text)


def verdict(*cells: str) -> tuple[Order | None, int]:
    """The order that a column shows, and how many of its cells it took to know."""
    search = OrderSearch("Date")
    for count, cell in enumerate(cells, 1):
        if search.settles(count + 1, cell):
            return search.verdict(), count
    return search.verdict(), len(cells)


@pytest.mark.parametrize(
    ("cells", "order", "count"),
    [
        (["01/02/2017", "N/A", "13/02/2017", "1/1/2017"], "dmy", 3),
        (["01/02/2017", "01/13/2017"], "mdy", 2),
        (["2017-02-01", "01/13/2017"], None, 1),
        (["soon", "Feb 20, 2018"], None, 2),
        (["05/05/2024"], "dmy", 1),
        ([], "dmy", 0),
    ],
)
def test_the_order_is_that_of_the_first_date_that_shows_one(cells: list[str], order: Order | None, count: int) -> None:
    assert verdict(*cells) == (order, count)


def test_a_column_that_leaves_the_order_open_names_the_setting() -> None:
    with pytest.raises(Rejected) as caught:
        verdict("05/05/2017", "01/02/2017", "12/11/2017")
    (fault,) = caught.value.faults
    assert fault.path == "line 3: Date"
    assert "CSV_DATE_ORDER" in fault.message
    assert fault.value == "01/02/2017"


def test_a_column_without_a_single_date_is_none() -> None:
    with pytest.raises(Rejected) as caught:
        verdict("", "5 minutes ago")
    assert caught.value.faults[0][:2] == ("line 3: Date", "not a date")
