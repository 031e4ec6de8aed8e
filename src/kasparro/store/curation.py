"""What people say of assets: it stands above every rule, and no rule moves it. Each call is one transaction.

Raises NotThere where there is no such listing or asset. Saying it twice changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from kasparro.errors import NotThere
from kasparro.identity.changes import Changes, Event, Place
from kasparro.identity.evidence import Method
from kasparro.identity.listing import Key
from kasparro.identity.slugs import slug
from kasparro.store import assets
from kasparro.store.pool import Connection
from kasparro.store.sql import statement

_FIND = statement("asset_find")
_LISTINGS = statement("asset_listings")
_LISTING = statement("listing_find")


class _Placed(NamedTuple):
    """A listing where it is now; the asset is None before any rule has seen it."""

    key: Key
    name: str
    symbol: str | None
    asset: str | None
    method: Method | None
    is_ambiguous: bool | None


async def link(conn: Connection, key: Key, asset_id: str) -> str:
    """Put a listing into an asset; returns the asset's id, which is another where that was merged."""
    async with conn.transaction():
        await assets.lock(conn)
        into = await _asset(conn, asset_id)
        await _move(conn, [await _listing(conn, key)], into)
    return into


async def unlink(conn: Connection, key: Key) -> str:
    """Take a listing out of its asset and keep it alone; returns the asset that it has for itself."""
    async with conn.transaction():
        await assets.lock(conn)
        listing = await _listing(conn, key)
        if listing.asset and len(await _held(conn, listing.asset)) == 1:
            await _move(conn, [listing], listing.asset)
            return listing.asset
        return await _move_out(conn, [listing])


async def merge(conn: Connection, asset_id: str, into: str) -> str:
    """Put all listings of an asset into another; returns the other's id."""
    async with conn.transaction():
        await assets.lock(conn)
        leaving, target = await _asset(conn, asset_id), await _asset(conn, into)
        if leaving != target:
            await _move(conn, [await _listing(conn, key) for key in await _held(conn, leaving)], target)
    return target


async def split(conn: Connection, asset_id: str, keys: Sequence[Key]) -> str:
    """Put some listings of an asset into a new one; returns the new one's id."""
    async with conn.transaction():
        await assets.lock(conn)
        asset = await _asset(conn, asset_id)
        held = await _held(conn, asset)
        for key in keys:
            if key not in held:
                raise NotThere(f"{key.source} {key.coin_id} is not in the asset {asset}")
        if set(keys) == set(held):
            return asset
        return await _move_out(conn, [await _listing(conn, key) for key in dict.fromkeys(keys)])


async def _asset(conn: Connection, asset_id: str) -> str:
    found: str | None = await conn.fetchval(_FIND, asset_id)
    if found is None:
        raise NotThere(f"there is no asset {asset_id}")
    return found


async def _held(conn: Connection, asset_id: str) -> list[Key]:
    return [Key(*row) for row in await conn.fetch(_LISTINGS, asset_id)]


async def _listing(conn: Connection, key: Key) -> _Placed:
    row = await conn.fetchrow(_LISTING, *key)
    if row is None:
        raise NotThere(f"{key.source} lists no {key.coin_id}")
    return _Placed(key, *row)


async def _move_out(conn: Connection, listings: Sequence[_Placed]) -> str:
    """Into an asset of their own."""
    first = listings[0]
    made = slug(first.name, first.symbol, first.key.coin_id, await assets.ids(conn))
    await _move(conn, listings, made, new_assets={made})
    return made


async def _move(conn: Connection, listings: Sequence[_Placed], into: str, *, new_assets: Collection[str] = ()) -> None:
    changes = Changes(new_assets=set(new_assets))
    for listing in listings:
        if (listing.asset, listing.method) != (into, "manual"):
            changes.places.append(_by_hand(listing, into))
            changes.events.extend(_events(listing, into))
    for fellow in [await _listing(conn, key) for key in await _held(conn, into)]:
        if fellow not in listings and (fellow.method == "alone" or fellow.is_ambiguous):  # it is what was meant
            changes.places.append(_by_hand(fellow, into))
            changes.events.extend(_cleared(fellow, into))
    moving = {listing.key for listing in listings}
    for left in sorted({listing.asset for listing in listings if listing.asset} - {into}):
        if moving.issuperset(await _held(conn, left)):
            changes.merged[left] = into
            changes.events.append(Event(left, "merged", None, {"into": into}))
    await assets.save(conn, changes, "person")


def _events(listing: _Placed, into: str) -> Iterator[Event]:
    if listing.asset in (into, None):
        yield Event(into, "linked", listing.key, {"method": "manual"})
    else:
        yield Event(into, "linked", listing.key, {"method": "manual", "from": listing.asset})
        yield Event(listing.asset, "unlinked", listing.key, {"to": into})
    yield from _cleared(listing, into)


def _cleared(listing: _Placed, asset: str) -> Iterator[Event]:
    if listing.is_ambiguous:
        yield Event(asset, "cleared", listing.key, {})


def _by_hand(listing: _Placed, asset: str) -> Place:
    return Place(listing.key, asset, listing.name, listing.symbol, "manual", 1.0, None, False, [])
