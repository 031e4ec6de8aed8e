"""The ledger of credits: never one over the limit, however many reserve at once; holds forbid every call."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from itertools import chain

import asyncpg
import pytest

from kasparro.store import quotas
from kasparro.store.pool import Pool, ingest_pool
from kasparro.store.quotas import Account, Hold

RUN = "INSERT INTO etl_run (source, trigger, owner, fence, requests) VALUES ('coingecko', 'manual', '', 1, $1)"
DEMO = Account("coingecko", "a1b2", "demo", 100)
KEYLESS = Account("coingecko", "", "keyless", None)


async def reserve(pool: Pool, account: Account, most: int | None) -> int | None:
    async with pool.acquire() as conn:
        return await quotas.reserve(conn, account, most)


async def turn_the_month(pool: Pool) -> None:
    async with pool.acquire() as conn:
        await conn.execute("UPDATE request_quota SET month = month - interval '1 month'")


async def test_no_credit_is_reserved_twice_and_none_over_the_limit(dsn: str) -> None:
    """Three replicas with four connections each."""
    async with AsyncExitStack() as stack:
        pools = [await stack.enter_async_context(ingest_pool(dsn, 4)) for _ in range(3)]

        async def spend(pool: Pool) -> list[int]:
            reserved: list[int] = []
            while (used := await reserve(pool, DEMO, 200)) is not None:
                reserved.append(used)
            return reserved

        spent = await asyncio.gather(*(spend(pool) for pool in pools for _ in range(4)))
        assert sorted(chain.from_iterable(spent)) == list(range(1, 201))
        assert sum(map(bool, spent)) > 1
        assert await reserve(pools[0], DEMO, 200) is None


async def test_turn_of_the_month_brings_new_credits_and_keeps_the_old_row(pool: Pool) -> None:
    assert [await reserve(pool, DEMO, 2) for _ in range(3)] == [1, 2, None]
    await turn_the_month(pool)
    assert [await reserve(pool, DEMO, 2) for _ in range(3)] == [1, 2, None]
    async with pool.acquire() as conn:
        assert await conn.fetchval("SELECT array_agg(used) FROM request_quota") == [2, 2]


async def test_each_key_has_credits_of_its_own(pool: Pool) -> None:
    other = DEMO._replace(key="c3d4")
    assert [await reserve(pool, account, 1) for account in (DEMO, DEMO, other, other)] == [1, None, 1, None]


async def test_without_a_limit_calls_are_counted_all_the_same(pool: Pool) -> None:
    assert [await reserve(pool, KEYLESS, None) for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("most", [0, -5])
async def test_nothing_is_reserved_of_nothing(pool: Pool, most: int) -> None:
    assert await reserve(pool, DEMO, most) is None


async def test_limit_that_was_lowered_below_what_is_used_lets_none_through(pool: Pool) -> None:
    assert [await reserve(pool, DEMO, 3) for _ in range(3)] == [1, 2, 3]
    assert await reserve(pool, DEMO, 2) is None


async def test_standing_knows_what_is_used_what_a_cycle_costs_and_when_the_month_ends(pool: Pool) -> None:
    async with pool.acquire() as conn:
        assert await quotas.standing(conn, DEMO) == (0, pytest.approx(16 * 86400, abs=16 * 86400), None)
        for requests in (9, 0, *[4] * 6, *[6] * 4):  # the first is forgotten, the second asked nothing
            await conn.execute(RUN, requests)
        await quotas.reserve(conn, DEMO, 100)
        used, _, cost = await quotas.standing(conn, DEMO)
        assert (used, cost) == (1, 4.8)
        assert await conn.fetchval("SELECT quota_resets_at() > now() AND quota_month() <= now()")


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
async def test_month_is_counted_in_utc_whatever_the_zone_of_the_session(pool: Pool, zone: str) -> None:
    async with pool.acquire() as conn:
        expected = await conn.fetchrow("SELECT quota_month(), quota_resets_at()")
        await conn.execute("SELECT set_config('timezone', $1, false)", zone)
        assert await conn.fetchrow("SELECT quota_month(), quota_resets_at()") == expected
        await conn.execute("SET timezone = 'UTC'")
        assert await conn.fetchval("SELECT date_trunc('month', now())::date") == expected["quota_month"]


async def hold(conn: asyncpg.Connection, seconds: float, *, account: Account = DEMO) -> None:
    await quotas.hold(conn, account, Hold(seconds, False, f"wait {seconds:g} s \0"))


async def test_held_account_reserves_nothing_until_the_hold_ends(pool: Pool) -> None:
    async with pool.acquire() as conn:
        await hold(conn, 60)
        assert await quotas.reserve(conn, DEMO, 100) is None
        held = await quotas.held(conn, DEMO)
        assert held
        assert 59 < held.seconds <= 60
        assert held[1:] == (False, r"wait 60 s \x00")
        await conn.execute("UPDATE request_hold SET until = now()")
        assert await quotas.held(conn, DEMO) is None
        assert await quotas.reserve(conn, DEMO, 100) == 1


@pytest.mark.parametrize("changed", [DEMO._replace(key="c3d4"), DEMO._replace(plan="analyst")], ids=["key", "plan"])
async def test_other_key_or_plan_is_not_held(pool: Pool, changed: Account) -> None:
    async with pool.acquire() as conn:
        await hold(conn, 60)
        assert await quotas.held(conn, changed) is None
        assert await quotas.reserve(conn, changed, 100) == 1


async def test_shorter_hold_does_not_cut_a_longer_one_short(pool: Pool) -> None:
    async with pool.acquire() as conn:
        for seconds in (600, 5):
            await hold(conn, seconds)
        held = await quotas.held(conn, DEMO)
        assert held
        assert (held.seconds > 590, held.reason) == (True, r"wait 600 s \x00")
