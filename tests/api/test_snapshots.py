"""How the coins of two runs differ, told over HTTP from what the sandbox sent."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from statistics import median
from typing import Any

import pytest

from kasparro.api.comparison_schemas import Comparison
from kasparro.ingest.pipeline import Pipeline
from kasparro.ingest.reader import reader
from kasparro.ingest.transport import session
from kasparro.metrics import Metrics
from kasparro.sandbox import Sandbox, faults
from kasparro.settings import Rate
from kasparro.sources import SOURCES
from kasparro.store import maintenance, reports
from kasparro.store.pool import Pool, ingest_pool

from .conftest import Client

Run = Callable[..., Awaitable[int]]
Compare = Callable[..., Awaitable[Any]]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(coins=600, seed=7) as sandbox:
        yield sandbox


@pytest.fixture
async def run(sandbox: Sandbox, dsn: str) -> AsyncIterator[Run]:
    """`await run("coingecko", pages="all")`: one run, its id."""
    urls = {"coinpaprika": sandbox.coinpaprika_url, "coingecko": sandbox.coingecko_url}
    async with ingest_pool(dsn, 4) as pool, session() as outbound:
        async with pool.acquire() as conn:
            await maintenance.prepare(conn, SOURCES)

        async def once(source: str, **changes: Any) -> int:
            api = {"base_url": urls[source], "rate": Rate(10_000, 1)} if source in urls else {}
            options = SOURCES[source].options_type(**api | changes)
            pipeline = Pipeline(reader(SOURCES[source], options, outbound, Metrics()), pool, Metrics(), "test")
            return (await pipeline.run("manual")).run_id

        yield once


@pytest.fixture
def compare(client: Client) -> Compare:
    """The comparison of two runs, or of the last two of a source; its figures as decimals."""

    async def ask(a: int, b: int, more: str = "") -> Any:
        async with client.get(f"/runs/compare?a={a}&b={b}{more}") as response:
            assert response.status == 200, await response.text()
            text = await response.text()
        Comparison.model_validate_json(text)
        return json.loads(text, parse_float=Decimal)

    return ask


def record(coin_id: str, price: str, rank: int | None = None, **more: Any) -> dict[str, Any]:
    return {"id": coin_id, "name": coin_id.title(), "symbol": coin_id[:3], "rank": rank, **more,
            "quotes": {"USD": {"price": f"<{price}>", "market_cap": 5}}}  # fmt: skip


def listing(*records: Any) -> faults.Literal:
    """The records as CoinPaprika's answer, their prices digit for digit."""
    return faults.Literal(200, {}, re.sub(r'"<(.*?)>"', r"\1", json.dumps(records)).replace(r"\"", '"'))


async def see(run: Run, sandbox: Sandbox, *answers: faults.Literal) -> tuple[int, ...]:
    """The runs that get these answers, one after the other."""
    runs = []
    for answer in answers:
        sandbox.fail("coinpaprika", answer)
        runs.append(await run("coinpaprika"))
    return tuple(runs)


async def test_moved_market_is_told_as_it_moved(run: Run, compare: Compare, sandbox: Sandbox, rows: Any) -> None:
    a = await run("coinpaprika")
    sandbox.tick()
    b = await run("coinpaprika")
    told = (await compare(a, b, "&limit=3"))["snapshots"]
    bodies = await rows.conn.fetch("SELECT body FROM raw ORDER BY run_id")
    first, second = [{coin["id"]: coin for coin in json.loads(row["body"], parse_float=Decimal)} for row in bodies]
    prices = [[side[name]["quotes"]["USD"]["price"] for side in (first, second)] for name in first]
    moves = [100 * (Decimal(after) / Decimal(before) - 1) for before, after in prices if before]
    ranks = {name: second[name]["rank"] - first[name]["rank"] for name in first}
    assert (told["a_coins"], told["b_coins"]) == (600, 600)
    assert told["gained"] == told["lost"] == {"count": 0, "coins": []}
    assert told["price_moves"]["count"] == len(moves)
    assert float(told["price_moves"]["median_percent"]) == pytest.approx(float(median(moves)), abs=1e-6)
    assert float(told["price_moves"]["up_percent"]) == pytest.approx(100 * sum(m > 0 for m in moves) / 600, abs=1e-3)
    assert [round(each["price_change_percent"], 6) for each in told["price_moves"]["highest"]] == [
        round(move, 6) for move in sorted(moves)[:-4:-1]
    ]
    assert [round(each["price_change_percent"], 6) for each in told["price_moves"]["lowest"]] == [
        round(move, 6) for move in sorted(moves)[:3]
    ]
    assert told["rank_moves"]["count"] == sum(change != 0 for change in ranks.values())
    assert [abs(each["rank_change"]) for each in told["rank_moves"]["largest"]] == sorted(
        map(abs, ranks.values()), reverse=True
    )[:3]
    for each in told["rank_moves"]["largest"]:
        assert each["rank_change"] == ranks[each["coin_id"]]


async def test_coins_gained_and_lost_are_named_and_counted(run: Run, compare: Compare, sandbox: Sandbox) -> None:
    old = [record(f"old-{n}", "1", n) for n in range(50)]
    new = [record(f"new-{n}", "1", n) for n in range(40)]
    a, b = await see(run, sandbox, listing(*old), listing(*old[30:], *new))
    comparison = await compare(a, b, "&limit=2")
    told = comparison["snapshots"]
    assert (told["gained"]["count"], told["lost"]["count"]) == (40, 30)
    assert [coin["coin_id"] for coin in told["gained"]["coins"]] == ["new-0", "new-1"]
    assert told["lost"]["coins"][0] == {"coin_id": "old-0", "name": "Old-0", "symbol": "old", "rank": 0}
    assert [anomaly["name"] for anomaly in comparison["anomalies"]] == ["coins_lost"]


async def test_figures_are_told_digit_for_digit(run: Run, compare: Compare, sandbox: Sandbox) -> None:
    before, after = "0.000000000000000001", "123456789012345678901234567890.123456789012345678"
    a, b = await see(run, sandbox, listing(record("x", before)), listing(record("x", after)))
    (move,) = (await compare(a, b))["snapshots"]["price_moves"]["highest"]
    assert (str(move["price_usd_b"]), format(move["price_usd_a"], "f")) == (after, before)


@pytest.mark.parametrize("before", ["0", "null", '"a lot"', "1e-400", "1e400", "-1", "NaN"])
async def test_price_that_is_none_does_not_move(run: Run, compare: Compare, sandbox: Sandbox, before: str) -> None:
    good = record("good", "2")
    a, b = await see(
        run, sandbox, listing(good, record("bad", before)), listing(good, record("bad", "1", circulating_supply=0))
    )
    moves = (await compare(a, b))["snapshots"]["price_moves"]
    assert (moves["count"], moves["median_percent"], moves["up_percent"]) == (1, 0, 0)
    assert [move["coin_id"] for move in moves["highest"]] == ["good"]


async def test_null_rates_know_the_ways_of_saying_nothing(run: Run, compare: Compare, sandbox: Sandbox) -> None:
    a = await run("coinpaprika")
    sandbox.fail("coinpaprika", faults.Drift(drop=["total_supply"], add={"max_supply": 0, "symbol": " ", "rank": None}))
    b = await run("coinpaprika")
    comparison = await compare(a, b)
    rates = {rate["field"]: rate for rate in comparison["snapshots"]["null_rates"]}
    assert rates["price_usd"]["path"] == "quotes.USD.price"
    assert {name for name, rate in rates.items() if rate["b_percent"] == 100} == {
        "total_supply", "max_supply", "symbol", "rank", "circulating_supply"
    }  # fmt: skip
    assert rates["circulating_supply"]["difference_percent"] == 0
    assert rates["volume_24h_usd"]["b_percent"] == 0  # a volume of 0 is one
    risen = [each["detail"] for each in comparison["anomalies"] if each["name"] == "null_rate_up"]
    assert len(risen) == 3
    assert any(detail.startswith("total_supply (total_supply) is unknown in 0.") for detail in risen)


async def test_runs_that_made_one_snapshot_count_as_one(run: Run, compare: Compare, sandbox: Sandbox) -> None:
    whole = await run("coingecko", pages="all")
    sandbox.fail("coingecko", faults.Literal(404, {}, b"{}"), on=lambda call: call.query["page"] == "2")
    broken = await run("coingecko", pages="all")
    sandbox.fail("coingecko", faults.Literal(404, {}, b"{}"), on=lambda call: call.query["page"] == "3")
    await run("coingecko", pages="all")
    last = await run("coingecko", pages="all")
    told = await compare(whole, last)
    assert (told["b"]["resumed_from"], told["b"]["coins"]) == (last - 1, None)
    assert told["snapshots"]["b_coins"] == 600
    assert told["snapshots"]["lost"]["count"] == 0
    assert [anomaly["name"] for anomaly in told["anomalies"]] == ["torn"]
    told = await compare(whole, broken)
    assert told["snapshots"] is None
    assert told["snapshots_reason"] == f"run {broken} is failed: it ended no snapshot"


async def test_poison_breaks_no_comparison(run: Run, compare: Compare, sandbox: Sandbox) -> None:
    a = await run("coinpaprika")
    sandbox.fail("coinpaprika", faults.Poison(every=7))
    b = await run("coinpaprika")
    told = (await compare(a, b))["snapshots"]
    assert (told["a_coins"], told["gained"]["count"]) == (600, 0)
    # an id is gone where a record has none, or is the first coin's, or is no record at all
    assert told["lost"]["count"] == told["a_coins"] - told["b_coins"]
    assert 0 < told["lost"]["count"] < 600 / 7


async def test_pages_that_are_gone_leave_the_ledger(run: Run, compare: Compare, rows: Any) -> None:
    a, b = await run("coingecko", pages=2), await run("coingecko", pages=2)
    await rows.conn.execute("DELETE FROM raw WHERE run_id = $1 AND page = 1", a)
    told = await compare(a, b)
    assert (told["snapshots"], told["difference"]["ledger"]["inserted"]) == (None, -500)
    assert "1 of 2 raw pages are kept; RAW_RETENTION_DAYS" in told["snapshots_reason"]


async def test_page_that_nobody_can_read_is_told(run: Run, compare: Compare, rows: Any) -> None:
    a, b = await run("coinpaprika"), await run("coinpaprika")
    await rows.conn.execute("UPDATE raw SET body = '[' WHERE run_id = $1", b)
    told = await compare(a, b)
    assert (told["snapshots"], told["snapshots_reason"]) == (
        None, "PostgreSQL cannot read one of the raw pages as JSON"
    )  # fmt: skip


async def test_files_are_compared_by_their_ledgers(run: Run, compare: Compare) -> None:
    only = await run("csv")
    told = await compare(only, only)
    assert told["snapshots"] is None
    assert "no snapshots" in told["snapshots_reason"]


async def test_run_differs_in_nothing_from_itself(run: Run, compare: Compare) -> None:
    only = await run("coinpaprika")
    told = (await compare(only, only))["snapshots"]
    assert (told["a_coins"], told["b_coins"], told["rank_moves"]["count"]) == (600, 600, 0)
    assert (told["price_moves"]["p5_percent"], told["price_moves"]["p95_percent"]) == (0, 0)


async def test_statement_that_takes_too_long_is_given_up(run: Run, pool: Pool) -> None:
    only = await run("coinpaprika")
    record = reports.Record({"coin_id": "id"}, ())
    async with pool.acquire() as conn:
        await conn.execute("SET statement_timeout = '1ms'")
        with pytest.raises(TimeoutError):
            await reports.snapshots(conn, "coinpaprika", ([only], [only]), record, limit=1)


async def test_flags_are_told_of_every_run(run: Run, get: Any, sandbox: Sandbox) -> None:
    whole = [record(f"coin-{n}", "1", n) for n in range(20)]
    await see(run, sandbox, listing(*whole), listing(*whole[:9]))
    latest, _ = await get("/runs")
    assert latest["flags"] == [{"name": "shrunken", "reason": "9 coins where 20 are usual"}]
    assert (await get(f"/runs/{latest['run_id']}"))["coins"] == 9
    anomalies = (await get("/runs/compare?source=coinpaprika"))["anomalies"]
    assert [each["name"] for each in anomalies] == ["shrunken", "records_dropped", "coins_lost"]
