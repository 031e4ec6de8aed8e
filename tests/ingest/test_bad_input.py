"""Bad input by name, through whole runs: the good records are in, the bad ones are quarantined or the run has failed
with its reason, and the next run is clean. What only one reader has to know is tested beside that reader.
"""

from __future__ import annotations

import asyncio
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from kasparro.domain import Ledger
from kasparro.errors import Malformed, RateLimited, Refused, Timeout
from kasparro.ingest import transport
from kasparro.ingest.pipeline import Pipeline, Summary
from kasparro.sandbox import Sandbox, faults
from kasparro.store.pool import Pool

from .conftest import MakePipeline

GOOD = '{"id": "good", "name": "Good", "current_price": 1.5, "last_updated": "2026-01-01T00:00:00Z"}'
LATEST = "SELECT * FROM unified_crypto ORDER BY coin_id"
REJECTS = "SELECT record, reasons FROM etl_reject ORDER BY reject_id"


def coin(**values: str) -> str:
    """The text of a record, each value as it stands in the JSON."""
    record = {"id": '"bad"', "name": '"Bad"', "current_price": "2.5", **values}
    return "{" + ", ".join(f'"{key}": {text}' for key, text in record.items()) + "}"


def literal(*records: str) -> faults.Literal:
    return faults.Literal(body=f"[{', '.join(records)}]".encode("utf-8", "surrogatepass"))


async def fetch(pool: Pool, query: str) -> list[asyncpg.Record]:
    async with pool.acquire() as conn:
        rows: list[asyncpg.Record] = await conn.fetch(query)
        return rows


@pytest.fixture
def pipeline(make_pipeline: MakePipeline) -> Pipeline:
    return make_pipeline("coingecko", pages=1)


async def run(pipeline: Pipeline, sandbox: Sandbox, fault: faults.Fault) -> Summary:
    """The run that meets the fault, behind which the next one is clean."""
    sandbox.fail("coingecko", fault)
    summary = await pipeline.run("manual")
    sandbox.heal()
    await fetch(pipeline.pool, "UPDATE request_hold SET until = now()")  # a vendor may have asked us to wait
    after = await pipeline.run("manual")
    assert (after.status, after.ledger.rejected, after.ledger.fetched) == ("success", 0, 250)
    return summary


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"id": "[1]"}, "id"),
        ({"id": "null"}, "id"),
        ({"id": "17"}, "id"),
        ({"name": '{"en": "Bad"}'}, "name"),
        ({"current_price": "true"}, "current_price"),
        ({"current_price": '"a lot"'}, "current_price"),
        ({"current_price": "NaN"}, "current_price"),
        ({"current_price": "-Infinity"}, "current_price"),
        ({"current_price": "1e400"}, "current_price"),
        ({"current_price": "-1"}, "current_price"),
        ({"name": r'"N\u0000L"'}, "name"),
        ({"name": r'"half \ud800"'}, "name"),
        ({"name": f'"{"n" * 10_000_000}"'}, "name"),
        ({"current_price": "1" * 10_000_000}, "current_price"),
        ({"last_updated": '"yesterday"'}, "last_updated"),
        ({"last_updated": '"2126-01-01T00:00:00Z"'}, "last_updated"),
        ({"roi": DEEP}, "$"),
        ({"id": DEEP}, "$"),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_bad_record_is_quarantined_with_its_path_and_the_good_one_is_in(
    pipeline: Pipeline, sandbox: Sandbox, pool: Pool, values: dict[str, str], path: str
) -> None:
    summary = await run(pipeline, sandbox, literal(coin(**values), GOOD))
    assert (summary.status, summary.ledger) == ("partial", Ledger(inserted=1, rejected=1))
    (reject,) = await fetch(pool, REJECTS)
    assert [reason["path"] for reason in reject["reasons"]] == [path]
    assert len(reject["record"]) <= 100_000
    assert len(str(reject["reasons"])) < 1000


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"current_price": "1" * 30}, {"price_usd": Decimal("1" * 30)}),
        ({"current_price": "0." + "1" * 30}, {"price_usd": Decimal("0." + "1" * 30)}),
        ({"current_price": '"2.50"'}, {"price_usd": Decimal("2.50")}),
        ({"name": '"StarShip\U0001f680"', "symbol": '"\u20bf"'}, {"name": "StarShip\U0001f680", "symbol": "\u20bf"}),
        ({"image": f'"{"x" * 10_000_000}"'}, {"price_usd": Decimal("2.5")}),
        ({"symbol": '""'}, {"symbol": None}),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_odd_record_arrives_as_it_was_sent(
    pipeline: Pipeline, sandbox: Sandbox, pool: Pool, values: dict[str, str], expected: dict[str, Any]
) -> None:
    sandbox.fail("coingecko", literal(coin(**values)))
    assert (await pipeline.run("manual")).ledger == Ledger(inserted=1)
    (row,) = await fetch(pool, LATEST)
    assert {name: row[name] for name in expected} == expected


async def test_id_that_comes_twice_in_a_page_is_one_coin_the_newest(
    pipeline: Pipeline, sandbox: Sandbox, pool: Pool
) -> None:
    new, old = (coin(last_updated=f'"2026-01-0{day}T00:00:00Z"', current_price=str(day)) for day in (2, 1))
    sandbox.fail("coingecko", literal(new, old, new))
    assert (await pipeline.run("manual")).ledger == Ledger(inserted=1, duplicate=2)
    (row,) = await fetch(pool, LATEST)
    assert row["price_usd"] == 2


async def test_ids_that_differ_in_case_are_two_coins(pipeline: Pipeline, sandbox: Sandbox, pool: Pool) -> None:
    sandbox.fail("coingecko", literal(coin(id='"Bad"'), coin(id='"bad"')))
    assert (await pipeline.run("manual")).ledger == Ledger(inserted=2)
    assert {row["coin_id"] for row in await fetch(pool, LATEST)} == {"Bad", "bad"}


@pytest.mark.parametrize(
    ("fault", "error", "reason"),
    [
        (faults.Empty(), Malformed, "empty list"),
        (faults.Envelope(), RateLimited, "rate limit reached"),
        (faults.Html(), Malformed, "not JSON but text/html"),
        (faults.GzipBomb(megabytes=20), Malformed, "larger than 1 MiB"),
        (faults.SlowDrip(pause=0.2, size=100), Timeout, "no answer within the time-out"),
        (faults.Literal(body=f"[{GOOD}]".encode("utf-16")), Malformed, "not JSON"),
        (faults.Literal(body=DEEP.encode()), Malformed, "none of 1 records could be read"),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_bad_answer_fails_the_run_with_its_reason(
    pipeline: Pipeline,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    fault: faults.Fault,
    error: type[Exception],
    reason: str,
) -> None:
    monkeypatch.setattr(transport, "ATTEMPTS", 1)
    monkeypatch.setattr(transport, "LARGEST", 2**20)
    pipeline.reader.transport.session._timeout = aiohttp.ClientTimeout(total=0.5)  # type: ignore[attr-defined]
    summary = await run(pipeline, sandbox, fault)
    assert (summary.status, type(summary.error)) == ("failed", error)
    assert reason in str(summary.error)


async def test_redirect_takes_no_key_to_another_host(make_pipeline: MakePipeline, sandbox: Sandbox) -> None:
    async with Sandbox(coins=10) as elsewhere:
        to = f"{elsewhere.coingecko_url}/coins/markets?vs_currency=usd"
        sandbox.fail("coingecko", faults.Redirect(to, status=307))
        summary = await make_pipeline("coingecko", api_key="CG-sandbox-demo-key").run("manual")
        assert type(summary.error) is Refused
        assert "not followed" in str(summary.error)
        assert elsewhere.calls == []
    assert sandbox.calls[0].headers["x-cg-demo-api-key"] == "CG-sandbox-demo-key"


# Recorded at the vendors, and looks wrong: flagged perhaps, rejected never.
ODDITIES = {
    "absurd change": {"price_change_percentage_24h": "95544135.0"},
    "absurd market cap": {"market_cap": "3330000000000", "market_cap_rank": "1", "total_volume": "5.4"},
    "price above its own high": {"current_price": "9", "low_24h": "1", "high_24h": "2"},
    "more coins than there are": {"circulating_supply": "11", "total_supply": "10", "max_supply": "9"},
    "largest integer of 64 bits": {"max_supply": "9223372036854775807"},
    "above 2^53": {"total_supply": "1.01101101e+16", "circulating_supply": "980000000000000001"},
    "smallest price": {"current_price": "3.84e-18"},
    "no rank": {"market_cap_rank": "null"},
    "rank of others": {"market_cap_rank": "9"},
    "the same rank": {"market_cap_rank": "9"},
    "no price": {"current_price": "null"},
    "no time": {"last_updated": "null"},
    "no figures": dict.fromkeys(("high_24h", "low_24h", "price_change_percentage_24h", "total_volume"), "null"),
    "high only once": {"ath": "null", "ath_change_percentage": "0", "ath_date": "null"},
    "nothing traded": {"total_volume": "0"},
    "integral float": {"max_supply": "21000000.0"},
    "supply in quotes": {"circulating_supply": '"17492537.0"'},
    "invisible letters": {"name": r'"\u200b\u200bStable"'},
    "emoji": {"name": '"StarShip\U0001f680"'},
    "sign": {"name": '"\u20bf"', "id": '"-2"'},
    "Chinese": {"name": '"\u5e01\u5b89\u4eba\u751f"'},
    "no symbol": {"symbol": '""'},
    "blank in the id": {"id": '"1move token"'},
    "brackets in the id": {"id": '"boringdao-[old]"'},
    "long symbol": {"symbol": '"realtoken-s-272-n.e.-42nd-court-deerfield-beach-fl"'},
    "escapes": {"name": r'"A\u0026B"'},
    "blanks around": {"name": '"DinoSwap "'},
    "same symbol": {"symbol": '"pepe"'},
    "same symbol again": {"symbol": '"pepe"'},
    "very old": {"last_updated": '"2019-01-01T00:00:00Z"'},
}


async def test_everything_that_looks_wrong_and_is_real_arrives(
    pipeline: Pipeline, sandbox: Sandbox, pool: Pool
) -> None:
    records = [coin(**{"id": json.dumps(name), **values}) for name, values in ODDITIES.items()]
    sandbox.fail("coingecko", literal(*records))
    summary = await pipeline.run("manual")
    assert (summary.status, summary.ledger) == ("success", Ledger(inserted=len(ODDITIES)))
    rows = {row["coin_id"]: row for row in await fetch(pool, LATEST)}
    assert str(rows["absurd change"]["price_change_24h_percent"]) == "95544135.0"
    assert rows["largest integer of 64 bits"]["max_supply"] == 2**63 - 1
    assert rows["above 2^53"]["circulating_supply"] == 980000000000000001
    assert rows["smallest price"]["price_usd"] == Decimal("3.84e-18")
    assert rows["no price"]["price_usd"] is rows["no rank"]["rank"] is rows["no time"]["source_updated_at"] is None
    assert rows["supply in quotes"]["circulating_supply"] == Decimal("17492537.0")
    assert rows["nothing traded"]["volume_24h_usd"] == 0
    assert rows["invisible letters"]["name"] == "\u200b\u200bStable"
    assert rows["escapes"]["name"] == "A&B"
    assert rows["no symbol"]["symbol"] is None


async def test_oddities_of_coinpaprika_arrive(make_pipeline: MakePipeline, sandbox: Sandbox, pool: Pool) -> None:
    quote = '{"price": 3.84e-18, "volume_24h": 0, "market_cap": 0, "percent_change_24h": 2.26e18, "ath_price": null}'
    records = [
        f'{{"id": "{name}", "name": "Dino ", "symbol": "D", "rank": 9, "total_supply": 0, "max_supply": '
        f'9223372036854775807, "last_updated": "", "quotes": {{"USD": {quote}}}}}'
        for name in ("-dogeinu", "jdst-direxion-daily-junior-gold-miners-index-bear-3x-shares")
    ]
    sandbox.fail("coinpaprika", literal(*records))
    assert (await make_pipeline("coinpaprika").run("manual")).ledger == Ledger(inserted=2)
    for row in await fetch(pool, LATEST):
        assert (row["price_usd"], row["volume_24h_usd"], row["max_supply"]) == (Decimal("3.84e-18"), 0, 2**63 - 1)
        assert row["price_change_24h_percent"] == Decimal("2.26e18")
        assert (row["market_cap_usd"], row["total_supply"], row["name"]) == (None, None, "Dino")


HEADER = "coin_id,name,symbol,price,market_cap,volume\n"
ROW = "good,Good,G,1.5,10,1\n"


@pytest.mark.parametrize(
    ("content", "ledger"),
    [
        ((HEADER + ROW).encode("utf-8-sig"), Ledger(inserted=1)),
        ((HEADER + ROW).encode("utf-16"), Ledger(inserted=1)),
        ((HEADER + ROW).replace(",", ";").encode(), Ledger(inserted=1)),
        ((HEADER + ROW + "short,Short\n").encode(), Ledger(inserted=2)),
        ((HEADER + ROW + "long,Long,L,1,2,3,4,5\n").encode(), Ledger(inserted=1, rejected=1)),
        ((HEADER + ROW + "blank,Blank,,,,\n\n\n").encode(), Ledger(inserted=2)),
        ((HEADER + ROW + ",Nobody,N,1,,\n").encode(), Ledger(inserted=1, rejected=1)),
        ((HEADER + ROW + 'open,"Open,O,1,,\n' + ROW).encode(), Ledger(inserted=1, rejected=1)),
        ((HEADER + ROW + "bad,Bad,B,a lot,,\n").encode(), Ledger(inserted=1, rejected=1)),
        ((HEADER + ROW + f"bad,Bad,B,{'9' * 200},,\n").encode(), Ledger(inserted=1, rejected=1)),
        ((HEADER + ROW + "nul,\0,N,1,,\n").encode(), Ledger(inserted=1, rejected=1)),
        ((HEADER + ROW).encode() + b"caf\xe9,C,C,1,,\n", Ledger(inserted=1, rejected=1)),
        ((HEADER + ROW + "digits,D,D," + "1" * 30 + ",,\n").encode(), Ledger(inserted=2)),
        ((HEADER + ROW + "emoji,\U0001f680,E,1,,\n").encode(), Ledger(inserted=2)),
    ],
    ids=lambda value: str(value)[-60:],
)
async def test_csv_good_rows_are_in_and_bad_ones_quarantined(
    make_pipeline: MakePipeline, pool: Pool, tmp_path: Path, content: bytes, ledger: Ledger
) -> None:
    file = tmp_path / "coins.csv"
    file.write_bytes(content)
    os.utime(file, (1, 1))  # long ago: nobody writes to it any more
    pipeline = make_pipeline("csv", path=str(tmp_path))
    summary = await pipeline.run("manual")
    assert (summary.status, summary.ledger) == ("partial" if ledger.rejected else "success", ledger)
    assert all("line " in reject["reasons"][0]["path"] for reject in await fetch(pool, REJECTS))
    assert (await pipeline.run("manual")).ledger == Ledger()
    file.write_text(HEADER + "next,Next,N,1,,\n")
    assert (await pipeline.run("manual")).ledger == Ledger(inserted=1)


async def test_csv_that_is_no_file_stops_no_other(make_pipeline: MakePipeline, pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    os.mkfifo(tmp_path / "b.csv")
    (tmp_path / "c.csv").symlink_to("nowhere")
    (tmp_path / "d.csv").write_text(HEADER + ROW)
    pipeline = make_pipeline("csv", path=str(tmp_path))
    async with asyncio.timeout(10):
        summary = await pipeline.run("manual")
    assert (summary.status, summary.ledger) == ("partial", Ledger(inserted=1, rejected=3))
    assert {reject["record"] for reject in await fetch(pool, REJECTS)} == {"a.csv", "b.csv", "c.csv"}
    assert (await pipeline.run("manual")).ledger == Ledger()


async def test_csv_that_may_not_be_read_fails_the_run_and_is_read_once_it_may(
    make_pipeline: MakePipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "coins.csv").write_text(HEADER + ROW)
    pipeline = make_pipeline("csv", path=str(tmp_path))

    def forbidden(*args: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", forbidden)  # the tests may run as root, whom no mode of a file stops
        summary = await pipeline.run("manual")
    assert (summary.status, summary.ledger) == ("failed", Ledger(rejected=1))
    assert (await pipeline.run("manual")).ledger == Ledger(inserted=1)


async def test_csv_replaced_while_it_is_read_is_read_again_as_the_new_one(
    make_pipeline: MakePipeline, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kasparro.sources.csv_text.PAGE_RECORDS", 10)
    file = tmp_path / "coins.csv"
    file.write_text(HEADER + "".join(f"old-{n},Old {n},O,1,,\n" for n in range(50)))
    pipeline = make_pipeline("csv", path=str(tmp_path))

    def replace(summary: Summary) -> None:
        if summary.pages == 1:
            (tmp_path / "new").write_text(HEADER + ROW)
            (tmp_path / "new").replace(file)

    pipeline.watch = replace
    assert (await pipeline.run("manual")).ledger == Ledger(inserted=50)
    assert (await pipeline.run("manual")).ledger == Ledger(inserted=1)
    assert len(await fetch(pool, LATEST)) == 51
