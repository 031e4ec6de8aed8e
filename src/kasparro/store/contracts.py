"""Contracts: on which chain and under which address the tokens of a source live."""

from __future__ import annotations

from collections.abc import Sequence

from kasparro.identity.listing import Contract
from kasparro.store.pool import Connection
from kasparro.store.sql import statement

_CLAIM = statement("contract_claim")
_PUT_OFF = statement("contract_put_off")
_REPLACE = statement("contract_replace")
_TELL = statement("contract_tell")


async def claim(conn: Connection, source: str) -> bool:
    """Whether it is ours to ask for the contracts of a source now: once a day, one process does."""
    return await conn.fetchval(_CLAIM, source) is not None


async def put_off(conn: Connection, source: str) -> None:
    """They could not be had; somebody asks again in an hour."""
    await conn.execute(_PUT_OFF, source)


async def replace(conn: Connection, source: str, contracts: Sequence[Contract]) -> int:
    """Keep these and no others; returns how many are new or gone."""
    changed: int = await conn.fetchval(_REPLACE, source, *_columns(contracts))
    return changed


async def tell(conn: Connection, source: str, contracts: Sequence[tuple[str, str, str]]) -> None:
    """Add these, (coin_id, chain, address): a coin has one address on a chain, the one that was told last."""
    await conn.execute(_TELL, source, *_columns(contracts))


def _columns(contracts: Sequence[tuple[str, str, str]]) -> list[list[str]]:
    return [[each[place] for each in contracts] for place in range(3)]
