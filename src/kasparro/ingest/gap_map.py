"""The gap map of a coin: what is missing of its past, and was not asked for yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kasparro.domain import Coin, Part, Reach, Span
from kasparro.ingest import gaps
from kasparro.ingest.gaps import Zone
from kasparro.ingest.reader import ApiReader
from kasparro.store import backfills
from kasparro.store.pool import Connection


@dataclass(frozen=True, slots=True)
class Missing:
    """What is to be asked of the past of a coin, in order; the plan gives nothing of what is `beyond`."""

    coin: Coin
    parts: Sequence[Part]
    beyond: Span | None


async def missing(conn: Connection, reader: ApiReader, coin: Coin, within: Span) -> Missing:
    """The gap map of a coin, drawn from its ticks as they are now."""
    cut = gaps.zones(within, _reaches(reader), datetime.now(UTC))
    parts = [part for zone in cut.zones for part in await _parts(conn, reader, coin.coin_id, zone)]
    return Missing(coin, parts, cut.beyond)


async def _parts(conn: Connection, reader: ApiReader, coin_id: str, zone: Zone) -> list[Part]:
    longest = zone.longest(timedelta(seconds=reader.options.interval))
    held = await backfills.gaps(conn, reader.name, coin_id, zone.span, longest)
    asked = await backfills.asked(conn, reader.name, coin_id, zone.span, zone.reach.step)
    return gaps.parts(gaps.unasked(held, asked, longest), zone.reach)


def _reaches(reader: ApiReader) -> Sequence[Reach]:
    """What the plan gives, or the setting says that it does."""
    *finer, last = reader.source.reaches(reader.options)
    back = reader.options.reach
    return [*finer, last if back is None else last._replace(back=timedelta(days=back))]
