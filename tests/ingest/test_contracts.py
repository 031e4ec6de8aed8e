"""Contracts are asked for once a day by one process, paid for, and the strongest evidence there is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kasparro.domain import Request, Response
from kasparro.identity.listing import Contract
from kasparro.ingest.assets import resolve
from kasparro.ingest.contracts import Collector
from kasparro.ingest.reader import ApiReader
from kasparro.metrics import Metrics
from kasparro.sandbox import Sandbox, faults
from kasparro.sources import SOURCES
from kasparro.sources.base import ApiSource
from kasparro.store import quotas
from kasparro.store.pool import Pool

USDC = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"


@pytest.fixture
def collector(make_pipeline: Any, pool: Pool) -> Any:
    def make(source: str, **options: Any) -> Collector:
        reader = make_pipeline(source, **options).reader
        assert isinstance(reader, ApiReader)
        return Collector(reader, pool, Metrics())

    return make


def read(source: str, path: str, body: str) -> list[Contract]:
    declared = SOURCES[source]
    assert isinstance(declared, ApiSource)
    return list(declared.contracts(Request(path), Response(200, {}, body.encode(), "", None)))  # type: ignore[arg-type]


def test_both_vendors_name_a_contract_alike() -> None:
    gecko = read(
        "coingecko",
        "/coins/list",
        f'[{{"id": "usd-coin", "symbol": "usdc", "name": "USDC", "platforms": {{"ethereum": "{USDC}", "near": "", '
        '"solana": "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", "aptos": "0x1::coin::T"}}, '
        '{"id": "bitcoin", "platforms": {}}, {"id": null, "platforms": {"ethereum": "x"}}, {"id": "x"}, 7]',
    )
    paprika = read(
        "coinpaprika",
        "/contracts/eth-ethereum",
        f'[{{"id": "usdc-usd-coin", "address": "{USDC.lower()}", "type": "ERC20"}}, {{"id": "x", "address": null}}]',
    )
    assert gecko == [
        ("usd-coin", "ethereum", USDC.lower()),
        ("usd-coin", "solana", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"),
    ]
    assert paprika == [("usdc-usd-coin", "ethereum", USDC.lower())]


async def test_contracts_link_what_words_do_not(make_pipeline: Any, pool: Pool, collector: Any) -> None:
    await make_pipeline("coinpaprika").run("manual")
    await make_pipeline("coingecko", pages="all").run("manual")
    async with pool.acquire() as conn:
        await conn.execute("UPDATE unified_crypto SET name = 'Renamed', symbol = 'REN' "
                           "WHERE source = 'coingecko' AND coin_id = 'sim-coin-00042'")  # fmt: skip
        await resolve(conn)
        assert await conn.fetchval("SELECT sources FROM asset WHERE name = 'Renamed'") == 1
        for source in "coinpaprika", "coingecko":
            assert await collector(source).once()
        await resolve(conn, everything=True)
        assert await conn.fetchval("SELECT sources FROM asset WHERE name = 'Renamed'") == 2
        evidence = await conn.fetchval("SELECT evidence FROM asset_source WHERE method = 'contract' LIMIT 1")
        assert evidence["contracts"][0].startswith("ethereum:0x")


async def test_contracts_in_a_file_link_what_words_do_not(make_pipeline: Any, pool: Pool, tmp_path: Any) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(f"coin_id,name,symbol,price,contract_address,chain\nmy-usdc,Circle Dollar,XUSD,1,{USDC},eth\n")
    files = make_pipeline("csv", path=str(tmp_path))
    async with pool.acquire() as conn:
        await conn.execute(
            "INSERT INTO coin_contract VALUES ('coingecko', 'sim-coin-00042', 'ethereum', lower($1))", USDC
        )
        await conn.execute("INSERT INTO coin_contract VALUES ('csv', 'my-usdc', 'ethereum', '0xold')")
        await make_pipeline("coingecko", pages="all").run("manual")
        await conn.execute(
            "UPDATE unified_crypto SET symbol = 'xusd', price_usd = 1.001 WHERE coin_id = 'sim-coin-00042'"
        )
        await files.run("manual")
        kept = await conn.fetch("SELECT chain, address FROM coin_contract WHERE source = 'csv'")
        assert [tuple(row) for row in kept] == [("ethereum", USDC.lower())]
        await resolve(conn)
        placed = await conn.fetchrow("SELECT method, evidence FROM asset_source WHERE coin_id = 'my-usdc'")
        assert (placed["method"], placed["evidence"]["coin_id"]) == ("contract", "sim-coin-00042")
        assert placed["evidence"]["contracts"] == [f"ethereum:{USDC.lower()}"]


async def test_one_process_asks_once_a_day(pool: Pool, collector: Any, sandbox: Sandbox) -> None:
    assert sorted(await asyncio.gather(*(collector("coingecko").once() for _ in range(3)))) == [False, False, True]
    assert not await collector("coingecko").once()
    async with pool.acquire() as conn:
        await conn.execute("UPDATE contract_check SET due_at = now()")
        assert not await collector("coingecko").once()  # asked, and nothing is new
        standing = await quotas.standing(conn, collector("coingecko").reader.account)
    assert standing.used == 2


async def test_what_is_gone_goes(pool: Pool, collector: Any, sandbox: Sandbox) -> None:
    await collector("coingecko").once()
    async with pool.acquire() as conn:
        before = await conn.fetchval("SELECT count(*) FROM coin_contract")
        await conn.execute("UPDATE contract_check SET due_at = now()")
        sandbox.fail(
            "coingecko", faults.Literal(200, {}, b'[{"id": "x", "platforms": {"tron": "TR7NHqjeKQxGTCi8q8ZY4"}}]')
        )
        assert await collector("coingecko").once()
        assert before > 500
        assert await conn.fetchval("SELECT count(*) FROM coin_contract") == 1


@pytest.mark.parametrize(
    ("fault", "hours"),
    [(faults.Literal(503, {}, b"{}"), 1), (faults.PaymentRequired(), 24), (faults.Literal(200, {}, b"<html>"), 24)],
)
async def test_refusal_costs_the_prices_nothing(
    pool: Pool, collector: Any, sandbox: Sandbox, no_waiting: list[float], fault: Any, hours: int
) -> None:
    sandbox.fail("coinpaprika", fault, times=None)
    asking = collector("coinpaprika")
    assert not await asking.once()
    async with pool.acquire() as conn:
        due = await conn.fetchval("SELECT extract(epoch FROM due_at - now()) / 3600 FROM contract_check")
        assert float(due) == pytest.approx(hours, abs=0.1)
        assert await quotas.held(conn, asking.reader.account) is None


async def test_chain_that_a_vendor_knows_no_longer_costs_only_itself(
    collector: Any, sandbox: Sandbox, pool: Pool
) -> None:
    sandbox.fail(
        "coinpaprika", faults.Literal(404, {}, b'{"error":"id not found"}'), on=lambda call: "tron" in call.path
    )
    assert await collector("coinpaprika").once()
