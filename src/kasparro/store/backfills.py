"""Backfills: which coins they are for, what is missing of their past, what was asked before, and what came of it."""

from __future__ import annotations

from datetime import timedelta

from kasparro.domain import Coin, Part, Span
from kasparro.store import candles, knowledge, leases, tickers, versions
from kasparro.store.pool import Connection
from kasparro.store.sql import statement
from kasparro.store.tickers import Effect, Origin

_LISTINGS = statement("backfill_listings")
_NAMES = statement("backfill_names")
_GAPS = statement("backfill_gaps")
_ASKED = statement("backfill_asked")
_MERGE = statement("backfill_merge")
_NOTE = statement("backfill_note")


async def coins(conn: Connection, source: str, name: str) -> list[Coin]:
    """The coins that a name may stand for at the source: that of an asset, that of an id of its own, or both."""
    return [Coin(*row) for row in await conn.fetch(_LISTINGS, source, name)]


async def names(conn: Connection, source: str) -> list[str]:
    """All names that stand for a coin of the source."""
    return [row[0] for row in await conn.fetch(_NAMES, source)]


async def gaps(conn: Connection, source: str, coin_id: str, within: Span, longest: timedelta) -> list[Span]:
    """The stretches without a tick that are longer than `longest`, in order."""
    return [Span(*row) for row in await conn.fetch(_GAPS, source, coin_id, *within, longest)]


async def asked(conn: Connection, source: str, coin_id: str, within: Span, step: timedelta) -> list[Span]:
    """What was asked and answered before, in such steps or finer ones, in order."""
    return [Span(*row) for row in await conn.fetch(_ASKED, source, coin_id, *within, step.total_seconds())]


async def merge(conn: Connection, origin: Origin, staged: bytes) -> list[Effect]:
    """Stage points and merge them into the history, inside the page's transaction. The staging table must be empty.

    A page of the source is committed either before this one or behind it. The wait for that follows the COPY: a process
    that is frozen within one keeps nobody from anything.
    """
    await tickers.stage(conn, staged)
    await leases.wait(conn, origin.source)
    values = origin.source, origin.run_id, origin.raw_id, origin.fetched_at, origin.since
    effects = [Effect(*row) for row in await conn.fetch(_MERGE, *values)]
    await versions.bump(conn, origin.source)
    await candles.note_staged(conn, origin.source, origin.raw_id, origin.fetched_at)
    return effects


async def note(conn: Connection, origin: Origin, coin_id: str, part: Part, points: int) -> None:
    """Remember that a part was asked for, and answered by so many points: what was yet to come then, was not.

    It ends the page's transaction: what the latest row says beside the points is kept.
    """
    until = max(min(part.until, origin.fetched_at), part.since + timedelta(seconds=1))
    await conn.execute(
        _NOTE,
        origin.source,
        coin_id,
        origin.raw_id,
        part.since,
        until,
        part.step.total_seconds(),
        points,
        origin.run_id,
        origin.fetched_at,
    )
    await knowledge.note(conn, origin.source, [coin_id])
    await versions.bump(conn, origin.source)
