"""A run gone mad is stopped, and keeps what it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from kasparro.domain import Ledger
from kasparro.errors import TooManyRejected
from kasparro.ingest.budget import is_exceeded
from kasparro.sandbox import Sandbox, faults
from kasparro.settings import Budget
from kasparro.store.pool import Pool

from .conftest import MakePipeline


@pytest.mark.parametrize(
    ("budget", "rejected", "fetched", "exceeded"),
    [
        (Budget(share=20), 99, 100, False),
        (Budget(share=20), 100, 500, False),
        (Budget(share=20), 101, 500, True),
        (Budget(share=0), 100, 1_000_000, True),
        (Budget(share=100), 1000, 1000, False),
        (Budget(records=0), 1, 1000, True),
        (Budget(records=500), 500, 500, False),
        (Budget(records=500), 501, 10**6, True),
        (Budget(), 10**6, 10**6, False),
    ],
)
def test_what_exceeds_a_budget(budget: Budget, rejected: int, fetched: int, exceeded: bool) -> None:
    assert is_exceeded(budget, Ledger(inserted=fetched - rejected, rejected=rejected)) is exceeded


async def test_file_gone_mad_is_read_to_its_end_run_by_run_and_no_row_is_lost(
    make_pipeline: MakePipeline, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kasparro.sources.csv_text.PAGE_RECORDS", 50)
    rows = [f"coin-{n},{'one' if n % 4 else n}" for n in range(400)]
    (tmp_path / "coins.csv").write_text("\n".join(["coin_id,price", *rows]) + "\n")
    pipeline = make_pipeline("csv", path=str(tmp_path))
    pipeline.reject_budget = Budget(records=100)
    summaries = [await pipeline.run("manual") for _ in range(4)]
    assert [(summary.status, summary.pages) for summary in summaries] == [
        ("failed", 3), ("failed", 3), ("partial", 2), ("success", 0)
    ]  # fmt: skip
    async with pool.acquire() as conn:
        lines = await conn.fetch("SELECT split_part(record, ',', 1) AS coin_id FROM etl_reject")
        coins = await conn.fetch("SELECT coin_id FROM unified_crypto")
    assert sorted(row["coin_id"] for row in [*lines, *coins]) == sorted(f"coin-{n}" for n in range(400))


async def test_run_gone_mad_is_stopped_with_its_commonest_reason_and_keeps_what_it_has(
    make_pipeline: MakePipeline, pool: Pool, sandbox: Sandbox
) -> None:
    poison = faults.Poison(every=1, kinds=("negative", "negative", "negative", "no_id"))
    sandbox.fail("coingecko", poison, times=None, on=lambda call: call.query["page"] == "2")
    pipeline = make_pipeline("coingecko", pages="all")
    pipeline.reject_budget = Budget(share=40)
    summary = await pipeline.run("manual")
    assert (summary.status, summary.pages, type(summary.error)) == ("failed", 2, TooManyRejected)
    assert str(summary.error) == (
        "coingecko: 250 of 500 records rejected (50%); most: current_price: Input "
        f"should be greater than or equal to 0; see /rejects?run_id={summary.run_id}; allowed is REJECT_BUDGET=40%"
    )
    async with pool.acquire() as conn:
        tables = ("unified_crypto", "etl_reject", "raw")
        kept = [await conn.fetchval(f"SELECT count(*) FROM {table}") for table in tables]  # noqa: S608 - our own
    assert kept == [250, 250, 2]
    sandbox.heal()
    assert (await pipeline.run("manual")).pages == 2, "the next run goes on behind the last page"
