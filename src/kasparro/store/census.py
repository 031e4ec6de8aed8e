"""The census of prices: what one process counts, and all of them show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kasparro.store.pool import Connection
from kasparro.store.sql import statement

_CLAIM = statement("census_claim")
_ASSETS = statement("census_assets")
_AMBIGUOUS = statement("census_ambiguous")
_KEEP = statement("census_keep")
_READ = statement("census_read")

Counts = Mapping[str, Mapping[str, Any]]
"""{"assets": {status: n}, "quotes": {source: {verdict: n}}, "ambiguous": {source: n}}"""


async def claim(conn: Connection, seconds: float) -> bool:
    """Whether it is ours to count now: one process does, once in so many seconds."""
    return await conn.fetchval(_CLAIM, seconds) is not None


async def assets(conn: Connection, after: str, limit: int) -> list[str]:
    """The ids of assets behind one, in order."""
    return [row["asset_id"] for row in await conn.fetch(_ASSETS, after, limit)]


async def ambiguous(conn: Connection) -> dict[str, int]:
    """How many listings of each source are in doubt."""
    return dict(await conn.fetch(_AMBIGUOUS))


async def keep(conn: Connection, counts: Counts) -> None:
    """Keep what was counted, for all processes."""
    await conn.execute(_KEEP, counts)


async def read(conn: Connection) -> Counts | None:
    """What was counted last; None before the first time."""
    counts: Counts | None = await conn.fetchval(_READ)
    return counts
