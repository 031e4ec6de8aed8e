"""The past of coins, asked of a played vendor and kept beside what its cycles bring."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kasparro.domain import Coin, Span
from kasparro.errors import Busy, NotThere, PlanLimit, QuotaSpent, RateLimited
from kasparro.ingest import named
from kasparro.ingest.assets import resolve
from kasparro.ingest.backfill import Backfill, Summary
from kasparro.ingest.claim import close_orphans
from kasparro.ingest.rebuild import Rebuild
from kasparro.ingest.replay import Replay
from kasparro.metrics import Metrics
from kasparro.sandbox import Sandbox, faults
from kasparro.sources import SOURCES
from kasparro.store import leases, quotas, states
from kasparro.store.pool import Pool
from kasparro.store.rejects import Choice

from .conftest import MakePipeline

BITCOIN, ETHEREUM = Coin("bitcoin", "Bitcoin"), Coin("ethereum", "Ethereum")
TICKS = "SELECT * FROM price_history ORDER BY source, coin_id, observed_at"
MakeBackfill = Callable[..., Backfill]


def ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def days(since: float, until: float = 2) -> Span:
    """A stretch of so many days ago; up to two days ago all is hourly, and no call depends on the time of day."""
    return Span(ago(since), ago(until))


@pytest.fixture
def make_backfill(make_pipeline: MakePipeline, pool: Pool) -> MakeBackfill:
    def make(source: str = "coingecko", **changes: Any) -> Backfill:
        return Backfill(make_pipeline(source, **changes).reader, pool, Metrics(), "test")  # type: ignore[arg-type] # an API's

    return make


def asked(sandbox: Sandbox) -> list[str]:
    """Whose past was asked for, call by call."""
    return [call.path.split("/")[2] for call in sandbox.calls if "market_chart" in call.path or "hist" in call.path]


async def once_free(work: Callable[[], Awaitable[Summary]]) -> Summary:
    """PostgreSQL finds within a moment that the process behind a session is gone."""
    while True:
        try:
            return await work()
        except Busy:
            await asyncio.sleep(0.02)


async def test_fills_what_is_missing_beside_what_cycles_brought_and_asks_nothing_twice(
    make_pipeline: MakePipeline, make_backfill: MakeBackfill, sandbox: Sandbox, fetch: Any
) -> None:
    await make_pipeline("coingecko").run("manual")
    latest, live = await fetch("SELECT xmin, * FROM unified_crypto ORDER BY coin_id"), await fetch(TICKS)
    work, within = make_backfill(), Span(ago(100), ago(0))
    done = await work.run([BITCOIN, ETHEREUM], within)
    assert (done.status, asked(sandbox)) == ("success", ["bitcoin"] * 3 + ["ethereum"] * 3)
    # 89 days by the hour, the rest by the hour, the last day by five minutes; the present was known to the cycle
    assert [filled.ledger.inserted for filled in done.coins] == [pytest.approx(99 * 24 + 288, abs=3)] * 2
    assert done.ledger.unchanged == 2
    assert await fetch("SELECT xmin, * FROM unified_crypto ORDER BY coin_id") == latest
    ticks = await fetch(TICKS)
    assert [tick for tick in ticks if tick["run_id"] != done.run_id] == live
    [run] = await fetch("SELECT * FROM etl_run WHERE trigger = 'backfill'")
    assert (run["status"], run["pages"], run["requests"], run["fetched"]) == ("success", 6, 6, done.ledger.fetched)

    again = await work.run([BITCOIN, ETHEREUM], within)
    assert (again.status, again.ledger.fetched, len(asked(sandbox)), await fetch(TICKS)) == ("success", 0, 6, ticks)
    assert len(await fetch("SELECT FROM etl_run")) == 2  # what finds nothing to do is no run

    # every tick leads to the page that it came from, and says what that says, to the last digit
    tick = next(tick for tick in ticks if tick["run_id"] == done.run_id)
    [page] = await fetch("SELECT * FROM raw WHERE raw_id = $1", tick["raw_id"])
    assert "/coins/bitcoin/market_chart" in page["url"]
    assert f",{tick['price_usd']}]" in page["body"]


async def test_coinpaprika_gives_days_without_a_key_and_minutes_with_one(
    make_backfill: MakeBackfill, sandbox: Sandbox, fetch: Any
) -> None:
    coin = Coin("btc-bitcoin", "Bitcoin")
    free = await make_backfill("coinpaprika").run([coin], Span(ago(30), ago(0)))
    assert [call.query["interval"] for call in sandbox.calls] == ["1d", "1h"]
    assert free.ledger.inserted == pytest.approx(29 + 24, abs=1)
    [point] = await fetch("SELECT * FROM price_history ORDER BY observed_at LIMIT 1")
    assert (point["observed_at"].hour, point["price_usd"]) == (0, round(point["price_usd"], 2))

    # a plan that gives finer steps is asked again
    keyed = make_backfill("coinpaprika", api_key="sandbox-coinpaprika-key")
    await keyed.run([coin], Span(ago(30), ago(0)))
    assert [call.query["interval"] for call in sandbox.calls[2:]] == ["1h", "5m"]
    ticks = len(await fetch(TICKS))
    assert ticks == pytest.approx(23 * 24 + 7 * 288, abs=4)
    await keyed.run([coin], Span(ago(30), ago(0)))
    assert len(sandbox.calls) == 4


@pytest.mark.parametrize("point", ["answered", "written", "committed"])
async def test_a_killed_backfill_is_finished_by_the_next_and_only_the_page_in_flight_is_asked_again(
    make_backfill: MakeBackfill, sandbox: Sandbox, fetch: Any, dsn: str, point: str
) -> None:
    within = days(100)
    program = Path(__file__).with_name("backfill_killed.py")
    arguments = [dsn, sandbox.coingecko_url, *(moment.isoformat() for moment in within), point, "bitcoin"]
    process = await asyncio.create_subprocess_exec(sys.executable, str(program), *arguments)
    assert await process.wait() == -signal.SIGKILL
    assert len(await fetch("SELECT FROM raw")) == 1
    finished = await once_free(lambda: make_backfill().run([BITCOIN], within))
    assert (finished.status, len(asked(sandbox))) == ("success", 3)  # two parts, and the second one twice
    runs = await fetch("SELECT status, pages FROM etl_run ORDER BY run_id")
    assert [tuple(run) for run in runs] == [("abandoned", 1), ("success", 1)]

    pages = "SELECT coin_id, observed_at, price_usd, market_cap_usd, volume_24h_usd FROM price_history ORDER BY 1, 2"
    resumed = await fetch(pages)
    await fetch("TRUNCATE price_history, backfill_span")
    await make_backfill().run([BITCOIN], within)
    assert await fetch(pages) == resumed


async def test_a_coin_that_is_gone_keeps_no_other_from_its_past(make_backfill: MakeBackfill, sandbox: Sandbox) -> None:
    done = await make_backfill().run([Coin("gone", "Gone"), BITCOIN], days(30))
    assert (done.status, done.error) == ("partial", None)
    assert done.coins[0].error == "the vendor answers 404 (coin not found)"
    assert (done.coins[1].error, done.coins[1].ledger.inserted) == (None, pytest.approx(28 * 24, abs=1))


async def test_a_pause_that_the_vendor_asks_for_is_kept_and_then_it_goes_on(
    make_backfill: MakeBackfill, sandbox: Sandbox, fetch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def wait(_: Any, seconds: float) -> None:
        waits.append(round(seconds))
        await fetch("DELETE FROM request_hold")  # as if it were over

    monkeypatch.setattr("kasparro.ingest.transport.Transport.wait", wait)
    sandbox.fail("coingecko", faults.RateLimited(3))  # short enough for a retry
    sandbox.fail("coingecko", faults.RateLimited(120))
    assert (await make_backfill().run([BITCOIN], days(30))).status == "success"
    assert (waits, len(asked(sandbox))) == ([3, 120], 3)

    sandbox.fail("coingecko", faults.RateLimited(4000))
    broken = await make_backfill().run([BITCOIN], days(60, 40))
    assert (broken.status, type(broken.error), len(asked(sandbox))) == ("failed", RateLimited, 4)
    held = await make_backfill().run([BITCOIN], days(60, 40))
    assert (type(held.error), len(asked(sandbox))) == (RateLimited, 4)  # no call while the pause lasts


async def test_what_cycles_are_going_to_need_is_left_to_them(
    make_backfill: MakeBackfill, sandbox: Sandbox, pool: Pool, fetch: Any
) -> None:
    # a cycle a day, and a call a day for contracts: at most 62 calls, beside the twentieth part that is kept
    work = make_backfill(api_key="CG-sandbox-demo-key", credits=100, interval=86_400)
    async with pool.acquire() as conn:
        left = (await quotas.standing(conn, work.reader.account)).resets_in / 86_400
    days_left = int(left) + 1
    spare = 95 - 2 * days_left
    assert await work.spare() == spare
    assert work.transport.limiter.max_rate == work.reader.transport.limiter.max_rate // 2  # the rest is theirs, too
    await fetch(
        "INSERT INTO request_quota (source, key, used) VALUES ('coingecko', $1, $2)", work.reader.account.key, spare - 1
    )
    done = await work.run([BITCOIN], days(300))
    assert (done.status, done.pages, type(done.error)) == ("failed", 1, QuotaSpent)
    assert str(done.error) == (
        f"coingecko: {spare} of the month's 100 credits are used, and {100 - spare} are left to the cycles of the "
        "source; --all-credits takes those too; the same command goes on from here later"
    )
    work.all_credits = True
    assert (await work.run([BITCOIN], days(300))).status == "success"
    assert len(asked(sandbox)) == 4


async def test_what_the_plan_does_not_give_is_not_asked_and_a_refusal_says_so(
    make_backfill: MakeBackfill, sandbox: Sandbox, pool: Pool, fetch: Any
) -> None:
    work = make_backfill()
    async with pool.acquire() as conn:
        missing = await work.missing(conn, BITCOIN, days(500, 360))
    assert missing.beyond is not None
    assert (len(missing.parts), missing.parts[0].since) == (1, missing.beyond.until)

    refused = await make_backfill(reach=1000).run([BITCOIN], days(500))
    assert (refused.status, type(refused.error), refused.pages) == ("failed", PlanLimit, 0)
    assert "within the past 365 days" in str(refused.error)
    assert str(refused.error).endswith("COINGECKO_REACH tells how many days back the plan goes")
    assert await fetch("SELECT FROM request_hold") == []  # the plan has its prices all the same

    unpaid = await make_backfill("coinpaprika", reach=1000).run([Coin("btc-bitcoin", "Bitcoin")], days(500))
    assert "Getting historical data before" in str(unpaid.error)


async def test_no_cycle_waits_for_a_backfill_nor_counts_it(
    make_pipeline: MakePipeline,
    make_backfill: MakeBackfill,
    sandbox: Sandbox,
    pool: Pool,
    fetch: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pipeline, work, ask = make_pipeline("coingecko"), make_backfill(), Backfill._ask
    await pipeline.run("manual")
    async with pool.acquire() as conn:
        await states.declare(conn, "coingecko", 1200, pace=1200, scope=None)
        await states.take(conn, "coingecko")

    async def after_a_cycle(self: Backfill, conn: Any, *values: Any) -> Any:
        """While the backfill is under way a cycle runs, and no second backfill does."""
        if self is work:
            assert (await states.due_in(conn, "coingecko") or 0) > 600
            assert (await pipeline.run("manual")).status == "success"
            await close_orphans(conn, self.metrics)
            with pytest.raises(Busy, match="coingecko backfill is busy with run"):
                await make_backfill().run([ETHEREUM], days(30))
        return await ask(self, conn, *values)

    monkeypatch.setattr(Backfill, "_ask", after_a_cycle)
    done = await work.run([BITCOIN], days(300))
    assert (done.status, done.pages) == ("success", 4)
    assert await fetch("SELECT calls_per_cycle('coingecko')") == [(4.0,)]

    # one that died is closed, and its source is not run for it
    await fetch("UPDATE etl_run SET status = 'running', finished_at = NULL WHERE run_id = $1", done.run_id)
    async with pool.acquire() as conn:
        await close_orphans(conn, work.metrics)
        assert (await states.due_in(conn, "coingecko") or 0) > 600
    assert await fetch("SELECT status FROM etl_run WHERE run_id = $1", done.run_id) == [("abandoned",)]


async def test_a_call_waits_for_the_end_of_a_cycle_and_a_page_for_its_page(
    make_backfill: MakeBackfill, sandbox: Sandbox, pool: Pool, fetch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_longer(*_: Any) -> bool:
        return False

    monkeypatch.setattr("kasparro.ingest.backfill._LOOK", 0.02)
    work = make_backfill()
    async with pool.acquire() as conn:
        fence = await leases.acquire(conn, "coingecko", "a cycle")
        task = asyncio.create_task(work.run([BITCOIN], days(30)))
        await asyncio.sleep(0.1)
        assert sandbox.calls == []  # nothing is asked for while the source is run
        async with conn.transaction():
            await leases.release(conn, "coingecko", fence)
            await conn.execute("SELECT FROM source_lease WHERE source = 'coingecko' FOR UPDATE")
            monkeypatch.setattr("kasparro.store.leases.is_held", no_longer)
            while not await fetch("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
                await asyncio.sleep(0.01)
            assert await fetch("SELECT FROM price_history") == []
    assert (await task).status == "success"


async def test_live_ticks_stay_and_backfilled_ones_are_corrected(make_backfill: MakeBackfill, fetch: Any) -> None:
    work, within = make_backfill(), Span(ago(1), ago(0))
    await work.run([BITCOIN], within)  # the last day always comes whole
    live, told, *_, last = await fetch(TICKS)
    await fetch("UPDATE price_history SET price_usd = 1, raw_id = 0 WHERE observed_at = $1", live["observed_at"])
    await fetch("UPDATE price_history SET price_usd = 1 WHERE observed_at = $1", told["observed_at"])
    await fetch("UPDATE backfill_span SET step_seconds = 86400")  # as if it had been asked for by the day
    await fetch("DELETE FROM price_history WHERE observed_at > $1", last["observed_at"] - timedelta(hours=3))
    again = await work.run([BITCOIN], within)
    assert (again.pages, again.ledger.updated) == (1, 1)
    assert again.ledger.inserted == pytest.approx(36, abs=2)
    [stays, corrected, *_] = await fetch(TICKS)
    assert (stays["price_usd"], stays["revision"]) == (1, 0)
    assert (corrected["price_usd"], corrected["revision"]) == (told["price_usd"], 1)


async def test_a_point_that_cannot_be_read_costs_itself_and_can_be_replayed(
    make_backfill: MakeBackfill, sandbox: Sandbox, pool: Pool, fetch: Any
) -> None:
    body = (
        b'{"prices":[[1700000000000,1.50],[1700003600000,"?"],[1700007200000,null],[1700010800000,2e-05]],'
        b'"market_caps":[[1700000000000,7],[1700010800000,9]],"total_volumes":[]}'
    )
    sandbox.fail("coingecko", faults.Literal(200, {"Content-Type": "application/json"}, body))
    done = await make_backfill().run([BITCOIN], days(30))
    assert (done.status, done.ledger.inserted, done.ledger.unchanged, done.ledger.rejected) == ("partial", 2, 1, 1)
    ticks = await fetch("SELECT price_usd::text, market_cap_usd::text, volume_24h_usd FROM price_history ORDER BY 1")
    assert [tuple(tick) for tick in ticks] == [("0.00002", "9", None), ("1.50", "7", None)]
    [reject] = await fetch("SELECT stream, record, reasons FROM etl_reject")
    assert reject["record"] == '{"prices":[1700003600000,"?"]}'
    # mended, it joins the history, and no latest row
    await fetch("""UPDATE etl_reject SET record = '{"prices":[1700003600000,1.25]}'""")
    assert await Replay(SOURCES["coingecko"], pool, "test").run(Choice()) == {"inserted": 1}
    [mended] = await fetch("SELECT * FROM price_history WHERE price_usd = 1.25")
    assert mended["observed_at"].timestamp() == 1_700_003_600
    assert await fetch("SELECT FROM unified_crypto") == []


async def test_coins_are_named_by_asset_or_by_id_and_never_guessed(
    make_pipeline: MakePipeline, pool: Pool, fetch: Any
) -> None:
    await make_pipeline("coingecko").run("manual")
    async with pool.acquire() as conn:
        await resolve(conn)
        assert await named.coin(conn, "coingecko", "bitcoin") == BITCOIN
        await conn.execute("UPDATE asset_source SET asset_id = 'ether' WHERE coin_id = 'ethereum'")
        await conn.execute("INSERT INTO asset (asset_id, name) VALUES ('ether', 'Ether')")
        assert await named.coin(conn, "coingecko", "ether") == ETHEREUM
        with pytest.raises(NotThere, match="coingecko lists no coin 'etherum'; is ethereum"):
            await named.coin(conn, "coingecko", "etherum")
        await conn.execute("UPDATE asset_source SET asset_id = 'bitcoin' WHERE coin_id = 'ethereum'")
        await conn.execute("UPDATE asset_source SET asset_id = 'x' WHERE coin_id = 'bitcoin'")
        with pytest.raises(NotThere, match="'bitcoin' is an asset, in which coingecko has 'ethereum'"):
            await named.coin(conn, "coingecko", "bitcoin")


async def test_a_rebuild_leaves_what_backfills_brought(
    make_pipeline: MakePipeline, make_backfill: MakeBackfill, sandbox: Sandbox, pool: Pool, fetch: Any, dsn: str
) -> None:
    pipeline = make_pipeline("coingecko")
    await make_backfill().run([BITCOIN], Span(ago(3), ago(0)))
    await pipeline.run("manual")
    sandbox.tick()
    await make_backfill().run([ETHEREUM], Span(ago(3), ago(0)))
    await pipeline.run("manual")
    told = "SELECT coin_id, observed_at, price_usd, raw_id, raw_position FROM price_history ORDER BY 1, 2"
    ticks = await fetch(told)
    await fetch("DELETE FROM price_history WHERE run_id IN (SELECT run_id FROM etl_cycle)")
    result = await Rebuild(SOURCES["coingecko"], pipeline.reader.options, dsn, pool, "test").told(None)  # type: ignore[attr-defined] # an API's
    assert (result.error, result.pages) == (None, 8)
    assert await fetch(told) == ticks
