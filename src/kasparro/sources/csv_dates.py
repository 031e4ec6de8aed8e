"""The moments of a CSV file: what a date says, and whether its column puts the day or the month first."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from kasparro.domain import Fault
from kasparro.errors import Rejected
from kasparro.sources.csv_cells import is_missing

Order = Literal["dmy", "mdy"]
Evidence = Literal["plain", "dmy", "mdy", "same", "ambiguous", "none"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GENESIS = datetime(2009, 1, 1, tzinfo=UTC)  # the first block of the first coin is of 3 January 2009
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME = r"(?:[ T]+(\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?"
_NUMERIC = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}}){_TIME}", re.ASCII).fullmatch
_YEAR_FIRST = re.compile(rf"(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){_TIME}", re.ASCII).fullmatch
_MONTH_DAY = re.compile(r"([A-Za-z]{3})[a-z]*\.?[ -](\d{1,2}),?[ -](\d{4})", re.ASCII).fullmatch
_DAY_MONTH = re.compile(r"(\d{1,2})[ -]([A-Za-z]{3})[a-z]*\.?,?[ -](\d{4})", re.ASCII).fullmatch
_SECONDS = re.compile(r"\d{9,10}(?:\.\d+)?", re.ASCII).fullmatch
_QUESTION = "the whole column leaves open if day or month comes first: set CSV_DATE_ORDER to dmy or mdy"
_PARTS = {
    13: 10**3,
    16: 10**6,
    19: 10**9,
}  # digits of a moment of our time -> the parts of a second it counts


def moment(text: str, order: Order | None, zone: tzinfo) -> datetime:
    """The moment a date names, in UTC; ValueError where it names none. `order` is for such as 01/02/2017."""
    text = text.strip()
    found = _numeric(text, order) or _unix(text) or _iso(text) or _named(text)
    if found is None:
        raise ValueError("not a date")
    return (found.replace(tzinfo=zone) if found.tzinfo is None else found).astimezone(UTC)


def moments(order: Order | None, timezone: str) -> Callable[[str], datetime | None]:
    """Reads the dates of a file; None where the cell is blank."""
    zone = UTC if timezone == "UTC" else ZoneInfo(timezone)
    return lambda cell: None if is_missing(cell) else moment(cell, order, zone)


def observations(dates: Callable[[str], datetime | None], now: datetime) -> Callable[[str], datetime | None]:
    """Reads when a row was observed. Before the first coin or after tomorrow a clock is wrong."""
    latest = now + timedelta(days=1)

    @lru_cache(maxsize=10_000)  # a file of many coins has the same days for each
    def read(cell: str) -> datetime | None:
        found = dates(cell)
        if found and not _GENESIS <= found <= latest:
            raise ValueError("clock: before 2009 or in the future")
        return found

    return read


class OrderSearch:
    """Reads a column of dates until one of them shows its order: `24/12/2017` does, `01/02/2017` does not."""

    def __init__(self, column: str) -> None:
        self._column = column
        self._first: dict[Evidence, Fault] = {}

    def settles(self, line: int, cell: str) -> bool:
        """Take one more cell; whether the search is over."""
        if is_missing(cell):
            return False
        shows = evidence(cell)
        self._first.setdefault(shows, Fault(f"line {line}: {self._column}", "not a date", cell[:200]))
        return shows in ("plain", "dmy", "mdy")

    def verdict(self) -> Order | None:
        """The order, None where no date needs one; raises Rejected where the whole column leaves it open."""
        match self._first:
            case {"dmy": _}:
                return "dmy"
            case {"mdy": _}:
                return "mdy"
            case {"plain": _}:
                return None
            case {"ambiguous": fault}:
                raise Rejected((fault._replace(message=_QUESTION),))
            case {"none": fault} if "same" not in self._first:
                raise Rejected((fault,))
        return "dmy"  # no date at all, or only such as 05/05/2024, which both orders read alike


def evidence(text: str) -> Evidence:
    """What one date tells about the order of its column."""
    numeric = _NUMERIC(text.strip())
    if not numeric:
        return "plain" if _is_date(text, None) else "none"
    first, second = int(numeric[1]), int(numeric[3])
    order: Order = "dmy" if first > 12 else "mdy"
    if not _is_date(text, order):
        return "none"
    if first == second:
        return "same"
    return order if max(first, second) > 12 else "ambiguous"


def _is_date(text: str, order: Order | None) -> bool:
    try:
        moment(text, order, UTC)
    except ValueError:
        return False
    return True


def _unix(text: str) -> datetime | None:
    """Seconds, or whole milli-, micro- or nanoseconds since 1970."""
    if _SECONDS(text):
        return _EPOCH + timedelta(microseconds=int(Decimal(text) * 10**6))
    if text.isdecimal() and len(text) in _PARTS:
        return _EPOCH + timedelta(microseconds=int(text) * 10**6 // _PARTS[len(text)])
    return None


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.removesuffix(" UTC") + "+00:00" if text.endswith(" UTC") else text)
    except ValueError:
        year_first = _YEAR_FIRST(text)
        return year_first and _moment(*year_first.groups())


def _numeric(text: str, order: Order | None) -> datetime | None:
    match = _NUMERIC(text)
    if not match:
        return None
    first, _, second, year, time = match.groups()
    if order is None:
        raise ValueError("a date unlike the others of its column")
    day, month = (first, second) if order == "dmy" else (second, first)
    found = _moment(year, month, day, time)
    if found is None:
        raise ValueError(f"not a date in the order of its column, {order}")
    return found


def _named(text: str) -> datetime | None:
    """`Feb 20, 2018`, `20 February 2018`. Not by strptime: its months depend on the locale."""
    if match := _MONTH_DAY(text):
        name, day, year = match.groups()
    elif match := _DAY_MONTH(text):
        day, name, year = match.groups()
    else:
        return None
    month = name.lower()
    return _moment(year, str(_MONTHS.index(month) + 1), day) if month in _MONTHS else None


def _moment(year: str, month: str, day: str, time: str | None = None) -> datetime | None:
    clock = f"T{time:0>{len(time) + (time[1] == ':')}}" if time else ""
    try:
        return datetime.fromisoformat(f"{year}-{month:0>2}-{day:0>2}{clock}")
    except ValueError:
        return None
