"""A snapshot that cannot be whole is named, and no coin is missing because of one."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from kasparro.domain import Census, Flag, Ledger, Share
from kasparro.errors import Refused
from kasparro.ingest.pipeline import Pipeline, Summary
from kasparro.ingest.snapshots import ENOUGH, REMEMBERED, shrunken, torn
from kasparro.sandbox import Sandbox, faults
from kasparro.store.pool import Pool

from .conftest import MakePipeline

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def census(*shares: tuple[int, int, int, float], coins: int = 700, is_resumed: bool = False) -> Census:
    """Shares are records, fresh, repeated, and seconds since the first page."""
    pages = [Share(*counts, NOON + timedelta(seconds=seconds)) for *counts, seconds in shares]
    return Census("", is_resumed, pages, {str(n) for n in range(coins)}, 0)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (census((700, 700, 0, 0)), None),
        (census((700, 650, 0, 0)), None),  # 50 came twice on the one page: it was cut at one moment
        (census((250, 250, 0, 0), (250, 250, 0, 1), (200, 200, 0, 2), (0, 0, 0, 3)), None),
        (census((250, 250, 0, 0), (250, 0, 250, 1)), None),  # the end, told by the last page once more
        (census((250, 250, 0, 0), (250, 250, 0, 120)), None),
        (census(), None),
        (census((250, 250, 0, 0), (250, 249, 1, 1)), "coins that came on two pages: 1"),
        (
            census((250, 250, 0, 0), (231, 231, 0, 1), (250, 250, 0, 2), (9, 9, 0, 3)),
            "pages before the last that are shorter than 250 records: 1, down to 231",
        ),
        (census((250, 250, 0, 0), (250, 250, 0, 121)), "121 s passed between two pages"),
        (census((250, 250, 0, 0), is_resumed=True), "an earlier run brought its first pages"),
    ],
)
def test_torn(given: Census, reason: str | None) -> None:
    assert list(torn(given)) == ([Flag("torn", reason)] if reason else [])


@pytest.mark.parametrize(
    ("coins", "earlier", "is_shrunken"),
    [
        (10, [], False),
        (900, [1000], False),
        (899, [1000], True),
        (899, [500, 1000], True),  # one cycle later
        (899, [500, 500, 1000, 1000, 1000], True),
        (500, [500, 500, 500, 1000, 1000], False),  # the new normal
        (5000, [1000], False),
    ],
)
def test_shrunken(coins: int, earlier: list[int], is_shrunken: bool) -> None:
    found = list(shrunken(census(coins=coins), earlier))
    assert [flag.name for flag in found] == ["shrunken"] * is_shrunken
    assert all(flag.reason == f"{coins} coins where 1000 are usual" for flag in found)


def test_resumed_snapshot_is_not_counted() -> None:
    assert not list(shrunken(census(coins=10, is_resumed=True), [1000]))


async def fetch(pool: Pool, query: str) -> list[tuple[Any, ...]]:
    async with pool.acquire() as conn:
        return [tuple(row) for row in await conn.fetch(query)]


async def flags(pool: Pool) -> list[tuple[int | None, list[str]]]:
    """Coins and flags of every run, oldest first."""
    rows = await fetch(pool, "SELECT coins, flags FROM etl_run ORDER BY run_id")
    return [(coins, [flag["name"] for flag in found]) for coins, found in rows]


async def absences(pool: Pool) -> list[tuple[Any, ...]]:
    """Coin, and the runs that missed it."""
    return await fetch(pool, "SELECT coin_id, missed_by, confirmed_by FROM coin_absence ORDER BY 1")


def listing(*records: dict[str, Any]) -> faults.Literal:
    return faults.Literal(200, {}, json.dumps(records).encode())


def coins(*ids: str) -> list[dict[str, Any]]:
    return [{"id": name, "name": name.title(), "current_price": 1.5} for name in ids]


async def see(pipeline: Pipeline, sandbox: Sandbox, *answers: faults.Literal) -> Summary:
    """The last of as many runs of one page each."""
    for answer in answers:
        sandbox.fail("coingecko", answer)
        summary = await pipeline.run("manual")
    return summary


async def test_steady_source_is_never_flagged(make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox) -> None:
    pipeline = make_pipeline("coingecko", pages="all")
    for _ in range(3):
        await pipeline.run("manual")
        sandbox.tick()
    await make_pipeline("coinpaprika").run("manual")
    assert await flags(pool) == [(700, [])] * 4


async def test_coin_that_moves_to_the_next_page_tells_of_another_that_was_missed(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    pipeline = make_pipeline("coingecko", pages="all")
    await pipeline.run("manual")
    first, second = [json.loads(body) for (body,) in await fetch(pool, "SELECT body FROM raw ORDER BY page LIMIT 2")]
    slipped = listing(first[-1], *second[1:])
    with capture_logs() as lines:
        for _ in range(2):
            sandbox.fail("coingecko", slipped, on=lambda call: call.query["page"] == "2")
            summary = await pipeline.run("manual")
            assert (summary.status, summary.ledger) == ("success", Ledger(unchanged=699, duplicate=1))
        await pipeline.run("manual")
    assert await flags(pool) == [(700, []), (699, ["torn"]), (699, ["torn"]), (700, [])]
    assert [(line["log_level"], line["event"]) for line in lines if "torn" in line["event"]] == [
        ("warning", "snapshot is torn"), ("info", "snapshot is torn"), ("info", "snapshot is torn no longer")
    ]  # fmt: skip
    (counted,) = re.findall(rb'etl_flagged_snapshots_total{.*"torn".*} (.*)', pipeline.metrics.render())
    assert float(counted) == 2


async def test_coin_twice_on_one_page_tears_nothing(make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox) -> None:
    sandbox.fail("coingecko", faults.Poison(every=50, kinds=("duplicate",)), times=3)
    await make_pipeline("coingecko", pages=2).run("manual")
    assert await flags(pool) == [(490, [])]


async def test_snapshot_that_was_resumed_is_torn_and_not_counted(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    pipeline = make_pipeline("coingecko", pages="all")
    sandbox.fail("coingecko", faults.Literal(404, {}, b"{}"), on=lambda call: call.query["page"] == "3")
    assert isinstance((await pipeline.run("manual")).error, Refused)
    assert (await pipeline.run("manual")).status == "success"
    assert await flags(pool) == [(None, []), (None, ["torn"])]


async def test_source_that_shrinks_is_called_so_until_that_is_usual(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    pipeline = make_pipeline("coingecko", pages=1)
    whole, half = listing(*coins(*"abcdefghij")), listing(*coins(*"abcde"))
    await see(pipeline, sandbox, *[whole] * REMEMBERED, *[half] * (REMEMBERED // 2 + 2))
    found = await flags(pool)
    assert found[REMEMBERED:] == [(5, ["shrunken"])] * (REMEMBERED // 2 + 1) + [(5, [])]
    assert {status for (status,) in await fetch(pool, "SELECT status FROM etl_run")} == {"success"}
    last = len(found)
    assert await absences(pool) == [(name, last, None) for name in "fghij"]


async def test_asking_for_less_is_no_shrinking(make_pipeline: MakePipeline, pool: Pool) -> None:
    await make_pipeline("coingecko", pages="all").run("manual")
    await make_pipeline("coingecko", pages=1, interval=60).run("manual")
    await make_pipeline("coingecko", pages=1, interval=90, rate="9/1", credits="unlimited").run("manual")
    assert await flags(pool) == [(700, []), (250, []), (250, [])]
    scopes = await fetch(pool, "SELECT scope, count(*) FROM etl_run GROUP BY scope ORDER BY count(*)")
    assert [count for _, count in scopes] == [1, 2]


async def test_scope_holds_no_key(make_pipeline: MakePipeline, pool: Pool) -> None:
    await make_pipeline("coinpaprika", api_key="sandbox-coinpaprika-key").run("manual")
    ((scope,),) = await fetch(pool, "SELECT scope FROM etl_run")
    assert "sandbox-coinpaprika-key" not in scope
    assert '"api_key":"***' in scope


async def test_coin_is_missing_only_where_a_whole_snapshot_does_not_list_it(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    pipeline = make_pipeline("coingecko", pages=1)
    whole = coins(*[f"coin-{n}" for n in range(20)])
    fewer = listing(*whole[:-1])
    await see(pipeline, sandbox, *[listing(*whole)] * (ENOUGH - 1), listing(*whole[:5]))
    assert (await flags(pool))[-1] == (5, ["shrunken"])
    assert await absences(pool) == []

    first = (await see(pipeline, sandbox, fewer)).run_id
    assert await absences(pool) == [("coin-19", first, None)]
    await see(pipeline, sandbox, listing(*whole[:5]))
    assert await absences(pool) == [("coin-19", first, None)]
    second = (await see(pipeline, sandbox, fewer)).run_id
    assert await absences(pool) == [("coin-19", first, second)]
    (before,) = await fetch(pool, "SELECT xmin, * FROM coin_absence")
    await see(pipeline, sandbox, fewer)
    assert await fetch(pool, "SELECT xmin, * FROM coin_absence") == [before]
    await see(pipeline, sandbox, listing(*whole[-5:]))
    assert await absences(pool) == []


async def test_coin_whose_record_was_rejected_is_not_missing(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    pipeline = make_pipeline("coingecko", pages=1)
    whole = coins(*[f"coin-{n}" for n in range(20)])
    bad = {**whole[3], "current_price": "a lot"}
    await see(pipeline, sandbox, *[listing(*whole)] * ENOUGH)
    summary = await see(pipeline, sandbox, listing(*whole[:3], bad, *whole[4:-1]))
    assert summary.ledger == Ledger(unchanged=18, rejected=1)
    assert await absences(pool) == [("coin-19", summary.run_id, None)]
    assert (await flags(pool))[-1] == (19, [])


@pytest.mark.parametrize("bad", [{"name": "No id"}, {"id": "n\0l", "name": "Nul"}, {"id": 7, "name": "Seven"}, 17])
async def test_record_that_tells_no_id_may_be_any_coin(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox, bad: Any
) -> None:
    pipeline = make_pipeline("coingecko", pages=1)
    whole = coins(*[f"coin-{n}" for n in range(20)])
    await see(pipeline, sandbox, *[listing(*whole)] * ENOUGH, listing(*whole[:-1], bad))
    assert (await flags(pool))[-1] == (20, [])
    assert await absences(pool) == []


async def test_empty_list_is_no_snapshot(make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox) -> None:
    await see(make_pipeline("coingecko", pages=1), sandbox, *[listing(*coins("a"))] * ENOUGH, listing(), listing())
    assert (await flags(pool))[-1] == (None, [])
    assert await absences(pool) == []


async def test_files_are_no_snapshot(make_pipeline: MakePipeline, pool: Pool) -> None:
    await make_pipeline("csv").run("manual")
    assert await flags(pool) == [(None, [])]
