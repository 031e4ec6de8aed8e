"""Quarantined records come back once the mapping is mended, and take nothing from what came later."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import AliasPath, Field

from kasparro.errors import Busy
from kasparro.ingest import replay
from kasparro.ingest.replay import Replay, applied, replay_requested, tried
from kasparro.sandbox import Sandbox, faults
from kasparro.sources import SOURCES, csv_cells, csv_layout
from kasparro.sources.coinpaprika import CoinPaprika, CoinPaprikaTicker
from kasparro.sources.records import Amount
from kasparro.store import leases, rejects
from kasparro.store.pool import Connection, Pool
from kasparro.store.rejects import Choice

from .conftest import MakePipeline

EVERYTHING = Choice()
COST = faults.Drift(rename={"quotes.USD.price": "cost"})


class Mended(CoinPaprika):
    """CoinPaprika as it is declared once somebody has seen that its price is called a cost."""

    class Record(CoinPaprikaTicker):
        price_usd: Amount | None = Field(validation_alias=AliasPath("quotes", "USD", "cost"))

    record_type: ClassVar[Any] = Record


async def test_mended_mapping_brings_what_was_rejected(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox, fetch: Any
) -> None:
    sandbox.fail("coinpaprika", COST)
    await make_pipeline("coinpaprika").run("manual")
    sandbox.tick()
    await make_pipeline("coinpaprika").run("manual")
    latest = await fetch("SELECT * FROM unified_crypto ORDER BY coin_id")
    ticks = await fetch("SELECT count(*) AS n FROM price_history")
    assert await Replay(CoinPaprika(), pool, "test").run(EVERYTHING) == {"rejected": 700}
    assert await Replay(Mended(), pool, "test").run(EVERYTHING) == {"stale": 700}
    assert await fetch("SELECT * FROM unified_crypto ORDER BY coin_id") == latest
    old = await fetch(
        "SELECT h.fetched_at = r.fetched_at AND h.run_id = r.run_id AS is_pointed FROM price_history h "
        "JOIN raw r USING (raw_id) WHERE r.run_id = (SELECT min(run_id) FROM etl_run)"
    )
    assert 0 < len(old) < 700, "a coin that did not move has its tick already"
    assert all(row["is_pointed"] for row in old)
    assert (await fetch("SELECT count(*) AS n FROM price_history"))[0]["n"] == ticks[0]["n"] + len(old)
    closed = await fetch("SELECT outcome, replayed_at FROM etl_reject")
    assert {row["outcome"] for row in closed} == {"stale"}
    assert await Replay(Mended(), pool, "test").run(EVERYTHING) == {}


async def test_coin_that_came_never_again_is_inserted_with_its_origin(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox, fetch: Any
) -> None:
    sandbox.fail("coinpaprika", COST)
    await make_pipeline("coinpaprika").run("manual")
    assert await Replay(Mended(), pool, "test").run(EVERYTHING) == {"inserted": 700}
    rows = await fetch(
        "SELECT u.raw_position, u.fetched_at = r.fetched_at AND u.run_id = r.run_id AS is_pointed, "
        "r.body::jsonb -> u.raw_position ->> 'id' = u.coin_id AS is_placed "
        "FROM unified_crypto u JOIN raw r USING (source, raw_id)"
    )
    assert len(rows) == 700
    assert all(row["is_pointed"] and row["is_placed"] for row in rows)


async def test_dry_run_tells_the_same_and_changes_nothing(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox, fetch: Any
) -> None:
    sandbox.fail("coinpaprika", COST)
    await make_pipeline("coinpaprika").run("manual")
    before = await fetch("SELECT * FROM etl_reject ORDER BY 1")
    assert await Replay(Mended(), pool, "test", unit=tried).run(EVERYTHING) == {"inserted": 700}
    assert await Replay(CoinPaprika(), pool, "test", unit=tried).run(EVERYTHING) == {"rejected": 700}
    assert await fetch("SELECT * FROM etl_reject ORDER BY 1") == before
    assert await fetch("SELECT 1 FROM unified_crypto UNION ALL SELECT 1 FROM price_history") == []


async def test_replay_killed_at_any_transaction_is_finished_by_the_next(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox, fetch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "_BATCH", 150)
    sandbox.fail("coinpaprika", COST)
    await make_pipeline("coinpaprika").run("manual")
    done = 0
    for kill in (_before, _within):
        with pytest.raises(ZeroDivisionError):
            await Replay(Mended(), pool, "test", unit=kill()).run(EVERYTHING)
        done += 150
        (open_,) = await fetch("SELECT count(*) AS n FROM etl_reject WHERE replayed_at IS NULL")
        assert open_["n"] == 700 - done == 700 - (await fetch("SELECT count(*) AS n FROM unified_crypto"))[0]["n"]
    assert await Replay(Mended(), pool, "test").run(EVERYTHING) == {"inserted": 400}


def _before() -> Any:
    """A unit of work that is killed before its second time."""
    times = iter([1, 0])

    @asynccontextmanager
    async def unit(conn: Connection) -> AsyncIterator[None]:
        _ = 1 / next(times)
        async with applied(conn):
            yield

    return unit


def _within() -> Any:
    """A unit of work that is killed at the end of its second time, before the commit."""
    times = iter([1, 0])

    @asynccontextmanager
    async def unit(conn: Connection) -> AsyncIterator[None]:
        async with applied(conn):
            yield
            _ = 1 / next(times)

    return unit


async def test_chosen_records_alone_are_replayed(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox, fetch: Any
) -> None:
    for _ in range(2):
        sandbox.fail("coinpaprika", COST)
        await make_pipeline("coinpaprika").run("manual")
    rows = await fetch("SELECT reject_id, run_id FROM etl_reject ORDER BY 1")
    three = [row["reject_id"] for row in rows[:3]]
    assert await Replay(Mended(), pool, "test").run(Choice(reject_ids=three)) == {"inserted": 3}
    assert await Replay(Mended(), pool, "test").run(Choice(run_id=rows[0]["run_id"])) == {"inserted": 697}
    assert await Replay(Mended(), pool, "test").run(Choice(run_id=rows[-1]["run_id"])) == {"unchanged": 700}


async def test_busy_source_is_not_replayed(pool: Pool) -> None:
    async with pool.acquire() as conn:
        await leases.acquire(conn, "coinpaprika", "somebody")
        with pytest.raises(Busy):
            await Replay(CoinPaprika(), pool, "test").run(EVERYTHING)
        result = await Replay(CoinPaprika(), pool, "test").told(EVERYTHING)
    assert "somebody" in str(result.row()["error"])


async def test_time_that_was_yet_to_come_stays_wrong_when_it_is_past(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox, fetch: Any
) -> None:
    sandbox.fail("coinpaprika", COST)
    await make_pipeline("coinpaprika").run("manual")
    await fetch("UPDATE etl_reject SET fetched_at = now() - interval '1 day'")
    counts = await Replay(Mended(), pool, "test").run(EVERYTHING)
    rows = await fetch("SELECT reasons FROM etl_reject WHERE replayed_at IS NULL")
    assert {(row["reasons"][0]["path"], row["reasons"][0]["message"]) for row in rows} == {
        ("last_updated", "later than now")
    }
    assert counts["rejected"] > 600


async def test_record_that_was_cut_is_left_to_the_rebuild(pool: Pool, fetch: Any) -> None:
    await fetch(
        "INSERT INTO etl_reject (source, run_id, raw_id, position, record, reasons) "
        "VALUES ('coinpaprika', 1, 1, 0, repeat('x', 100000), '[{}]'), ('coinpaprika', 1, 1, 1, '{\"id\"', '[{}]')"
    )
    assert await Replay(CoinPaprika(), pool, "test").run(EVERYTHING) == {"rejected": 2}
    cut, broken = await fetch("SELECT reasons #>> '{0,message}' AS message FROM etl_reject ORDER BY position")
    assert "rebuild" in cut["message"]
    assert "JSON" in broken["message"]


async def test_row_of_a_file_is_read_from_its_page(
    make_pipeline: MakePipeline, pool: Pool, fetch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "coins.csv").write_text(
        'date;name;price\n24/12/2017;"Bit\ncoin";1,5\n01/02/2018;Ether;one\n02/02/2018;Ether;2,5\n03/02/2018;Ether;two'
    )
    monkeypatch.setattr("kasparro.ingest.file_text.SETTLED", 0)
    pipeline = make_pipeline("csv", path=str(tmp_path))
    assert (await pipeline.run("manual")).ledger.rejected == 2
    monkeypatch.setattr(csv_cells, "_MISSING", csv_cells._MISSING | {"one"})
    assert await Replay(SOURCES["csv"], pool, "test").run(EVERYTHING) == {"unchanged": 1, "rejected": 1}
    (still,) = await fetch("SELECT reasons FROM etl_reject WHERE replayed_at IS NULL")
    assert still["reasons"][0] == {"path": "line 6: price", "message": "not a number", "value": "two"}
    monkeypatch.setattr(csv_cells, "_NUMBER", lambda bare: True)
    monkeypatch.setattr(csv_cells, "_with_decimal_comma", lambda cell: {"two": "2"}.get(cell, cell))
    await Replay(SOURCES["csv"], pool, "test").run(EVERYTHING)
    ticks = await fetch("SELECT coin_id, observed_at::date, price_usd, raw_position FROM price_history ORDER BY 2")
    assert [tuple(map(str, row)) for row in ticks] == [
        ("bit-coin", "2017-12-24", "1.5", "0"),
        ("ether", "2018-02-02", "2.5", "2"),
        ("ether", "2018-02-03", "2", "3"),
    ]
    (latest,) = await fetch("SELECT price_usd, raw_position FROM unified_crypto WHERE coin_id = 'ether'")
    assert tuple(latest) == (2, 3)


async def test_name_stands_for_the_coin_that_had_it_first_in_its_file(
    make_pipeline: MakePipeline, pool: Pool, fetch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kasparro.sources.csv_text.PAGE_RECORDS", 2)
    (tmp_path / "coins.csv").write_text("name,symbol,price\nBitcoin,BTC,1\nEther,ETH,2\nBitcoin,XBT,3\nX,X,4\n")
    await make_pipeline("csv", path=str(tmp_path)).run("manual")
    assert await Replay(SOURCES["csv"], pool, "test").run(EVERYTHING) == {"rejected": 1}
    (row,) = await fetch("SELECT reasons #>> '{0,message}' AS message FROM etl_reject")
    assert row["message"].startswith("another coin of this name has the symbol BTC")


async def test_row_whose_page_is_gone_stays_open(
    make_pipeline: MakePipeline, pool: Pool, fetch: Any, tmp_path: Path
) -> None:
    (tmp_path / "coins.csv").write_text("name,price\nBitcoin,one\nEther,2\n")
    await make_pipeline("csv", path=str(tmp_path)).run("manual")
    for change, reason in ("UPDATE raw SET reading = '{}'", "from before"), ("DELETE FROM raw", "RAW_RETENTION_DAYS"):
        await fetch(change)
        assert await Replay(SOURCES["csv"], pool, "test").run(EVERYTHING) == {"rejected": 1}
        (row,) = await fetch("SELECT reasons #>> '{0,message}' AS message FROM etl_reject WHERE replayed_at IS NULL")
        assert reason in row["message"]


async def test_refused_file_is_read_again_by_the_next_cycle(
    make_pipeline: MakePipeline, pool: Pool, fetch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "coins.csv").write_text("name,preis\nBitcoin,1\n")
    pipeline = make_pipeline("csv", path=str(tmp_path))
    assert (await pipeline.run("manual")).ledger.rejected == 1
    monkeypatch.setitem(csv_layout._FIELDS, "price_usd", ("amount", ["preis"]))
    assert (await pipeline.run("manual")).pages == 0
    assert await Replay(SOURCES["csv"], pool, "test").run(EVERYTHING) == {"reread": 1}
    assert (await pipeline.run("manual")).ledger.inserted == 1


async def test_service_replays_what_was_asked_for_and_nothing_else(
    make_pipeline: MakePipeline, pool: Pool, fetch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "coins.csv").write_text("name,price\nBitcoin,one\nEther,one\n")
    await make_pipeline("csv", path=str(tmp_path)).run("manual")
    (first, _) = await fetch("SELECT reject_id FROM etl_reject ORDER BY 1")
    monkeypatch.setattr(csv_cells, "_MISSING", csv_cells._MISSING | {"one"})
    await replay_requested(pool, "test", 365)
    async with pool.acquire() as conn:
        ask = {"source": None, "run_id": None}
        assert await rejects.request(conn, **ask, reject_ids=[first["reject_id"]]) == 1
        await leases.acquire(conn, "csv", "somebody")
        await replay_requested(pool, "test", 365)
        assert await rejects.requested(conn) == ["csv"], "a busy source is left to the next time"
    await fetch("UPDATE source_lease SET expires_at = '-infinity'")
    await replay_requested(pool, "test", 365)
    rows = await fetch("SELECT outcome, requested_at FROM etl_reject ORDER BY reject_id")
    assert [tuple(row) for row in rows] == [("inserted", None), (None, None)]


def quoting(key: str, price: int, **coins: str | None) -> faults.Literal:
    records = [
        {"id": coin, "name": coin, "quotes": {"USD": {key: price}}, "last_updated": updated}
        for coin, updated in coins.items()
    ]
    return faults.Literal(200, {}, json.dumps(records).encode())


async def test_late_record_corrects_nothing_that_came_after_it(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox, fetch: Any
) -> None:
    zero, one = "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"
    for answer in (
        quoting("cost", 1, same=zero, older=zero, newer=one, undated=None),
        quoting("price", 2, same=zero, older=one, newer=zero, undated=None),
    ):
        sandbox.fail("coinpaprika", answer)
        await make_pipeline("coinpaprika").run("manual")
    assert await Replay(Mended(), pool, "test").run(EVERYTHING) == {"stale": 3, "updated": 1}
    latest = await fetch("SELECT coin_id, price_usd FROM unified_crypto ORDER BY 1")
    assert dict(map(tuple, latest)) == {"same": 2, "older": 2, "newer": 1, "undated": 2}
    ticks = await fetch("SELECT coin_id, array_agg(price_usd ORDER BY observed_at) FROM price_history GROUP BY 1")
    assert dict(map(tuple, ticks)) == {"same": [2], "older": [1, 2], "newer": [2, 1], "undated": [1, 2]}
