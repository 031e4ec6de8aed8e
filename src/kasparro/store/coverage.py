"""How much of a time the history of an asset covers, as JSON text: PostgreSQL prints it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from kasparro.store.pool import Connection
from kasparro.store.sql import statement

_LIST = statement("coverage_list")
_LONGEST = 100  # gaps and spans of a listing that are listed: all are counted


class Coverage(NamedTuple):
    """An asset, or the one that took it over, and its listings as a JSON list."""

    asset_id: str
    listings: str


async def coverage(
    conn: Connection, asset_id: str, *, since: datetime | None, until: datetime, polled: Sequence[str]
) -> Coverage | None:
    """What is held from `since` (None: the first tick of each listing) to `until`; None where there is no such asset.

    `polled` are the sources that are read at a pace of ours: nothing more frequent is expected of them.
    """
    row = await conn.fetchrow(_LIST, asset_id, since, until, _LONGEST, polled)
    return None if row["asset_id"] is None else Coverage(*row)
