"""Assets: which listing is in which, kept together with every change. Whoever moves one holds the lock first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from kasparro.identity.changes import Changes, Event, Place
from kasparro.identity.figures import Figures
from kasparro.identity.listing import Key, Listing, Standing
from kasparro.store import versions
from kasparro.store.pool import Connection
from kasparro.store.sql import statement

_LOCK = statement("asset_lock")
_WAITING = statement("listing_waiting")
_CATALOGUE = statement("listing_catalogue")
_IDS = statement("asset_ids")
_INSERT = statement("asset_insert")
_PLACE = statement("listing_place")
_RENAME = statement("listing_rename")
_LEAVE_ALONE = statement("listing_leave_alone")
_MERGE = statement("asset_merge")
_REFRESH = statement("asset_refresh")
_EVENTS = statement("asset_event_insert")
_COUNT = statement("asset_count")

Actor = Literal["rules", "person"]


async def lock(conn: Connection) -> None:
    """Keep others from moving listings until the transaction ends; waits for them first."""
    await conn.execute(_LOCK)


async def waiting(conn: Connection) -> list[Key]:
    """The listings that have to be looked at: new ones, and those that are called otherwise now."""
    return [Key(*row) for row in await conn.fetch(_WAITING)]


async def catalogue(conn: Connection) -> list[Any]:
    """Every listing there is, as rows for `listing`: there may be tens of thousands."""
    return list(await conn.fetch(_CATALOGUE))


def listing(row: Sequence[Any]) -> Listing:
    """A row of the catalogue as a listing."""
    source, coin_id, name, symbol, *figures, asset, since, known_name, known_symbol, is_pinned, is_ambiguous, on = row
    standing = Standing(asset, since, known_name, known_symbol, is_pinned, is_ambiguous) if asset else None
    return Listing(Key(source, coin_id), name, symbol, Figures(*figures), frozenset(on), standing)


async def ids(conn: Connection) -> set[str]:
    """The ids of all assets that there ever were."""
    return {row["asset_id"] for row in await conn.fetch(_IDS)}


async def save(conn: Connection, changes: Changes, actor: Actor) -> None:
    """Write what changed, in the transaction that holds the lock."""
    await conn.execute(_INSERT, sorted(changes.new_assets))
    await conn.execute(_PLACE, [_as_row(place) for place in changes.places if place.method])
    await conn.execute(_RENAME, [_as_row(place) for place in changes.places if not place.method])
    await conn.execute(_LEAVE_ALONE, sorted(changes.touched))
    renamed = [event for event in changes.events if event.kind == "renamed"]
    before = [event.details["before"]["name"] for event in renamed]
    await conn.execute(_REFRESH, sorted(changes.touched), [event.asset for event in renamed], before)
    await conn.execute(_MERGE, list(changes.merged), list(changes.merged.values()))
    await conn.execute(_EVENTS, actor, [_as_event(event) for event in changes.events])
    for source in sorted({place.key.source for place in changes.places}):
        await versions.bump(conn, source)


def _as_row(place: Place) -> dict[str, Any]:
    values = place._asdict()
    source, coin_id = values.pop("key")
    return {"source": source, "coin_id": coin_id, "asset_id": values.pop("asset"), **values}


def _as_event(event: Event) -> dict[str, Any]:
    source, coin_id = event.key or (None, None)
    return {"asset_id": event.asset, "kind": event.kind, "source": source, "coin_id": coin_id, "details": event.details}


class Count(NamedTuple):
    """How many assets there are, how many have several sources, and how many are ambiguous."""

    assets: int
    linked: int
    ambiguous: int


async def count(conn: Connection) -> Count:
    """How many assets there are."""
    return Count(*await conn.fetchrow(_COUNT))
