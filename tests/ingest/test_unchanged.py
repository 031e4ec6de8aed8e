"""A page that comes again byte for byte: counted, kept once, and read anew as soon as anything may be different."""

from __future__ import annotations

from typing import Any

import pytest

from kasparro.domain import Ledger
from kasparro.ingest.pipeline import Pipeline, Summary
from kasparro.sandbox import Sandbox, faults
from kasparro.store import leases, raw
from kasparro.store.pool import Pool

from .conftest import MakePipeline

COINS = 700
UNCHANGED = Ledger(unchanged=COINS)


@pytest.fixture
def pipeline(make_pipeline: MakePipeline) -> Pipeline:
    """CoinGecko in three pages."""
    return make_pipeline("coingecko", pages=3)


async def fetch(pool: Pool, query: str) -> list[tuple[Any, ...]]:
    async with pool.acquire() as conn:
        return [tuple(row) for row in await conn.fetch(query)]


async def tables(pool: Pool) -> list[list[tuple[Any, ...]]]:
    return [
        await fetch(pool, "SELECT * FROM unified_crypto ORDER BY source, coin_id"),
        await fetch(pool, "SELECT * FROM price_history ORDER BY source, coin_id, observed_at"),
    ]


async def pages(pool: Pool, summary: Summary) -> list[tuple[Any, ...]]:
    """Page, raw_id, what stands for its text, and whether it has one of its own."""
    query = "SELECT page, raw_id, same_as, body IS NOT NULL FROM raw WHERE run_id = $1 ORDER BY page"
    async with pool.acquire() as conn:
        return [tuple(row) for row in await conn.fetch(query, summary.run_id)]


async def test_pages_that_come_again_are_counted_and_kept_once(pipeline: Pipeline, pool: Pool) -> None:
    first = await pipeline.run("manual")
    written = await tables(pool)
    again, third = await pipeline.run("manual"), await pipeline.run("manual")
    assert (again.ledger, again.status, again.pages) == (UNCHANGED, "success", 3)
    assert await tables(pool) == written
    originals = {page: raw_id for page, raw_id, _, _ in await pages(pool, first)}
    for summary in (again, third):
        for page, _, same_as, has_body in await pages(pool, summary):
            assert (same_as, has_body) == (originals[page], False)


async def test_text_of_such_a_page_is_found_where_it_is_kept(pipeline: Pipeline, pool: Pool) -> None:
    first, again = await pipeline.run("manual"), await pipeline.run("manual")
    async with pool.acquire() as conn:
        for (_, before, _, _), (_, after, _, _) in zip(await pages(pool, first), await pages(pool, again), strict=True):
            one, two = await raw.kept(conn, "coingecko", before), await raw.kept(conn, "coingecko", after)
            assert one
            assert two
            assert (one.text, one.checksum) == (two.text, two.checksum)


async def test_only_the_pages_that_changed_are_read(pipeline: Pipeline, pool: Pool, sandbox: Sandbox) -> None:
    await pipeline.run("manual")
    changed = faults.Drift(drop=["roi"])
    sandbox.fail("coingecko", changed, on=lambda call: call.query["page"] == "2")
    summary = await pipeline.run("manual")
    assert summary.ledger == UNCHANGED
    assert [has_body for _, _, _, has_body in await pages(pool, summary)] == [False, True, False]


async def test_moved_coins_are_read_and_written(pipeline: Pipeline, pool: Pool, sandbox: Sandbox) -> None:
    await pipeline.run("manual")
    sandbox.tick()
    summary = await pipeline.run("manual")
    assert summary.ledger.updated
    assert any(has_body for _, _, _, has_body in await pages(pool, summary))


async def test_whoever_else_has_written_since_makes_everything_be_read(pipeline: Pipeline, pool: Pool) -> None:
    await pipeline.run("manual")
    async with pool.acquire() as conn:
        await leases.release(conn, "coingecko", await leases.acquire(conn, "coingecko", "another"))
        await conn.execute("DELETE FROM unified_crypto")
    summary = await pipeline.run("manual")
    assert summary.ledger == Ledger(inserted=COINS)
    assert all(has_body for _, _, _, has_body in await pages(pool, summary))


async def test_run_that_broke_off_is_not_remembered(pipeline: Pipeline, pool: Pool, sandbox: Sandbox) -> None:
    sandbox.fail("coingecko", faults.PaymentRequired(), on=lambda call: call.query["page"] == "3")
    broken = await pipeline.run("manual")
    assert (broken.status, broken.pages) == ("failed", 2)
    async with pool.acquire() as conn:
        await conn.execute("DELETE FROM etl_checkpoint")
    summary = await pipeline.run("manual")
    assert all(has_body for _, _, _, has_body in await pages(pool, summary))


async def test_page_with_a_rejected_record_is_read_each_time(pipeline: Pipeline, pool: Pool, sandbox: Sandbox) -> None:
    sandbox.fail("coingecko", faults.Drift(rename={"name": "title"}), times=None, on=lambda c: c.query["page"] == "1")
    for _ in range(2):
        summary = await pipeline.run("manual")
        assert summary.ledger.rejected == 250
    assert [has_body for _, _, _, has_body in await pages(pool, summary)] == [True, False, False]


async def test_original_is_kept_as_long_as_a_page_needs_it(pipeline: Pipeline, pool: Pool) -> None:
    first, again = await pipeline.run("manual"), await pipeline.run("manual")
    async with pool.acquire() as conn:
        await conn.execute("UPDATE raw SET fetched_at = now() - interval '40 days' WHERE run_id = $1", first.run_id)
        assert await raw.expire(conn, 30) == 0
        await conn.execute("UPDATE raw SET fetched_at = now() - interval '40 days' WHERE run_id = $1", again.run_id)
        assert await raw.expire(conn, 30) == 6


async def test_page_whose_original_is_gone_is_kept_whole(pipeline: Pipeline, pool: Pool) -> None:
    await pipeline.run("manual")
    await fetch(pool, "DELETE FROM raw")
    summary = await pipeline.run("manual")
    assert summary.ledger == UNCHANGED
    assert all(has_body for _, _, _, has_body in await pages(pool, summary))
