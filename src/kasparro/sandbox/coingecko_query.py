"""What a request to CoinGecko's `/coins/markets` asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kasparro.sandbox.coingecko_records import WINDOWS
from kasparro.sandbox.currencies import PER_DOLLAR

_MOST_PER_PAGE = 250
_ORDERS = ("market_cap", "volume", "id")
_PRECISIONS = ("full", *map(str, range(19)))


class BadQuery(Exception):
    """The vendor refuses the query with `status` and `message`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class MarketsQuery(NamedTuple):
    """A valid query; like the vendor, it takes a value it cannot read for the default."""

    currency: str
    order: str
    is_ascending: bool
    per_page: int
    page: int
    ids: frozenset[str]
    precision: str
    windows: tuple[str, ...]
    with_sparkline: bool

    @property
    def rows(self) -> slice:
        return slice((self.page - 1) * self.per_page, self.page * self.per_page)


def markets_query(query: Mapping[str, str]) -> MarketsQuery:
    """Read the parameters; raises BadQuery where the vendor refuses."""
    order, _, direction = query.get("order", "market_cap_desc").rpartition("_")
    return MarketsQuery(
        currency=currency(query.get("vs_currency", ""), "vs_currency"),
        order=order if order in _ORDERS else "market_cap",
        is_ascending=direction == "asc",
        per_page=min(_number(query.get("per_page"), 100), _MOST_PER_PAGE),
        page=_number(query.get("page"), 1),
        ids=frozenset(listed(query.get("ids", ""))),
        precision=precision(query),
        windows=tuple(window for window in listed(query.get("price_change_percentage", "")) if window in WINDOWS),
        with_sparkline=query.get("sparkline", "").lower() == "true",
    )


def precision(query: Mapping[str, str]) -> str:
    """`full`, the number of digits, or nothing."""
    text = query.get("precision", "")
    return text if text in _PRECISIONS else ""


def currency(name: str, parameter: str) -> str:
    """The currency, in capitals; raises BadQuery where it is missing or unknown."""
    if not name:
        raise BadQuery(422, f"Missing parameter {parameter}")
    if name.upper() not in PER_DOLLAR:
        raise BadQuery(400, f"invalid {parameter}")
    return name.upper()


def listed(text: str) -> list[str]:
    """The items of a comma list."""
    return [item.strip() for item in text.split(",") if item.strip()]


def _number(text: str | None, default: int) -> int:
    return max(int(text), 1) if text and text.isdecimal() else default
