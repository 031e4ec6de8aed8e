"""Candles on their way out, as JSON text: PostgreSQL prints them, so that no digit is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

from kasparro.store.exports import Form, Sink, copy
from kasparro.store.pool import Connection
from kasparro.store.sql import statement

_EXTENT = statement("candle_extent")
_PAGE = statement("candle_page")
_CARRIED = statement("candle_carried")
_EXPORT = {"csv": statement("candle_export"), "ndjson": statement("candle_export_json")}

Fill = Literal["previous"]


class Extent(NamedTuple):
    """The listings of an asset, as two columns, and the first and the last day of which anything is known."""

    asset_id: str
    sources: Sequence[str]
    coin_ids: Sequence[str]
    first_day: datetime | None
    last_day: datetime | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which candles: the listings, as two columns, the step, and from when to before when, both multiples of the step.

    Closes agree when the highest is at most `agrees` times the lowest. `fill` repeats the close before a gap.
    """

    sources: Sequence[str]
    coin_ids: Sequence[str]
    step: timedelta
    since: datetime
    before: datetime
    agrees: Decimal
    fill: Fill | None = None


async def extent(conn: Connection, asset_id: str, source: str | None) -> Extent | None:
    """What is known of an asset, or of the one that took it over, by a source or by all; None where there is none."""
    row = await conn.fetchrow(_EXTENT, asset_id, source)
    return Extent(*row) if row else None


async def page(conn: Connection, wanted: Wanted) -> list[str]:
    """The candles, the newest first, each as a JSON object; where there is none, the reason."""
    return [text for (text,) in await conn.fetch(_PAGE, *await _parameters(conn, wanted))]


async def export(conn: Connection, wanted: Wanted, form: Form, sink: Sink) -> None:
    """Send the candles, the newest first."""
    await copy(conn, _EXPORT[form], await _parameters(conn, wanted), form, sink)


async def _parameters(conn: Connection, wanted: Wanted) -> tuple[object, ...]:
    listings = wanted.sources, wanted.coin_ids, wanted.step
    carried = wanted.fill and await conn.fetchval(_CARRIED, *listings, wanted.since, wanted.agrees)
    return (*listings, wanted.since, wanted.before, wanted.agrees, wanted.fill, carried)
