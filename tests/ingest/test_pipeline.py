"""Whole runs against the sandbox and a real database: what is written, what is not, and where the next run goes on."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from kasparro.domain import Ledger
from kasparro.errors import Busy, Malformed, RateLimited, Refused, Unauthorized
from kasparro.ingest.pipeline import Pipeline, Summary
from kasparro.sandbox import Sandbox, faults
from kasparro.store import leases, states
from kasparro.store.pool import ERRORS, Pool

from .conftest import MakePipeline

LATEST = "SELECT source, coin_id, price_usd, observed_at FROM unified_crypto ORDER BY 1, 2"
TICKS = "SELECT source, coin_id, observed_at, price_usd FROM price_history ORDER BY 1, 2, 3"


async def fetch(pool: Pool, query: str, *values: Any) -> list[asyncpg.Record]:
    async with pool.acquire() as conn:
        rows: list[asyncpg.Record] = await conn.fetch(query, *values)
        return rows


async def count(pool: Pool, table: str) -> int:
    (row,) = await fetch(pool, f"SELECT count(*) AS n FROM {table}")  # noqa: S608 - names of our own tables
    return int(row["n"])


@pytest.mark.parametrize(("source", "pages"), [("coinpaprika", 1), ("coingecko", 4)])
async def test_first_run_brings_every_coin(make_pipeline: MakePipeline, pool: Pool, source: str, pages: int) -> None:
    changes = {"pages": "all"} if source == "coingecko" else {}
    summary = await make_pipeline(source, **changes).run("manual")
    assert (summary.status, summary.pages) == ("success", pages)
    assert summary.ledger == Ledger(inserted=700)
    assert summary.simulated
    assert await count(pool, "unified_crypto") == 700
    assert await count(pool, "raw") == pages
    priced = await fetch(pool, "SELECT count(*) AS n FROM unified_crypto WHERE price_usd IS NOT NULL")
    assert await count(pool, "price_history") == priced[0]["n"] > 690


async def test_every_row_points_to_the_exact_record_it_came_from(make_pipeline: MakePipeline, pool: Pool) -> None:
    await make_pipeline("coingecko", pages="all").run("manual")
    rows = await fetch(
        pool,
        "SELECT u.*, r.body FROM unified_crypto u JOIN raw r USING (source, raw_id) ORDER BY random() LIMIT 50",
    )
    for row in rows:
        record = json.loads(row["body"], parse_float=Decimal, parse_int=Decimal)[row["raw_position"]]
        assert record["id"] == row["coin_id"]
        assert record["current_price"] == row["price_usd"]
        assert record["total_volume"] == row["volume_24h_usd"]


async def test_nothing_new_writes_nothing(make_pipeline: MakePipeline, pool: Pool) -> None:
    pipeline = make_pipeline("coinpaprika")
    await pipeline.run("manual")
    before = await fetch(pool, "SELECT xmin, xmax, * FROM unified_crypto ORDER BY coin_id")
    summary = await pipeline.run("manual")
    assert summary.ledger == Ledger(unchanged=700)
    assert await fetch(pool, "SELECT xmin, xmax, * FROM unified_crypto ORDER BY coin_id") == before


async def test_moved_prices_update_their_rows_and_add_ticks(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    pipeline = make_pipeline("coinpaprika")
    await pipeline.run("manual")
    ticks = await count(pool, "price_history")
    moved = sandbox.tick()
    summary = await pipeline.run("manual")
    assert 0 < summary.ledger.updated <= moved
    assert summary.ledger.updated + summary.ledger.unchanged == 700
    assert await count(pool, "price_history") == ticks + summary.ledger.updated


async def test_latest_row_never_goes_back_in_time(make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox) -> None:
    pipeline = make_pipeline("coinpaprika")
    await pipeline.run("manual")
    old = sandbox.asked("coinpaprika")
    assert len(old) == 1
    body = (await fetch(pool, "SELECT body FROM raw"))[0]["body"].encode()
    sandbox.tick()
    await pipeline.run("manual")
    latest, ticks = await fetch(pool, LATEST), await fetch(pool, TICKS)
    sandbox.fail("coinpaprika", faults.Literal(200, {"Content-Type": "application/json"}, body))
    summary = await pipeline.run("manual")
    assert summary.ledger.stale > 0
    assert summary.ledger.stale + summary.ledger.unchanged == 700
    assert await fetch(pool, LATEST) == latest
    assert await fetch(pool, TICKS) == ticks


@pytest.mark.parametrize("page", [1, 2, 3, 4])
async def test_run_that_fails_at_any_page_is_finished_by_the_next(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox, page: int
) -> None:
    pipeline = make_pipeline("coingecko", pages="all")
    sandbox.fail("coingecko", faults.Html(), on=lambda call: call.query["page"] == str(page))
    failed = await pipeline.run("manual")
    assert (failed.status, failed.pages, type(failed.error)) == ("failed", page - 1, Malformed)
    assert await count(pool, "raw") == page - 1
    resumed = await pipeline.run("manual")
    assert resumed.status == "success"
    assert [call.query["page"] for call in sandbox.calls] == [str(n) for n in [*range(1, page + 1), *range(page, 5)]]
    assert failed.ledger.fetched + resumed.ledger.fetched == 700
    assert await count(pool, "unified_crypto") == 700
    rows = await fetch(pool, "SELECT status, resumed_from, fetched FROM etl_run ORDER BY run_id")
    assert [row["status"] for row in rows] == ["failed", "success"]
    assert rows[1]["resumed_from"] == (failed.run_id if page > 1 else None)


async def test_snapshot_that_broke_off_long_ago_is_begun_anew(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    pipeline = make_pipeline("coingecko", pages="all")
    sandbox.fail("coingecko", faults.Html(), on=lambda call: call.query["page"] == "3")
    await pipeline.run("manual")
    await fetch(pool, "UPDATE etl_checkpoint SET updated_at = now() - interval '1 hour'")
    await pipeline.run("manual")
    assert sandbox.calls[3].query["page"] == "1"


async def test_poison_costs_its_records_and_no_others(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    sandbox.fail("coinpaprika", faults.Poison(every=7))
    summary = await make_pipeline("coinpaprika").run("manual")
    assert summary.status == "partial"
    assert summary.ledger.rejected > 50
    assert summary.ledger.fetched == 700
    rejects = await fetch(pool, "SELECT position, record, reasons FROM etl_reject ORDER BY position")
    assert len(rejects) == summary.ledger.rejected
    for row in rejects:
        (body,) = await fetch(pool, "SELECT body FROM raw")
        assert row["record"] in body["body"]
        assert all(reason["path"] and reason["message"] for reason in row["reasons"])
    assert await count(pool, "unified_crypto") == 700 - summary.ledger.rejected - summary.ledger.duplicate


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.Envelope(), Malformed),
        (faults.RateLimited(), RateLimited),
        (faults.Unauthorized(), Unauthorized),
        (faults.Literal(404, {}, b'{"error":"id not found"}'), Refused),
        (faults.Literal(200, {}, b'[{"id": "a"'), Malformed),
        (faults.Literal(200, {}, b'[{"id": "a"} {"id": "b"}]'), Malformed),
        (faults.Literal(200, {}, b"[] []"), Malformed),
        (faults.Literal(200, {}, b'[{"id": "\xff"}]'), Malformed),
        (faults.Literal(200, {}, b"[" * 100_000), Malformed),
    ],
    ids=repr,
)
async def test_answer_that_is_no_data_fails_the_run_with_its_reason(
    make_pipeline: MakePipeline,
    pool: Pool,
    sandbox: Sandbox,
    fault: Any,
    error: type[Exception],
    no_waiting: list[float],
) -> None:
    sandbox.fail("coinpaprika", fault, times=None)
    summary = await make_pipeline("coinpaprika").run("manual")
    assert (summary.status, type(summary.error)) == ("failed", error)
    (row,) = await fetch(pool, "SELECT status, error_kind, error_message FROM etl_run")
    assert (row["status"], row["error_kind"]) == ("failed", error.__name__)
    assert row["error_message"].startswith("coinpaprika: ")
    assert await count(pool, "unified_crypto") == 0


async def test_coin_met_again_on_a_later_page_is_a_duplicate(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    pipeline = make_pipeline("coingecko", pages=2)
    await pipeline.run("manual")
    first = (await fetch(pool, "SELECT body FROM raw ORDER BY raw_id"))[0]["body"].encode()
    sandbox.fail("coingecko", faults.Literal(200, {}, first), on=lambda call: call.query["page"] == "2")
    summary = await pipeline.run("manual")
    assert summary.ledger == Ledger(unchanged=250, duplicate=250)


async def test_drift_is_noted_once_and_counted(make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox) -> None:
    shape = faults.Drift(rename={"fully_diluted_valuation": "fully_diluted_market_valuation"})
    sandbox.fail("coingecko", shape, times=None)
    summary = await make_pipeline("coingecko", pages="all").run("manual")
    assert summary.status == "success"
    (row,) = await fetch(pool, "SELECT * FROM schema_drift")
    assert (row["kind"], row["path"], row["renamed_to"], row["pages"]) == (
        "renamed_field",
        "fully_diluted_valuation",
        "fully_diluted_market_valuation",
        3,
    )
    assert 0.6 <= row["confidence"] < 1


async def test_source_is_run_by_one_at_a_time(make_pipeline: MakePipeline, sandbox: Sandbox) -> None:
    sandbox.fail("coinpaprika", faults.Latency(0.5))
    first = asyncio.create_task(make_pipeline("coinpaprika").run("manual"))
    while not sandbox.calls:
        await asyncio.sleep(0.01)
    with pytest.raises(Busy):
        await make_pipeline("coinpaprika").run("manual")
    assert (await first).status == "success"


async def test_lost_fence_commits_nothing(make_pipeline: MakePipeline, pool: Pool) -> None:
    pipeline = make_pipeline("coingecko", pages="all")

    def usurp(summary: Summary) -> None:
        if summary.pages == 1:
            stolen.append(asyncio.get_running_loop().create_task(_steal(pool)))

    stolen: list[asyncio.Task[None]] = []
    pipeline.watch = usurp
    summary = await pipeline.run("manual")
    await stolen[0]
    assert (summary.status, type(summary.error).__name__) == ("failed", "FenceLost")
    assert await count(pool, "raw") == summary.pages < 4


async def _steal(pool: Pool) -> None:
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("UPDATE source_lease SET expires_at = '-infinity'")
        await leases.acquire(conn, "coingecko", "thief")


async def test_cancelled_run_is_closed_behind_its_last_page(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    sandbox.fail("coingecko", faults.Latency(30), on=lambda call: call.query["page"] == "3")
    run = asyncio.create_task(make_pipeline("coingecko", pages="all").run("manual"))
    while await count(pool, "raw") < 2:
        await asyncio.sleep(0.02)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    (row,) = await fetch(pool, "SELECT status, pages, fetched FROM etl_run")
    assert tuple(row) == ("cancelled", 2, 500)
    (checkpoint,) = await fetch(pool, "SELECT cursor, page FROM etl_checkpoint")
    assert tuple(checkpoint) == ({"page": 3}, 2)


async def test_database_session_killed_in_mid_run_leaves_no_half_page(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    pipeline = make_pipeline("coingecko", pages="all")
    killed = False

    def kill(summary: Summary) -> None:
        nonlocal killed
        if summary.pages == 2 and not killed:
            killed = True
            tasks.append(asyncio.get_running_loop().create_task(_kill_sessions(pool)))

    tasks: list[asyncio.Task[None]] = []
    pipeline.watch = kill
    with suppress(*ERRORS):
        await pipeline.run("manual")
    await asyncio.gather(*tasks, return_exceptions=True)
    summary = await pipeline.run("manual")
    assert summary.status == "success"
    assert await count(pool, "unified_crypto") == 700
    rows = await fetch(pool, "SELECT status FROM etl_run ORDER BY run_id")
    assert [row["status"] for row in rows][-1] == "success"
    assert {row["status"] for row in rows[:-1]} <= {"failed", "abandoned"}


async def _kill_sessions(pool: Pool) -> None:
    async with pool.acquire() as conn:
        await conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def coin(price: str, updated: str | None, name: str = "Bitcoin") -> faults.Literal:
    record = {"id": "bitcoin", "name": name, "current_price": price, "last_updated": updated}
    return faults.Literal(200, {}, json.dumps([record]).encode())


async def see(pipeline: Pipeline, sandbox: Sandbox, *answers: faults.Literal) -> list[Ledger]:
    """The ledgers of runs that get these answers, one after the other."""
    ledgers = []
    for answer in answers:
        sandbox.fail("coingecko", answer)
        ledgers.append((await pipeline.run("manual")).ledger)
    return ledgers


async def test_date_that_was_forgotten_once_freezes_no_coin(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    old = "2021-01-01T00:00:00Z"
    ledgers = await see(
        make_pipeline("coingecko", pages=1), sandbox, coin("1", old), coin("2", None), coin("2", None), coin("3", old)
    )
    assert ledgers == [Ledger(inserted=1), Ledger(updated=1), Ledger(unchanged=1), Ledger(updated=1)]
    (row,) = await fetch(pool, "SELECT price_usd, source_updated_at FROM unified_crypto")
    assert (row["price_usd"], row["source_updated_at"].year) == (3, 2021)


async def test_stale_record_changes_neither_the_latest_row_nor_the_history(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    pipeline = make_pipeline("coingecko", pages=1)
    zero, one = "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"
    ledgers = await see(pipeline, sandbox, coin("1", zero), coin("2", one), coin("9", zero))
    assert ledgers[-1] == Ledger(stale=1)
    rows = await fetch(pool, "SELECT price_usd, revision FROM price_history ORDER BY observed_at")
    assert [tuple(row) for row in rows] == [(1, 0), (2, 0)]
    (row,) = await fetch(pool, "SELECT price_usd FROM unified_crypto")
    assert row["price_usd"] == 2


async def test_history_older_than_the_retention_is_not_written_and_breaks_nothing(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    pipeline = make_pipeline("coingecko", pages=1)
    pipeline.history_days = 30
    (ledger,) = await see(pipeline, sandbox, coin("1", "2021-01-01T00:00:00Z"))
    assert ledger == Ledger(inserted=1)
    assert (await count(pool, "unified_crypto"), await count(pool, "price_history")) == (1, 0)


async def test_page_of_rejects_alone_does_not_end_the_snapshot(make_pipeline: MakePipeline, sandbox: Sandbox) -> None:
    sandbox.fail("coingecko", faults.Poison(every=1, kinds=("no_id",)), on=lambda call: call.query["page"] == "2")
    summary = await make_pipeline("coingecko", pages="all").run("manual")
    assert (summary.status, summary.pages) == ("partial", 4)
    assert summary.ledger == Ledger(inserted=450, rejected=250)


async def test_same_page_of_rejects_again_and_again_ends_the_snapshot(
    make_pipeline: MakePipeline, sandbox: Sandbox
) -> None:
    sandbox.fail("coingecko", faults.Literal(200, {}, b'[{"id": 1}, {"id": 2}]'), times=None)
    summary = await make_pipeline("coingecko", pages="all").run("manual")
    assert (summary.pages, summary.ledger) == (2, Ledger(rejected=4))


async def test_run_without_a_page_says_nothing_of_what_is_simulated(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    async with pool.acquire() as conn:
        await states.declare(conn, "coinpaprika", 300, pace=300, scope=None)
    await make_pipeline("coinpaprika").run("manual")
    sandbox.fail("coinpaprika", faults.Literal(404, {}, b"{}"))
    await make_pipeline("coinpaprika").run("manual")
    (row,) = await fetch(pool, "SELECT simulated FROM source_state")
    assert row["simulated"] is True


async def test_key_that_the_vendor_repeats_is_kept_out_of_every_text(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    body = b'{"error": "API Key SECRET123 is unknown\\u0000"}'
    sandbox.fail("coinpaprika", faults.Literal(401, {}, body), times=None)
    for auth in "raw", "bearer":
        summary = await make_pipeline("coinpaprika", api_key="SECRET123", auth=auth).run("manual")
        assert "API Key *** is unknown" in str(summary.error)
    rows = await fetch(pool, "SELECT status, error_message FROM etl_run")
    assert {row["status"] for row in rows} == {"failed"}
    assert "SECRET123" not in str(rows)


async def test_files_without_news_open_no_run(make_pipeline: MakePipeline, pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "coins.csv").write_text("coin_id,name,symbol,price\nbitcoin,Bitcoin,BTC,1.5\n")
    pipeline = make_pipeline("csv", path=str(tmp_path))
    async with pool.acquire() as conn:
        await states.declare(conn, "csv", 60, pace=60, scope=None)
    assert (await pipeline.run("manual")).ledger == Ledger(inserted=1)
    assert (await pipeline.run("manual")).status == "success"
    assert await count(pool, "etl_run") == 1
    (row,) = await fetch(pool, "SELECT checked_at FROM source_state")
    assert row["checked_at"]


async def test_changed_file_is_rewritten_only_where_it_differs(
    make_pipeline: MakePipeline, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kasparro.sources.csv_text.PAGE_RECORDS", 100)
    file, header = tmp_path / "days.csv", "date,coin_id,name,price\n"
    rows = [f'2026-{month:02}-01,coin-{n},"Coin\n{n}",{month}{n}\n' for n in range(100) for month in range(1, 5)]
    file.write_text(header + "".join(rows))
    pipeline = make_pipeline("csv", path=str(file))
    assert (await pipeline.run("manual")).ledger == Ledger(inserted=400)
    written = "SELECT coin_id, observed_at, xmin::text, price_usd FROM price_history ORDER BY 1, 2"
    latest = "SELECT coin_id, observed_at, xmin::text, price_usd FROM unified_crypto ORDER BY 1"
    before = await fetch(pool, written), await fetch(pool, latest)
    changed = rows.copy()
    changed[5], changed[7] = changed[5].replace("21\n", "77\n"), changed[7].replace("41\n", "99\n")
    file.write_text(header + "".join([*changed[:200], "2026-05-01,coin-9,Nine,1\n", *changed[200:]]))
    assert (await pipeline.run("manual")).ledger == Ledger(inserted=1, updated=2, unchanged=398)
    after = await fetch(pool, written), await fetch(pool, latest)
    assert [(row["coin_id"], row["price_usd"]) for row in after[0] if row not in before[0]] == [
        ("coin-1", 77), ("coin-1", 99), ("coin-9", 1)
    ]  # fmt: skip
    assert [(row["coin_id"], row["price_usd"]) for row in after[1] if row not in before[1]] == [
        ("coin-1", 99), ("coin-9", 1)
    ]  # fmt: skip


async def test_lease_that_ran_out_while_its_owner_lives_closes_no_run(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    pipeline = make_pipeline("coingecko", pages="all")
    sandbox.fail("coingecko", faults.Latency(1), on=lambda call: call.query["page"] == "2")
    run = asyncio.create_task(pipeline.run("manual"))
    while await count(pool, "raw") < 1:
        await asyncio.sleep(0.02)
    await fetch(pool, "UPDATE source_lease SET expires_at = now() - interval '1 minute'")
    await make_pipeline("coinpaprika").run("manual")
    assert (await run).status == "success"
    rows = await fetch(pool, "SELECT status, fetched FROM etl_run WHERE source = 'coingecko'")
    assert [tuple(row) for row in rows] == [("success", 700)]


async def test_record_nested_without_end_is_rejected(make_pipeline: MakePipeline, sandbox: Sandbox) -> None:
    deep = '{"id": "", "name": "x", "y": ' + "[" * 900 + "]" * 900 + "}"
    (ledger,) = await see(make_pipeline("coingecko", pages=1), sandbox, faults.Literal(200, {}, f"[{deep}]".encode()))
    assert ledger == Ledger(rejected=1)


async def test_empty_market_is_no_success(make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox) -> None:
    sandbox.fail("coinpaprika", faults.Empty())
    summary = await make_pipeline("coinpaprika").run("manual")
    assert (summary.status, type(summary.error)) == ("failed", Malformed)
    assert "empty list" in str(summary.error)


async def test_run_of_rejects_alone_is_no_success_and_keeps_them(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    sandbox.fail("coinpaprika", faults.Poison(every=1, kinds=("no_id",)))
    summary = await make_pipeline("coinpaprika").run("manual")
    assert (summary.status, summary.ledger) == ("failed", Ledger(rejected=700))
    assert await count(pool, "etl_reject") == 700
    (row,) = await fetch(pool, "SELECT status, rejected, error_message FROM etl_run")
    assert tuple(row) == ("failed", 700, "coinpaprika: none of 700 records could be read; /rejects says why")


async def test_byte_that_is_no_utf8_costs_its_record(make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox) -> None:
    body = b'[{"id": "a", "name": "A"}, {"id": "b", "name": "B\xff"}, {"id": "c", "name": "C"}]'
    (ledger,) = await see(make_pipeline("coingecko", pages=1), sandbox, faults.Literal(200, {}, body))
    assert ledger == Ledger(inserted=2, rejected=1)
    (row,) = await fetch(pool, "SELECT record FROM etl_reject")
    assert "B\\xff" in row["record"] or "B\\udcff" in row["record"]


async def test_record_nested_deeper_than_any_decoder_goes_costs_only_itself(
    make_pipeline: MakePipeline, sandbox: Sandbox
) -> None:
    deep = '{"id": "b", "name": "[B", "x": 1e400, "y": ' + "[" * 100_000 + "]" * 100_000 + "}"
    body = f'[{{"id": "a", "name": "A"}}, {deep}, {{"id": "c", "name": "C"}}]'
    (ledger,) = await see(make_pipeline("coingecko", pages=1), sandbox, faults.Literal(200, {}, body.encode()))
    assert ledger == Ledger(inserted=2, rejected=1)
