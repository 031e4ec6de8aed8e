"""What the sources say of the price of assets, with the reason where they say nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kasparro.consensus import Quote
from kasparro.store.pool import Connection
from kasparro.store.sql import statement

_LIST = statement("quote_list")


async def quotes(conn: Connection, assets: Sequence[str], coin_ids: Mapping[str, str]) -> dict[str, list[Quote]]:
    """The quotes of each asset, one a source, all in one statement; an asset that was taken over is not told itself.

    `coin_ids`: source -> the upstream path of a record's coin_id, to find the coin of a record that was rejected.
    """
    found: dict[str, list[Quote]] = {}
    for asset_id, *values in await conn.fetch(_LIST, assets, list(coin_ids), list(coin_ids.values())):
        found.setdefault(asset_id, []).append(Quote(*values))
    return found
