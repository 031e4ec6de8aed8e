"""Credits: who pays, the pace that lasts, and months of failing runs that never cost one too many."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kasparro.domain import Request
from kasparro.errors import PlanLimit, QuotaSpent, RateLimited, Unauthorized
from kasparro.ingest import quota
from kasparro.ingest.quota import PARKED, Pace, allowance, paced
from kasparro.ingest.scheduler import NotRun, Schedule
from kasparro.ingest.transport import Transport, limiter
from kasparro.metrics import Metrics
from kasparro.sandbox import Sandbox, faults
from kasparro.settings import Rate
from kasparro.sources import SOURCES
from kasparro.store import quotas
from kasparro.store.pool import Pool
from kasparro.store.quotas import Account, Standing

from .conftest import MakePipeline, cycle

KILLED = Path(__file__).with_name("killed.py")
MONTH = 30 * 86400.0
GECKO = Account("coingecko", "", "demo", 100)
MARKETS = Request("/coins/markets", {"vs_currency": "usd"})


def account(source: str, **options: Any) -> Account:
    declared: Any = SOURCES[source]
    return quota.account(declared, declared.options_type(**options))


@pytest.mark.parametrize(
    ("source", "options", "plan", "credits"),
    [
        ("coingecko", {}, "keyless", None),
        ("coingecko", {"api_key": "k"}, "demo", 10_000),
        ("coingecko", {"api_key": "k", "plan": "basic"}, "basic", 100_000),
        ("coingecko", {"api_key": "k", "plan": "pro"}, "pro", 500_000),
        ("coingecko", {"credits": "123"}, "keyless", 123),
        ("coinpaprika", {}, "free", 20_000),
        ("coinpaprika", {"plan": "business"}, "free", 20_000),
        ("coinpaprika", {"api_key": "k"}, "starter", 400_000),
        ("coinpaprika", {"api_key": "k", "plan": "enterprise"}, "enterprise", None),
        ("coinpaprika", {"credits": "unlimited"}, "free", None),
    ],
)
def test_plan_tells_the_credits_and_a_setting_overrides_it(
    source: str,
    options: dict[str, str],
    plan: str,
    credits: int | None,  # noqa: A002 - the trade's word
) -> None:
    assert account(source, **options)[2:] == (plan, credits)


def test_fingerprint_tells_keys_apart_and_gives_none_away() -> None:
    one, two = (account("coingecko", api_key=key).key for key in ("CG-first-key", "CG-second-key"))
    assert one == account("coingecko", api_key="CG-first-key", plan="pro").key
    assert len({one, two, account("coinpaprika", api_key="CG-first-key").key, account("coingecko").key}) == 4
    assert len(one) == 16
    assert "first" not in bytes.fromhex(one).decode("latin-1")


standings = st.builds(
    Standing,
    used=st.integers(0, 2000),
    resets_in=st.floats(1, 31 * 86400),
    cost=st.none() | st.floats(1, 500),
)
accounts = st.builds(
    Account,
    source=st.just("coingecko"),
    key=st.just(""),
    plan=st.just("demo"),
    credits=st.none() | st.integers(1, 3000),
)


@given(interval=st.floats(1, 366 * 86400), account=accounts, standing=standings)
def test_pace_is_never_faster_than_configured_and_never_spends_what_is_not_there(
    interval: float, account: Account, standing: Standing
) -> None:
    pace = paced(interval, account, standing)
    assert pace.interval >= interval or pace.spent
    if account.credits is None:
        assert pace == Pace(interval)
        return
    left, cost = account.credits - account.kept - standing.used, standing.cost or 1.0
    cycles = standing.resets_in / pace.interval  # that begin before the month ends
    assert cycles <= 1 or cycles * cost <= left * (1 + 1e-9)
    if pace.spent:
        assert left < cost
        assert pace.interval > standing.resets_in > 0
    if interval <= standing.resets_in and left < cost:
        assert pace.spent or pace.interval == interval == standing.resets_in


@given(st.integers(20, 3000), st.integers(1, 60), st.floats(60, MONTH))
def test_month_is_lived_through_at_an_even_pace(limit: int, cost: int, interval: float) -> None:
    """No cycle is missed that could be paid for, and none comes early at the expense of a later one."""
    account = GECKO._replace(credits=limit)
    used, now, gaps = 0, 0.0, []
    while now < MONTH:
        used += cost if used + cost <= limit - account.kept else 0
        pace = paced(interval, account, Standing(used, MONTH - now, float(cost)))
        gaps.append(pace.interval)
        now += pace.interval
    assert used <= limit - account.kept
    if max(gaps) > interval:  # stretched: what is left does not pay for two more
        assert limit - account.kept - used < 2 * cost
        assert all(gap <= max(interval, gaps[0]) * 1.01 for gap in gaps if gap < MONTH / 3)


def test_cycle_that_costs_more_than_all_credits_is_not_begun() -> None:
    pace = paced(60, GECKO, Standing(96, 5000, 4.0))
    assert pace.interval == pytest.approx(5060)
    assert pace.spent == (
        "96 of the month's 100 credits are used (5 are kept for runs that somebody asks for); "
        "set COINGECKO_CREDITS if the plan has more"
    )


@pytest.fixture
async def months(pool: Pool) -> Any:
    """`await months(3)`: it is the third of months that are as long as the test wants them."""
    async with pool.acquire() as conn:
        await conn.execute("CREATE TABLE test_month (number int); INSERT INTO test_month VALUES (0)")
        await conn.execute(
            "CREATE OR REPLACE FUNCTION quota_month() RETURNS date LANGUAGE sql STABLE AS "
            "$$ SELECT (date '2026-01-01' + number * interval '1 month')::date FROM test_month $$"
        )
        await conn.execute(
            "CREATE OR REPLACE FUNCTION quota_resets_at() RETURNS timestamptz LANGUAGE sql STABLE AS "
            "$$ SELECT now() + interval '1 hour' $$"
        )

    async def turn(number: int) -> None:
        async with pool.acquire() as conn:
            await conn.execute("UPDATE test_month SET number = $1", number)

    return turn


async def holds(pool: Pool) -> int:
    async with pool.acquire() as conn:
        return int(await conn.fetchval("SELECT count(*) FROM request_hold WHERE until > now()"))


async def let_holds_end(pool: Pool) -> None:
    async with pool.acquire() as conn:
        await conn.execute("UPDATE request_hold SET until = now()")


async def used(pool: Pool) -> int:
    """Credits of this month, of all keys."""
    async with pool.acquire() as conn:
        return int(await conn.fetchval("SELECT coalesce(sum(used), 0) FROM request_quota WHERE month = quota_month()"))


async def declared(schedule: Schedule, pool: Pool) -> asyncpg.Record:
    """How the source stands once a process with this schedule has started."""
    async with pool.acquire() as conn:
        await schedule.declare(conn)
        return await conn.fetchrow(
            "SELECT *, extract(epoch FROM next_run_at - clock_timestamp()) AS seconds FROM source_state"
        )


async def until_free(pool: Pool) -> None:
    """The server notices a moment later that the session of a killed process is gone."""
    async with asyncio.timeout(10), pool.acquire() as conn:
        while await conn.fetchval("SELECT bool_or(session_lives(backend_pid, backend_start)) FROM source_lease"):
            await asyncio.sleep(0.02)


TROUBLE = [
    faults.RateLimited(retry_after=600),
    faults.RateLimited(retry_after=3),
    faults.RateLimited(),
    faults.ServerError(503),
    faults.ServerError(500),
    faults.Reset(),
    faults.Truncated(),
    faults.Html(),
    faults.Unauthorized(),
    faults.PaymentRequired(),
]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_months_of_trouble_over_three_replicas_never_cost_a_call_too_many(
    make_pipeline: MakePipeline,
    pool: Pool,
    sandbox: Sandbox,
    months: Any,
    no_waiting: list[float],
    seed: int,
) -> None:
    random = Random(seed)  # noqa: S311 - which fault comes when
    limit, spent, pauses = 40, [], 0
    replicas = [Schedule(make_pipeline("coingecko", credits=limit), pool, Metrics(), 60) for _ in range(3)]
    for month in range(4):
        await months(month)
        before = len(sandbox.calls)
        for _ in range(14):
            sandbox.heal()
            sandbox.fail("coingecko", random.choice(TROUBLE), times=random.randint(0, 4))
            asked = [replica.once() if random.random() < 0.3 else cycle(replica, pool) for replica in replicas]
            await asyncio.gather(*asked)
            if await holds(pool):
                pauses += 1
                calls = len(sandbox.calls)
                restarted = Schedule(make_pipeline("coingecko", credits=limit), pool, Metrics(), 60)
                assert isinstance(await restarted.once(), NotRun)
                await asyncio.gather(*(cycle(schedule, pool) for schedule in (*replicas, restarted)))
                assert len(sandbox.calls) == calls
                await let_holds_end(pool)
        made = len(sandbox.calls) - before
        assert made == await used(pool) <= limit
        spent.append(made)
    assert max(spent) >= limit - limit // 20  # the limit was met, not merely never reached
    assert pauses > 10


async def test_schedule_leaves_a_rest_for_runs_that_somebody_asks_for(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    schedule = Schedule(make_pipeline("coinpaprika", credits=20), pool, Metrics(), 1)
    for _ in range(21):
        await cycle(schedule, pool)
    assert len(sandbox.calls) == 19
    asked = [await schedule.once() for _ in range(2)]
    assert len(sandbox.calls) == 20
    assert [type(result.error) for result in asked] == [type(None), QuotaSpent]


async def test_interval_grows_when_the_credits_would_not_last_and_the_source_parks_when_they_are_gone(
    make_pipeline: MakePipeline, pool: Pool, months: Any
) -> None:
    schedule = Schedule(make_pipeline("coinpaprika", credits=4), pool, Metrics(), 60)
    waits = [await cycle(schedule, pool) for _ in range(4)]  # with an hour to the end of the month
    assert [schedule.interval, schedule.pace.spent is None] == [60, False]
    for wait, interval in zip(waits, (1200, 1800, 3600), strict=False):
        assert interval - 10 <= wait <= interval * 1.05
    assert 3600 < waits[3] <= 3660
    async with pool.acquire() as conn:
        row = await conn.fetchrow("SELECT is_parked, reason FROM source_state")
        assert tuple(row) == (True, "4 of the month's 4 credits are used; set COINPAPRIKA_CREDITS if the plan has more")
        assert await conn.fetchval("SELECT interval_seconds FROM source_plan") > 3600
    for limit, parked in ((4, True), (5, False)):
        restarted = Schedule(make_pipeline("coinpaprika", credits=limit), pool, Metrics(), 60)
        assert (await declared(restarted, pool))["is_parked"] is parked
    await months(1)
    assert await cycle(schedule, pool) < 1300


@pytest.mark.parametrize(
    ("fault", "error", "seconds"),
    [
        (faults.RateLimited(retry_after=600), RateLimited, 600),
        (faults.RateLimited(), RateLimited, 60),
        (faults.Unauthorized(), PlanLimit, PARKED),
        (faults.PaymentRequired(), PlanLimit, PARKED),
    ],
    ids=repr,
)
async def test_hold_is_there_for_every_process_before_the_run_has_ended(
    pool: Pool, sandbox: Sandbox, outbound: aiohttp.ClientSession, fault: Any, error: type[Exception], seconds: float
) -> None:
    """As after a SIGKILL right behind the answer: nothing but the transport has run."""
    transports = [
        Transport(
            "coingecko",
            sandbox.coingecko_url,
            outbound,
            limiter(Rate(1000, 1)),
            Metrics(),
            allowance=allowance(GECKO, trigger, pool, Metrics()),
        )
        for trigger in ("schedule", "manual")
    ]
    sandbox.fail("coingecko", fault)
    with pytest.raises((RateLimited, PlanLimit, Unauthorized)):
        await transports[0].send(MARKETS)
    with pytest.raises(error):
        await transports[1].send(MARKETS)
    assert (len(sandbox.calls), await used(pool)) == (1, 1)
    async with pool.acquire() as conn:
        held = await quotas.held(conn, GECKO)
    assert held
    assert held.seconds == pytest.approx(seconds, abs=5)


async def test_parked_source_is_tried_at_once_with_another_key_or_plan_and_not_before(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    def restarted(**options: Any) -> Schedule:
        return Schedule(make_pipeline("coingecko", pages=1, **options), pool, Metrics(), 60)

    assert await cycle(restarted(api_key="wrong"), pool) == pytest.approx(PARKED, abs=5)
    for _ in range(2):
        row = await declared(restarted(api_key="wrong"), pool)
        assert (row["is_parked"], row["seconds"] > PARKED - 10) == (True, True)
        assert "COINGECKO_API_KEY" in row["reason"]
    assert len(sandbox.calls) == 1
    for mended in {"api_key": "CG-sandbox-demo-key"}, {"api_key": "wrong", "plan": "basic"}:
        schedule = restarted(**mended)
        assert (await declared(schedule, pool))["seconds"] <= 0
        await schedule.turn()
    assert len(sandbox.calls) == 3


async def test_killed_between_the_credit_and_the_call_costs_that_credit_and_no_more(
    make_pipeline: MakePipeline, dsn: str, pool: Pool, sandbox: Sandbox
) -> None:
    limit, kills = 5, 2
    for _ in range(kills):
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(KILLED), dsn, sandbox.coinpaprika_url, str(limit)
        )
        assert await process.wait() == -signal.SIGKILL
        await until_free(pool)
    assert (len(sandbox.calls), await used(pool)) == (0, kills)
    runs = [await make_pipeline("coinpaprika", credits=limit).run("manual") for _ in range(limit)]
    assert [run.status for run in runs] == ["success"] * (limit - kills) + ["failed"] * kills
    assert (len(sandbox.calls), await used(pool)) == (limit - kills, limit)
