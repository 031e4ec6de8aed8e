"""What all listings claim to be worth."""

from __future__ import annotations

from kasparro.store.pool import Connection
from kasparro.store.sql import statement
from kasparro.totals import Claim

_LIST = statement("claim_list")


async def claims(conn: Connection) -> list[Claim]:
    """Every listing with a market cap: there may be tens of thousands."""
    return [Claim(*row) for row in await conn.fetch(_LIST)]
