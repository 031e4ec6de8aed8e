"""What is derived again from raw pages is what ingestion wrote, whatever happened to it meanwhile."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import pytest

from kasparro.errors import Busy, FenceLost, Malformed
from kasparro.ingest import rebuild
from kasparro.ingest.pipeline import Pipeline
from kasparro.ingest.rebuild import Rebuild, Rebuilt
from kasparro.ingest.replay import Replay
from kasparro.sandbox import Sandbox, faults
from kasparro.settings import Budget
from kasparro.sources import SOURCES
from kasparro.sources.base import Source
from kasparro.sources.coinpaprika import CoinPaprika
from kasparro.store import leases
from kasparro.store import rebuild as store
from kasparro.store.pool import Pool
from kasparro.store.rebuild import Written
from kasparro.store.rejects import Choice

from .conftest import MakePipeline
from .test_quota import until_free
from .test_replay import COST, Mended, quoting

NOTHING = Written()
LATEST = "SELECT to_jsonb(u) - 'updated_at' AS row FROM unified_crypto u ORDER BY source, coin_id"
TICKS = "SELECT to_jsonb(h) - 'known_since' AS row FROM price_history h ORDER BY source, coin_id, observed_at"
PRESENT = "SELECT source, coin_id, name, price_usd, observed_at FROM unified_crypto ORDER BY source, coin_id"
KNOWN = (
    "SELECT source, coin_id, name, price_usd, observed_at FROM coins_known($1, NULL, NULL, NULL, NULL, NULL, NULL) "
    "ORDER BY source, coin_id"
)


@pytest.fixture
async def conn(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(dsn)
    yield conn
    await conn.close()


async def state(conn: asyncpg.Connection) -> tuple[list[str], list[str]]:
    """Every column of the latest rows and of the history, but for the clock of writing."""
    return [row["row"] for row in await conn.fetch(LATEST)], [row["row"] for row in await conn.fetch(TICKS)]


@pytest.fixture
def rebuilt(dsn: str, pool: Pool) -> Any:
    async def rebuilt(source: str | Source, since: Any = None) -> Rebuilt:
        declared = SOURCES[source] if isinstance(source, str) else source
        options = declared.options_type()
        result = Rebuilt(declared.name)
        await Rebuild(declared, options, dsn, pool, "test").run(since, result)
        return result

    return rebuilt


DAMAGE = """
DELETE FROM unified_crypto WHERE {pages} AND hashtext(coin_id) % 5 = 0;
DELETE FROM price_history WHERE {pages} AND hashtext(coin_id) % 5 = 0;
UPDATE unified_crypto SET price_usd = 7, name = 'X', rank = 7, source_updated_at = '2030-01-01'
    WHERE {pages} AND hashtext(coin_id) % 5 = 1;
UPDATE price_history SET price_usd = 7, market_cap_usd = 7, raw_position = 99
    WHERE {pages} AND hashtext(coin_id) % 5 = 1;
UPDATE unified_crypto SET price_usd = price_usd * 1.0 WHERE {pages} AND hashtext(coin_id) % 5 = 3;
UPDATE price_history SET market_cap_usd = market_cap_usd * 1.0 WHERE {pages} AND hashtext(coin_id) % 5 = 3;
INSERT INTO price_history
    SELECT source, coin_id, observed_at + interval '1 microsecond', 7, 7, 7, 7, 7, 7, fetched_at, run_id, raw_id, 0, 3
    FROM price_history WHERE {pages} AND hashtext(coin_id) % 5 = 2;
INSERT INTO unified_crypto (source, coin_id, name, observed_at, fetched_at, run_id, raw_id, raw_position)
    SELECT DISTINCT ON (source) source, 'invented', 'X', now(), now(), run_id, raw_id, 0
    FROM raw ORDER BY source, raw_id DESC;
"""


async def damage(conn: asyncpg.Connection, *, pages: str = "true") -> None:
    """Delete, change and invent rows that point to pages that are there."""
    await conn.execute(DAMAGE.format(pages=pages))


async def messy(pipeline: Pipeline, sandbox: Sandbox, conn: asyncpg.Connection) -> None:
    """Runs with all that an API can do: poison, other shapes, old pages, repeated coins, failures and resumptions."""
    vendor: Any = pipeline.reader.name
    paged = vendor == "coingecko"

    def on(page: int) -> Any:
        return (lambda call: call.query["page"] == str(page)) if paged else (lambda call: True)

    await pipeline.run("manual")
    sandbox.tick()
    sandbox.fail(vendor, faults.Poison(every=7))
    await pipeline.run("manual")
    first = (await conn.fetchval("SELECT body FROM raw WHERE source = $1 ORDER BY raw_id LIMIT 1", vendor)).encode()
    sandbox.tick()
    sandbox.fail(vendor, faults.Literal(200, {}, first), on=on(2))
    await pipeline.run("manual")
    sandbox.tick()
    sandbox.fail(vendor, faults.Html(), on=on(3))
    await pipeline.run("manual")
    await pipeline.run("manual")
    sandbox.fail(vendor, faults.Drift(drop=["last_updated"]), times=2)
    await pipeline.run("manual")
    sandbox.tick()
    sandbox.fail(vendor, faults.Literal(200, {}, first.replace(b'"name":"', b'"name":"\xff', 1)), on=on(1))
    await pipeline.run("manual")
    sandbox.tick()
    await pipeline.run("manual")


@pytest.mark.parametrize("source", ["coinpaprika", "coingecko"])
async def test_rebuild_of_an_api_equals_what_was_ingested(
    make_pipeline: MakePipeline, sandbox: Sandbox, conn: asyncpg.Connection, rebuilt: Any, source: str
) -> None:
    await messy(make_pipeline(source, **({"pages": "all"} if source == "coingecko" else {})), sandbox, conn)
    before, moment = await state(conn), await conn.fetchval("SELECT clock_timestamp()")
    known = await conn.fetch(KNOWN, moment)
    calls = len(sandbox.calls)
    assert (await rebuilt(source)).written == NOTHING
    await damage(conn)
    result = await rebuilt(source)
    assert await state(conn) == before
    assert await conn.fetch(KNOWN, moment) == known == await conn.fetch(PRESENT)
    assert await conn.fetch(KNOWN, await conn.fetchval("SELECT clock_timestamp()")) == known
    assert result.pages == await conn.fetchval("SELECT count(*) FROM raw")
    assert (result.records + result.rejected, result.rejected) == tuple(
        await conn.fetchrow("SELECT sum(fetched), sum(rejected) FROM etl_run")
    )
    assert min(result.written) > 0
    assert (await rebuilt(source)).written == NOTHING
    assert len(sandbox.calls) == calls


@pytest.mark.parametrize("runs", range(1, 8))
async def test_what_is_from_pages_that_are_gone_stays(
    make_pipeline: MakePipeline, sandbox: Sandbox, conn: asyncpg.Connection, rebuilt: Any, runs: int
) -> None:
    await messy(make_pipeline("coingecko", pages="all"), sandbox, conn)
    before = await state(conn)
    await conn.execute(
        "DELETE FROM raw p WHERE run_id <= $1"
        " AND NOT EXISTS (SELECT FROM raw s WHERE s.source = p.source AND s.same_as = p.raw_id AND s.run_id > $1)",
        runs,
    )
    assert (await rebuilt("coingecko")).written == NOTHING
    await damage(conn, pages="(source, raw_id) IN (SELECT source, raw_id FROM raw)")
    await rebuilt("coingecko")
    assert await state(conn) == before


async def test_pages_fetched_since_alone_are_read(
    make_pipeline: MakePipeline, sandbox: Sandbox, conn: asyncpg.Connection, rebuilt: Any
) -> None:
    await messy(make_pipeline("coingecko", pages="all"), sandbox, conn)
    before = await state(conn)
    since, run_id = await conn.fetchrow("SELECT fetched_at, run_id FROM raw ORDER BY raw_id DESC OFFSET 6 LIMIT 1")
    whole = await conn.fetchval("SELECT count(*) FROM raw WHERE run_id >= $1", run_id)
    await conn.execute("UPDATE unified_crypto SET price_usd = 7 WHERE run_id >= $1", run_id)
    await conn.execute("UPDATE price_history SET price_usd = 7 WHERE run_id = 1 AND coin_id = 'bitcoin'")
    result = await rebuilt("coingecko", since)
    assert result.pages == whole, "a page of a run is read with those before it"
    latest, ticks = await state(conn)
    assert latest == before[0]
    assert sum(one != other for one, other in zip(ticks, before[1], strict=True)) == 1, "older ticks stay as they are"
    assert (await rebuilt("coingecko", since.replace(year=2100))).pages == 0
    await rebuilt("coingecko")
    assert await state(conn) == before


async def test_time_that_was_yet_to_come_is_as_wrong_when_it_is_past(
    make_pipeline: MakePipeline,
    sandbox: Sandbox,
    conn: asyncpg.Connection,
    rebuilt: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ahead = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for updated in ahead, "2026-01-01T00:00:00Z":
        record = {"id": "a", "name": "N", "current_price": 1, "last_updated": updated}
        sandbox.fail("coingecko", faults.Literal(200, {}, json.dumps([record]).encode()))
    ledger = (await make_pipeline("coingecko", pages=2).run("manual")).ledger
    assert (ledger.rejected, ledger.inserted) == (1, 1)
    before = await state(conn)
    for module in "records", "fast_lane":
        monkeypatch.setattr(f"kasparro.sources.{module}.is_ahead", lambda moment: False)
    result = await rebuilt("coingecko")
    assert (result.rejected, result.written) == (1, NOTHING)
    assert await state(conn) == before


COINS = ("a", "b", "c")
DATES = [None, *(f"2026-01-01T0{hour}:00:00Z" for hour in range(4))]


def page(random: Random) -> faults.Literal:
    records = [
        {"id": random.choice(COINS), "name": "N", "current_price": random.choice([1, 2, None]),
         "market_cap_rank": random.choice([1, 2]), "last_updated": random.choice(DATES)}
        for _ in range(random.randrange(1, 5))
    ]  # fmt: skip
    return faults.Literal(200, {}, json.dumps(records).encode())


def expected(random: Random, hour: int) -> faults.Literal:
    """Coins with prices, which are the same wherever the date is: one coin is never dated, and one not always.

    A date is mostly of this hour, now and then of an earlier one.
    """
    hours = {coin: max(0, hour - random.choice([0, 0, 1, 2])) for coin in COINS}
    dated = {"a": False, "b": random.random() < 0.6, "c": True}
    records = [
        {"id": coin, "name": "N", "current_price": (of if dated[coin] else hour) // 2,
         "market_cap_rank": random.choice([1, 1, 2]),
         "last_updated": f"2026-01-01T{of:02}:00:00Z" if dated[coin] else None}
        for coin, of in hours.items()
    ]  # fmt: skip
    return faults.Literal(200, {}, json.dumps(records).encode())


@pytest.mark.parametrize("seed", range(12))
async def test_any_history_of_a_few_coins_is_derived_again(
    make_pipeline: MakePipeline, sandbox: Sandbox, conn: asyncpg.Connection, rebuilt: Any, seed: int
) -> None:
    random = Random(seed)  # noqa: S311 - a test
    pipeline = make_pipeline("coingecko", pages=2)
    for _ in range(8):
        for _ in range(2):
            sandbox.fail("coingecko", page(random))
        await pipeline.run("manual")
        sandbox.heal()
    before = await state(conn)
    await conn.execute("DELETE FROM price_history")
    await conn.execute("DELETE FROM unified_crypto WHERE coin_id <> 'a'")
    await rebuilt("coingecko")
    assert await state(conn) == before


@pytest.mark.parametrize("seed", range(12))
async def test_any_history_of_a_few_coins_stays_what_it_is_while_pages_expire(
    make_pipeline: MakePipeline, sandbox: Sandbox, conn: asyncpg.Connection, rebuilt: Any, seed: int
) -> None:
    random = Random(seed)  # noqa: S311 - a test
    pipeline = make_pipeline("coingecko", pages=1)
    for hour in range(10):
        sandbox.fail("coingecko", expected(random, hour))
        await pipeline.run("manual")
    before = await state(conn)
    for run_id in range(1, 10):
        await conn.execute("DELETE FROM raw WHERE run_id = $1", run_id)
        await rebuilt("coingecko")
        assert await state(conn) == before, run_id


HEADER = "date,name,symbol,price,market_cap\n"


def rows(start: int, end: int, price: str = "") -> str:
    """Rows of four coins, which have but a name; one row is of another coin of the same name."""
    return "".join(
        f"{n % 12 + 1:02}/{n % 28 + 1:02}/2017,Coin {n % 4},{'X' if n == 9 else 'C'}{n % 4},{price or n / 4},{n}\n"
        for n in range(start, end)
    )


async def test_rebuild_of_files_equals_what_was_ingested(
    make_pipeline: MakePipeline,
    conn: asyncpg.Connection,
    rebuilt: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kasparro.sources.csv_text.PAGE_RECORDS", 7)
    monkeypatch.setattr("kasparro.ingest.file_text.SETTLED", 0)
    pipeline = make_pipeline("csv", path=str(tmp_path))
    file, pairs = tmp_path / "dated.csv", tmp_path / "pairs.tsv"
    file.write_bytes((HEADER + rows(0, 30) + "13/01/2017,Coin 0,C0,1,1\n").encode() + b"01/13/2017,Caf\xe9,C,1,1\n")
    pairs.write_text(
        "symbol\tcoin_id\tclose\nBTCUSD\tbitcoin\t1\n" + "".join(f"{n}USD\tc{n}\t{n}\n" for n in range(20))
    )
    (tmp_path / "bitcoin.csv").write_text('Date;Close\n"24.12.2017";"1.234,5"\n"25.12.2017";one\n"26.12.2017"')
    (tmp_path / "refused.csv").write_text("x,y\n1,2\n")
    await pipeline.run("manual")
    with file.open("a") as stream:
        stream.write(rows(30, 45) + "02/02/2018,Coin 1,C1,5")
    await pipeline.run("manual")
    with file.open("a") as stream:
        stream.write(",6\n\n" + rows(45, 50, "bad"))
    await pipeline.run("manual")
    file.write_text(HEADER + rows(0, 20, "99") + rows(20, 60))
    pairs.write_text("symbol\tcoin_id\tprice\nETHUSD\tether\t1\n")
    await pipeline.run("manual")
    before = await state(conn)
    assert (await rebuilt("csv")).written == NOTHING
    await damage(conn)
    result = await rebuilt("csv")
    assert await state(conn) == before
    assert result.rejected == await conn.fetchval("SELECT count(*) FROM etl_reject WHERE raw_id IS NOT NULL") > 3
    assert (await rebuilt("csv")).written == NOTHING


async def test_pages_of_files_from_before_their_reading_was_kept_count_as_gone(
    make_pipeline: MakePipeline, conn: asyncpg.Connection, rebuilt: Any, tmp_path: Path
) -> None:
    pipeline = make_pipeline("csv", path=str(tmp_path))
    for n in range(2):
        (tmp_path / "coins.csv").write_text(f"name,price\nBitcoin,{n}\nEther,{n * n}\n")
        await pipeline.run("manual")
        await conn.execute("UPDATE raw SET reading = '{}' WHERE run_id = 1")
    before = await state(conn)
    assert (await rebuilt("csv")).pages == 1
    assert await state(conn) == before
    await conn.execute("UPDATE raw SET reading = '{}'")
    assert (await rebuilt("csv")).pages == 0
    assert await state(conn) == before


async def quarantined(pipeline: Pipeline, sandbox: Sandbox) -> None:
    """Three runs of which every record is rejected."""
    for _ in range(3):
        sandbox.fail("coinpaprika", COST)
        await pipeline.run("manual")
        sandbox.tick()


async def test_mended_mapping_changes_the_rows_of_old_pages(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox, conn: asyncpg.Connection, rebuilt: Any
) -> None:
    await quarantined(make_pipeline("coinpaprika"), sandbox)
    result = await rebuilt(Mended())
    assert (result.records, result.rejected, result.written.latest_inserted) == (2100, 0, 700)
    assert result.written.ticks_inserted > 1000
    before = await state(conn)
    await Replay(Mended(), pool, "test").run(Choice())
    assert await state(conn) == before, "what was rebuilt is not replayed to anything else"
    result = await rebuilt("coinpaprika")
    assert (result.rejected, result.written.latest_deleted) == (2100, 700)


async def test_mapping_that_reads_the_old_pages_no_more_writes_nothing(
    make_pipeline: MakePipeline, dsn: str, pool: Pool, conn: asyncpg.Connection
) -> None:
    await make_pipeline("coinpaprika").run("manual")
    before = await state(conn)
    options = CoinPaprika.options_type()
    told = await Rebuild(Mended(), options, dsn, pool, "test", reject_budget=Budget(share=50)).told(None)
    assert told.error == (
        "coinpaprika: 700 of 700 records of its raw pages are rejected now, so nothing was written; "
        "allowed is REJECT_BUDGET=50%"
    )
    assert await state(conn) == before


async def test_replayed_records_are_derived_as_they_were_replayed(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox, conn: asyncpg.Connection, rebuilt: Any
) -> None:
    await quarantined(make_pipeline("coinpaprika"), sandbox)
    await Replay(Mended(), pool, "test").run(Choice())
    before = await state(conn)
    await rebuilt(Mended())
    assert await state(conn) == before


async def test_replayed_record_from_a_page_that_is_gone_costs_later_pages_nothing(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox, conn: asyncpg.Connection, rebuilt: Any
) -> None:
    pipeline = make_pipeline("coinpaprika")
    for answer in quoting("cost", 1, a="2026-01-01T05:00:00Z"), quoting("price", 2, a="2026-01-01T04:00:00Z"):
        sandbox.fail("coinpaprika", answer)
        await pipeline.run("manual")
    assert await Replay(Mended(), pool, "test").run(Choice()) == {"updated": 1}
    before = await state(conn)
    assert [len(rows) for rows in before] == [1, 2]
    await conn.execute("DELETE FROM raw WHERE run_id = 1")
    await rebuilt("coinpaprika")
    assert await state(conn) == before


OTHERS = ("coin_absence", "etl_checkpoint", "etl_reject", "etl_run", "raw", "request_quota", "schema_drift")


async def test_nothing_but_the_latest_rows_and_the_history_is_touched(
    make_pipeline: MakePipeline, sandbox: Sandbox, conn: asyncpg.Connection, rebuilt: Any
) -> None:
    async def others() -> list[Any]:
        return [await conn.fetch(f"SELECT * FROM {table} ORDER BY 1, 2") for table in OTHERS]  # noqa: S608 - our own

    pipeline = make_pipeline("coinpaprika")
    for key, coins in ("cost", 20), *[("price", 20)] * 5, ("price", 18):
        records = {f"coin-{n}": "2026-01-01T00:00:00Z" for n in range(coins)}
        sandbox.fail("coinpaprika", quoting(key, 1, **records))
        await pipeline.run("manual")
    before = await others()
    assert len(before[0]) == 2, "each coin that is listed no longer"
    assert all(before)
    await damage(conn)
    await rebuilt("coinpaprika")
    assert await others() == before


async def test_rebuild_whose_source_is_taken_over_writes_nothing_more(
    make_pipeline: MakePipeline,
    sandbox: Sandbox,
    conn: asyncpg.Connection,
    rebuilt: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await messy(make_pipeline("coinpaprika"), sandbox, conn)
    await conn.execute("UPDATE unified_crypto SET price_usd = 7")
    before = await state(conn)
    real = store.derived

    async def derived(*arguments: Any) -> list[str]:
        await conn.execute("UPDATE source_lease SET fence = fence + 1")
        return await real(*arguments)

    monkeypatch.setattr(store, "derived", derived)
    with pytest.raises(FenceLost):
        await rebuilt("coinpaprika")
    assert await state(conn) == before


async def test_rebuild_killed_at_any_transaction_leaves_each_coin_whole(
    make_pipeline: MakePipeline,
    sandbox: Sandbox,
    conn: asyncpg.Connection,
    rebuilt: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await messy(make_pipeline("coinpaprika"), sandbox, conn)
    before = await state(conn)
    await damage(conn)
    monkeypatch.setattr(rebuild, "_COINS", 100)
    real = store.write
    for survived in 0, 3:
        times = iter([*range(survived, 0, -1), 0])

        async def write(*arguments: Any, times: Any = times, **named: Any) -> Written:
            written = await real(*arguments, **named)
            _ = 1 / next(times)
            return written

        monkeypatch.setattr(store, "write", write)
        with pytest.raises(ZeroDivisionError):
            await rebuilt("coinpaprika")
    monkeypatch.setattr(store, "write", real)
    half = await state(conn)
    assert half != before
    healed = set(half[0]) & set(before[0])
    assert len(healed) > 300
    await rebuilt("coinpaprika")
    assert await state(conn) == before


async def test_process_killed_in_the_middle_of_writing_is_made_good_by_the_next(
    make_pipeline: MakePipeline, dsn: str, sandbox: Sandbox, conn: asyncpg.Connection, pool: Pool, rebuilt: Any
) -> None:
    await messy(make_pipeline("coinpaprika"), sandbox, conn)
    before = await state(conn)
    await conn.execute("UPDATE unified_crypto SET price_usd = 7")
    async with conn.transaction():
        coin = await conn.fetchval("SELECT coin_id FROM unified_crypto ORDER BY coin_id OFFSET 500 LIMIT 1")
        await conn.execute("SELECT FROM unified_crypto WHERE coin_id = $1 FOR UPDATE", coin)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "kasparro", "rebuild", "--source", "coinpaprika"),
            env={"PATH": os.environ["PATH"], "DATABASE_URL": dsn},
            stderr=asyncio.subprocess.DEVNULL,
        )
        while not await conn.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            assert process.returncode is None
            await asyncio.sleep(0.02)
        process.kill()
        await process.wait()
    await until_free(pool)
    half = await state(conn)
    assert len(set(half[0]) & set(before[0])) == 400, "what was committed stays"
    await rebuilt("coinpaprika")
    assert await state(conn) == before


async def test_serving_goes_on_meanwhile(
    make_pipeline: MakePipeline, sandbox: Sandbox, conn: asyncpg.Connection, pool: Pool, rebuilt: Any
) -> None:
    await messy(make_pipeline("coingecko", pages="all"), sandbox, conn)
    await conn.execute("UPDATE unified_crypto SET price_usd = 7")
    work = asyncio.create_task(rebuilt("coingecko"))
    counts = []
    while not work.done():
        counts.append(tuple(await conn.fetchrow("SELECT count(*), min(source_updated_at) FROM unified_crypto")))
        await asyncio.sleep(0.01)
    await work
    assert len(counts) > 5
    assert len(set(counts)) == 1, "no row was away, and none went back in time"


async def test_busy_source_and_damaged_page_change_nothing(
    make_pipeline: MakePipeline, dsn: str, pool: Pool, conn: asyncpg.Connection, rebuilt: Any
) -> None:
    await make_pipeline("coinpaprika").run("manual")
    await conn.execute("UPDATE unified_crypto SET price_usd = 7")
    before = await state(conn)
    async with pool.acquire() as other:
        fence = await leases.acquire(other, "coinpaprika", "somebody")
        with pytest.raises(Busy):
            await rebuilt("coinpaprika")
        await leases.release(other, "coinpaprika", fence)
    await conn.execute("UPDATE raw SET body = replace(body, '1', '2')")
    with pytest.raises(Malformed, match="is not what was received"):
        await rebuilt("coinpaprika")
    paprika = SOURCES["coinpaprika"]
    told = await Rebuild(paprika, paprika.options_type(), dsn, pool, "test").told(None)
    assert "is not what was received" in str(told.row()["error"])
    assert await state(conn) == before
