"""What CoinGecko's clients are told, as JSON text in that vendor's shape: the rows of one source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

from kasparro.store.pool import Connection
from kasparro.store.sql import statement

_PRICE = statement("gecko_price")
_RATE = statement("gecko_rate")
_LIST = statement("gecko_list")
_MARKET = statement("gecko_market")
Shape = Literal["chart", "candles"]
_HISTORY: Mapping[Shape, str] = {"chart": statement("gecko_chart"), "candles": statement("gecko_ohlc")}


class Unit(NamedTuple):
    """What amounts are told in: US dollars, or a coin of the source, of which `scale` units make one."""

    code: str
    coin_id: str | None
    scale: Decimal


class Choice(NamedTuple):
    """Which coins; None is any. Names and symbols are in lower case.

    Of coins that share a symbol, only the largest, unless `every_token`.
    """

    ids: Sequence[str] | None = None
    names: Sequence[str] | None = None
    symbols: Sequence[str] | None = None
    every_token: bool = False


Span = tuple[datetime | None, datetime, timedelta]
"""From when (None: the first tick) to when, and the stretch of time of each point."""


class Told(NamedTuple):
    """A text, and the units in which nothing can be told, because their rate is not known."""

    text: str
    unknown: Sequence[str]


async def prices(
    conn: Connection, source: str, choice: Choice, units: Sequence[Unit], figures: Sequence[str], digits: int | None
) -> Told:
    """An object: coin -> price and `figures` in each unit. `digits` behind the point of prices; None is all."""
    return Told(*await conn.fetchrow(_PRICE, source, *choice, *_columns(units), figures, digits))


class Order(NamedTuple):
    """Which part of the coins, and in what order: `market_cap_desc` and the like."""

    by: str
    limit: int
    skipped: int


async def market(
    conn: Connection,
    source: str,
    choice: Choice,
    unit: Unit,
    order: Order,
    *,
    digits: int | None,
    windows: Sequence[str],
    with_week: bool,
) -> Told:
    """A list: how coins stand in a unit. `windows` (1h to 1y) are those of price changes, from our own ticks."""
    return Told(*await conn.fetchrow(_MARKET, source, *choice, *_columns([unit]), digits, *order, windows, with_week))


def _columns(units: Sequence[Unit]) -> tuple[list[str], list[str | None], list[Decimal]]:
    return [unit.code for unit in units], [unit.coin_id for unit in units], [unit.scale for unit in units]


async def history(
    conn: Connection, shape: Shape, source: str, coin_id: str, span: Span, unit: Unit, digits: int | None
) -> str | None:
    """The history of a coin in a unit, at its price of each time; None where there is no such coin.

    A chart is an object of points, candles are a list.
    """
    text: str | None = await conn.fetchval(_HISTORY[shape], source, coin_id, *span, unit.coin_id, unit.scale, digits)
    return text


async def rates(conn: Connection, source: str, units: Sequence[Unit]) -> dict[str, Decimal]:
    """Code -> what the unit is worth in US dollars now; those without a price are left out."""
    return dict(map(tuple, await conn.fetch(_RATE, source, *_columns(units))))


async def listed(conn: Connection, source: str, *, gone: bool, contracts: bool) -> str:
    """A list: every coin of a source, or every one that it lists no more."""
    return str(await conn.fetchval(_LIST, source, gone, contracts))
