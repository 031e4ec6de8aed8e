"""The census: counted by one process, shown by all, and the same as what `/assets` says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kasparro.ingest import census
from kasparro.ingest.assets import resolve
from kasparro.metrics import Metrics
from kasparro.store import census as store
from kasparro.store.pool import Pool

PREPARED = (
    """
    INSERT INTO unified_crypto (
        source, coin_id, name, symbol, price_usd, observed_at, fetched_at, run_id, raw_id, raw_position
    )
    SELECT 'coingecko', coin_id, name, symbol, price_usd * length(symbol), now(), now(), 1, 1, 0
    FROM unified_crypto WHERE coin_id IN ('a', 'b')
    """,
    "INSERT INTO source_state (source, interval_seconds) VALUES ('coingecko', 300), ('csv', 60) ON CONFLICT DO NOTHING",
    "UPDATE unified_crypto SET observed_at = now() - interval '1 day' WHERE coin_id = 'd'",
)


def shown(metrics: Metrics) -> set[str]:
    """The lines of the census that are not 0."""
    lines = metrics.render().decode().splitlines()
    names = ("kasparro_asset_prices{", "kasparro_asset_quotes{", "kasparro_ambiguous_listings{")
    return {line for line in lines if line.startswith(names) and not line.endswith(" 0")}


async def test_one_process_counts_and_all_show_it(
    make_pipeline: Any, pool: Pool, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "_SLICE", 2)
    monkeypatch.setattr(census, "_RESTS", 0)
    (tmp_path / "a.csv").write_text(
        "coin_id,name,symbol,price\na,Aaa,A,1\nb,Bbb,BB,5\nc,Ccc,CC,\nd,Ddd,DD,2\ne,Eee,EE,3\n"
    )
    await make_pipeline("csv", path=str(tmp_path)).run("manual")
    first, second = Metrics(), Metrics()
    async with pool.acquire() as conn:
        for statement in PREPARED:
            await conn.execute(statement)
        await resolve(conn)
        await conn.execute("UPDATE asset_source SET is_ambiguous = true WHERE coin_id = 'e'")
        await asyncio.gather(census.once(pool, first), census.once(pool, second))
        assert not await store.claim(conn, 300)
    await census.once(pool, second)
    await census.once(pool, first)
    assert (
        shown(first)
        == shown(second)
        == {
            *(
                f'kasparro_asset_prices{{status="{each}"}} 1'
                for each in ("agree", "disagree", "single", "stale", "none")
            ),
            *(f'kasparro_asset_quotes{{source="coingecko",verdict="{each}"}} 1' for each in ("kept", "disputed")),
            'kasparro_asset_quotes{source="coingecko",verdict="missing"} 3',
            'kasparro_asset_quotes{source="csv",verdict="kept"} 2',
            *(f'kasparro_asset_quotes{{source="csv",verdict="{each}"}} 1' for each in ("disputed", "stale", "missing")),
            'kasparro_ambiguous_listings{source="csv"} 1',
        }
    )


async def test_what_is_over_is_counted_as_none(pool: Pool) -> None:
    metrics = Metrics()
    before = {"assets": {"agree": 9}, "quotes": {}, "ambiguous": {}}
    async with pool.acquire() as conn:
        await conn.execute(
            "INSERT INTO price_census (due_at, counted_at, counts) VALUES (now() + interval '1 h', now(), $1)", before
        )
        await census.once(pool, metrics)
        assert shown(metrics) == {'kasparro_asset_prices{status="agree"} 9'}
        await conn.execute("UPDATE price_census SET due_at = now()")
    await census.once(pool, metrics)
    assert shown(metrics) == set()
