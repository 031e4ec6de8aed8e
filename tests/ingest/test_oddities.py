"""What looks wrong and is real, every value as a vendor sent it: it arrives as it is, flagged, and is no reject."""

from __future__ import annotations

import json
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from kasparro.sandbox import Sandbox, faults
from kasparro.store.pool import Pool

from .conftest import MakePipeline
from .test_rebuild import page

UPDATED = "2026-03-01T00:00:00.000Z"
# What one record of CoinGecko says, what becomes of it where that is something else, and what it is flagged with.
GECKO: list[tuple[str, dict[str, str], list[str]]] = [
    ('"current_price": 1.01, "low_24h": 1.02, "high_24h": 1.03', {}, ["price_outside_range"]),
    ('"current_price": 1.04, "low_24h": 1.02, "high_24h": 1.03', {}, ["price_outside_range"]),
    ('"current_price": 1.03, "low_24h": 1.02, "high_24h": 1.03', {}, []),
    ('"price_change_percentage_24h": 95544135', {}, ["extreme_change"]),
    ('"price_change_percentage_24h": -100', {}, []),
    ('"circulating_supply": 21000001.0, "total_supply": 21000000.0', {}, ["circulating_above_total"]),
    ('"total_supply": 1.01101101e+16, "max_supply": 21000000', {}, ["total_above_max"]),
    ('"max_supply": 9223372036854775807', {}, ["placeholder_max_supply"]),
    ('"market_cap_rank": 1, "market_cap": 3330000000000, "total_volume": 5.4', {}, ["cap_without_trade"]),
    ('"market_cap_rank": null, "market_cap": 20500000000000, "total_volume": null', {}, []),
    ('"current_price": 2, "circulating_supply": 100, "market_cap": 250', {}, ["cap_unlike_supply"]),
    ('"current_price": 2, "circulating_supply": 100, "market_cap": 210', {}, []),
    ('"current_price": 3.84e-18', {}, []),
    ('"current_price": null, "market_cap": null, "high_24h": null, "low_24h": null, "last_updated": null', {}, []),
    ('"ath": null, "ath_change_percentage": 0, "ath_date": null', {}, []),
    ('"market_cap_rank": 9', {}, []),
    ('"market_cap_rank": 9', {}, []),
    ('"total_volume": 0', {}, []),
    ('"circulating_supply": "17492537.0"', {}, []),
    ('"name": "\\u200b\\u200bStable"', {}, []),
    ('"name": "StarShip🚀", "symbol": ""', {"symbol": "null"}, []),
    ('"name": "DinoSwap ", "symbol": "kpk eth prime"', {"name": '"DinoSwap"'}, []),
    ('"symbol": "realtoken-s-272-n.e.-42nd-court-deerfield-beach-fl"', {}, []),
]
IDS = ["-2", "1move token", "boringdao-[old]", "-dogeinu", *(f"coin-{n}" for n in range(len(GECKO) - 4))]
FIELDS = {
    "name": "name", "symbol": "symbol", "rank": "market_cap_rank", "price_usd": "current_price",
    "market_cap_usd": "market_cap", "volume_24h_usd": "total_volume", "high_usd": "high_24h", "low_usd": "low_24h",
    "price_change_24h_percent": "price_change_percentage_24h", "circulating_supply": "circulating_supply",
    "total_supply": "total_supply", "max_supply": "max_supply", "ath_usd": "ath", "ath_at": "ath_date",
    "source_updated_at": "last_updated",
}  # fmt: skip


async def rows(pool: Pool) -> dict[str, dict[str, Any]]:
    async with pool.acquire() as conn:
        found = await conn.fetch("SELECT *, oddities(unified_crypto) FROM unified_crypto")
    return {row["coin_id"]: dict(row) for row in found}


async def test_whatever_coingecko_sends_arrives_as_it_is_and_flagged(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    records = [
        f'{{"id": "{coin_id}", "name": "N", "last_updated": "{UPDATED}", {said}}}'
        for coin_id, (said, _, _) in zip(IDS, GECKO, strict=True)
    ]
    sandbox.fail("coingecko", faults.Literal(200, {}, f"[{','.join(records)}]".encode()))
    summary = await make_pipeline("coingecko", pages=1).run("manual")
    assert (summary.status, summary.ledger.inserted) == ("success", len(GECKO))
    found = await rows(pool)
    for coin_id, record, (said, changed, flags) in zip(IDS, records, GECKO, strict=True):
        row, sent = found[coin_id], json.loads(record, parse_float=Decimal, parse_int=Decimal)
        assert row["oddities"] == flags, said
        for ours, theirs in FIELDS.items():
            if theirs in json.loads(f"{{{said}}}") and ours != "source_updated_at":
                expected = json.loads(changed[ours]) if ours in changed else sent[theirs]
                assert _same(row[ours], expected), said
    undated = found[IDS[13]]
    assert (undated["source_updated_at"], undated["observed_at"]) == (None, undated["fetched_at"])


def _same(kept: Any, sent: Any) -> bool:
    return kept == sent if kept is None or isinstance(kept, str) else Decimal(kept) == Decimal(sent)


async def test_zero_of_coinpaprika_is_unknown_for_supplies_and_caps_and_a_volume_of_none(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    quote = {"price": 0, "volume_24h": 0, "market_cap": 0, "percent_change_24h": 1.7e15, "percent_change_1y": 2.26e18}
    record = {
        "id": "geo-geocoin", "name": "GeoCoin", "symbol": "GEO", "rank": 1, "circulating_supply": 0, "total_supply": 0,
        "max_supply": 0, "last_updated": "2021-08-12T00:00:00Z", "quotes": {"USD": quote},
    }  # fmt: skip
    sandbox.fail("coinpaprika", faults.Literal(200, {}, json.dumps([record]).encode()))
    assert (await make_pipeline("coinpaprika").run("manual")).status == "success"
    row = (await rows(pool))["geo-geocoin"]
    unknown = ("circulating_supply", "total_supply", "max_supply", "market_cap_usd")
    assert [row[field] for field in unknown] == [None] * 4
    assert (row["price_usd"], row["volume_24h_usd"], row["price_change_24h_percent"]) == (0, 0, 17 * 10**14)
    assert row["oddities"] == ["extreme_change"]


@pytest.mark.parametrize("seed", range(3))
async def test_watermark_of_a_coin_never_moves_back(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox, seed: int
) -> None:
    random, marks, stale = Random(seed), dict[str, Any](), 0  # noqa: S311 - a test
    pipeline = make_pipeline("coingecko", pages=1)
    for _ in range(12):
        sandbox.fail("coingecko", page(random))
        stale += (await pipeline.run("manual")).ledger.stale
        now = {coin_id: row["source_updated_at"] for coin_id, row in (await rows(pool)).items()}
        assert all(now[coin_id] >= mark for coin_id, mark in marks.items()), (marks, now)
        marks = {coin_id: mark for coin_id, mark in now.items() if mark}
    assert stale > 0
