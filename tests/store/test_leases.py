"""Leases: one holder at a time, fences that only rise, a dead session's source free at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from kasparro.errors import Busy, FenceLost
from kasparro.store import leases, runs
from kasparro.store.pool import Pool
from kasparro.store.states import Due


async def test_second_owner_is_told_who_holds_the_source(pool: Pool) -> None:
    async with pool.acquire() as one, pool.acquire() as two:
        await leases.acquire(one, "csv", "first")
        with pytest.raises(Busy) as caught:
            await leases.acquire(two, "csv", "second")
    assert (caught.value.source, caught.value.owner) == ("csv", "first")


async def test_released_source_can_be_taken_and_the_fence_rises(pool: Pool) -> None:
    async with pool.acquire() as one, pool.acquire() as two:
        first = await leases.acquire(one, "csv", "first")
        await leases.release(one, "csv", first)
        assert await leases.acquire(two, "csv", "second") == first + 1


async def test_source_of_a_session_that_ended_is_free_at_once(dsn: str, pool: Pool) -> None:
    dead = await asyncpg.connect(dsn)
    first = await leases.acquire(dead, "csv", "first")
    dead.terminate()
    async with pool.acquire() as conn:
        assert await _taken(conn) == first + 1


async def _taken(conn: asyncpg.Connection) -> int:
    """The server notices a vanished session a moment after it is gone."""
    for _ in range(100):
        try:
            return await leases.acquire(conn, "csv", "second")
        except Busy:
            await conn.execute("SELECT pg_sleep(0.02)")
    raise AssertionError("the source of a dead session was never freed")


async def test_owner_frozen_in_the_middle_of_a_copy_loses_its_session(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "FROZEN", 0.2)
    frozen = asyncio.Event()

    async def half_a_row() -> AsyncIterator[bytes]:
        yield b"0\tbitcoin"
        frozen.set()
        await asyncio.Event().wait()

    async with pool.acquire() as one, pool.acquire() as two:
        first = await leases.acquire(one, "csv", "first")
        copy = asyncio.create_task(_page(one, first, half_a_row()))
        await frozen.wait()
        with pytest.raises(TimeoutError):  # its lock is in the way, and nobody is evicted yet
            await asyncio.wait_for(leases.acquire(two, "csv", "second"), 0.05)
        await asyncio.sleep(0.25)
        assert await _taken(two) == first + 1
        copy.cancel()
        await asyncio.gather(copy, return_exceptions=True)


async def _page(conn: asyncpg.Connection, fence: int, staged: AsyncIterator[bytes]) -> None:
    async with conn.transaction():
        await leases.renew(conn, "csv", fence)
        await conn.copy_to_table("staged", source=staged)


async def test_renewing_a_lost_fence_fails(pool: Pool) -> None:
    async with pool.acquire() as one, pool.acquire() as two:
        first = await leases.acquire(one, "csv", "first")
        await one.execute("UPDATE source_lease SET expires_at = now() - interval '1 second'")
        await leases.acquire(two, "csv", "second")
        with pytest.raises(FenceLost):
            await leases.renew(one, "csv", first)


async def test_open_run_of_a_lost_lease_is_closed_as_abandoned(pool: Pool) -> None:
    async with pool.acquire() as conn:
        fence = await leases.acquire(conn, "csv", "first")
        run_id = await runs.start(conn, "csv", owner="first", fence=fence, due=Due(), resumed_from=None)
        assert await runs.close_orphans(conn) == []
        await leases.release(conn, "csv", fence)
        assert await runs.close_orphans(conn, "coingecko") == []
        assert await runs.close_orphans(conn) == [(run_id, "csv", "manual", 0, 0, 0.0)]
        row = await conn.fetchrow("SELECT status, finished_at, error_message FROM etl_run")
    assert row["status"] == "abandoned"
    assert row["finished_at"]
    assert "last committed page is kept" in row["error_message"]
