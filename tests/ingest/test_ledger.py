"""Every record that was fetched went somewhere, whatever a vendor sends."""

from __future__ import annotations

import asyncio
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kasparro.domain import Kind, Ledger
from kasparro.ingest.ledger import settle
from kasparro.ingest.pipeline import Pipeline, Summary
from kasparro.ingest.reader import reader
from kasparro.ingest.transport import session
from kasparro.metrics import Metrics
from kasparro.sandbox import Sandbox, faults
from kasparro.settings import Rate
from kasparro.sources import SOURCES
from kasparro.store import maintenance
from kasparro.store.pool import Connection, ingest_pool
from kasparro.store.tickers import Effect

TIMES = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", "2026-02-01T00:00:00Z"]
POISON = [
    "17",
    "null",
    "[]",
    '"text"',
    "{}",
    '{"id": null, "name": "x"}',
    '{"id": "a", "name": "A", "current_price": "a lot"}',
    '{"id": "a", "name": "A", "current_price": NaN}',
    '{"id": "b", "name": "B", "total_volume": -1}',
    '{"id": "c", "name": "C", "market_cap": 1e400}',
    '{"id": "n\\u0000", "name": "N"}',
    '{"id": "d", "name": "half \\ud800"}',
    '{"id": "d", "name": 42}',
    '{"id": "d", "name": "D", "last_updated": "soon"}',
]
RESET = "TRUNCATE unified_crypto, price_history, raw, etl_run, etl_reject, etl_checkpoint, coin_absence, schema_drift"
KEPT = """
SELECT sum(jsonb_array_length(page_records(coalesce(p.body, original.body))))
FROM raw p LEFT JOIN raw original ON original.source = p.source AND original.raw_id = p.same_as
WHERE p.run_id = $1
"""
LATEST = "SELECT coin_id, source_updated_at FROM unified_crypto"

good = st.builds(
    lambda coin, price, updated: json.dumps(
        {"id": coin, "name": coin, "symbol": "s\t\\N", "current_price": price, "last_updated": updated}
    ),
    st.sampled_from("abcdef"),
    st.none() | st.integers(0, 3),
    st.none() | st.sampled_from(TIMES),
)
pages = st.lists(st.lists(good | st.sampled_from(POISON), max_size=8), min_size=1, max_size=3)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(pages, min_size=1, max_size=3))
def test_every_record_went_somewhere(dsn: str, runs: list[list[list[str]]]) -> None:
    """Poison, coins twice on a page and on two, old records after new ones: each is counted once, no coin goes back."""
    asyncio.run(_conserve(dsn, runs))


async def _conserve(dsn: str, runs: list[list[list[str]]]) -> None:
    async with Sandbox(coins=1) as sandbox, ingest_pool(dsn, 4) as pool, session() as outbound:
        options = SOURCES["coingecko"].options_type(base_url=sandbox.coingecko_url, rate=Rate(10_000, 1), pages="all")
        pipeline = Pipeline(reader(SOURCES["coingecko"], options, outbound, Metrics()), pool, Metrics(), "test")
        async with pool.acquire() as conn:
            await maintenance.prepare(conn, SOURCES)
            await conn.execute(RESET)
            for pages in runs:
                before = dict(await conn.fetch(LATEST))
                await _check(conn, await _see(pipeline, sandbox, pages), pages)
                after = dict(await conn.fetch(LATEST))
                assert all(after[coin] >= updated for coin, updated in before.items() if updated)


async def _see(pipeline: Pipeline, sandbox: Sandbox, pages: list[list[str]]) -> Summary:
    """A run that gets these pages, and then an empty one."""
    sandbox.heal()
    for number, records in enumerate([*pages, []], start=1):
        answer = faults.Literal(200, {}, f"[{','.join(records)}]")
        sandbox.fail("coingecko", answer, on=lambda call, at=str(number): call.query["page"] == at)
    return await pipeline.run("manual")


async def _check(conn: Connection, summary: Summary, pages: list[list[str]]) -> None:
    """A page that brings nothing new ends the snapshot: those behind it were not fetched."""
    fetched = [record for records in pages[: summary.pages] for record in records]
    ledger = summary.ledger
    assert ledger.fetched == len(fetched)
    assert ledger.rejected == sum(record in POISON for record in fetched)
    assert min(getattr(ledger, name) for name in Ledger.__slots__) >= 0
    row = await conn.fetchrow("SELECT * FROM etl_run WHERE run_id = $1", summary.run_id)
    assert {name: row[name] for name in Ledger.__slots__} == {name: getattr(ledger, name) for name in Ledger.__slots__}
    assert (row["fetched"], row["status"]) == (ledger.fetched, summary.status)
    assert ledger.rejected == await conn.fetchval("SELECT count(*) FROM etl_reject WHERE run_id = $1", summary.run_id)
    assert await conn.fetchval(KEPT, summary.run_id) == len(fetched)
    coins = {json.loads(record)["id"] for record in fetched if record not in POISON}
    assert ledger.inserted + ledger.updated + ledger.unchanged + ledger.stale >= len(coins)
    assert coins <= {row["coin_id"] for row in await conn.fetch(LATEST)}


@given(
    kind=st.sampled_from(Kind),
    effects=st.lists(
        st.builds(
            Effect,
            st.sampled_from([None, "inserted", "updated", "unchanged", "stale"]),
            st.sampled_from([None, "inserted", "updated"]),
            st.integers(1, 50),
        )
    ),
    merged=st.integers(0, 50),
    rejected=st.integers(0, 50),
    duplicates=st.integers(0, 50),
)
def test_ledger_holds_every_record_of_a_batch(
    kind: Kind, effects: list[Effect], merged: int, rejected: int, duplicates: int
) -> None:
    staged = sum(effect.records for effect in effects) + merged
    ledger = settle(kind, effects, staged=staged, rejected=rejected, duplicates=duplicates)
    assert ledger.fetched == staged + rejected + duplicates
    assert ledger.duplicate >= duplicates + merged
    assert ledger.rejected == rejected
