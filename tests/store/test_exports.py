"""An export that breaks off lets go of what it holds."""

from __future__ import annotations

import asyncio

import pytest

from kasparro.store import exports
from kasparro.store.coins import Filters
from kasparro.store.pool import Pool


class GoneError(Exception):
    """Nobody takes the rows any more."""


@pytest.mark.parametrize("seconds", [0.0, 0.2])  # in the second all rows are there before: nothing is left to cancel
async def test_whoever_goes_in_the_middle_of_an_export_holds_nothing_up(pool: Pool, seconds: float) -> None:
    async def sink(_: bytes) -> None:
        await asyncio.sleep(seconds)
        raise GoneError

    async with asyncio.timeout(10):
        with pytest.raises(GoneError):
            async with pool.acquire() as conn:
                await exports.coins(conn, Filters(), "csv", sink, as_of=None)
        async with pool.acquire() as conn:
            assert await conn.fetchval("SELECT count(*) FROM pg_stat_activity WHERE query ^@ 'COPY'") == 0
