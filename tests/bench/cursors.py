"""Cursors to places all over the table: pages that nobody has asked for before."""

from __future__ import annotations

import asyncpg

from kasparro.api import cursors
from kasparro.store.coins import Place

PAGE_SIZE = 100
_PLACES = """
SELECT ARRAY[rank, market_cap_usd, source, coin_id]::text[]
FROM unified_crypto ORDER BY hashtextextended(coin_id, 0) LIMIT $1
"""


async def paths(dsn: str, count: int) -> list[str]:
    """So many pages of `/data` in the usual order, none twice."""
    conn = await asyncpg.connect(dsn)
    places = [Place(keys) for [keys] in await conn.fetch(_PLACES, count)]
    await conn.close()
    return [f"/data?page_size={PAGE_SIZE}&cursor={cursors.write(place, '')}" for place in places]
