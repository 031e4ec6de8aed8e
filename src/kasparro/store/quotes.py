"""What the sources say of the price of assets, with the reason where they say nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from kasparro.consensus import Quote
from kasparro.store.pool import Connection
from kasparro.store.sql import statement

_LIST = statement("quote_list")
_KNOWN = statement("quote_known_list")


async def quotes(
    conn: Connection, assets: Sequence[str], coin_ids: Mapping[str, str], *, as_of: datetime | None = None
) -> dict[str, list[Quote]]:
    """The quotes of each asset, one a source, all in one statement; an asset that was taken over is not told itself.

    They are as they are, or as they were known at a moment.
    `coin_ids`: source -> the upstream path of a record's coin_id, to find the coin of a record that was rejected.
    """
    query, known = (_LIST, ()) if as_of is None else (_KNOWN, (as_of,))
    found: dict[str, list[Quote]] = {}
    for asset_id, *values in await conn.fetch(query, assets, list(coin_ids), list(coin_ids.values()), *known):
        found.setdefault(asset_id, []).append(Quote(*values))
    return found
