"""Candles of several sources together are what the consensus of prices is, figure by figure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from kasparro.consensus import AGREES, Quote, consensus
from kasparro.store import maintenance
from kasparro.store.pool import Pool

START = datetime(2025, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURS = 240
SOURCES = ["a", "b", "c", "d", "e"]
FIGURES = ("open_usd", "high_usd", "low_usd", "close_usd")
COLUMNS = ("coin_id", "source", "observed_at", "price_usd", "fetched_at", "run_id", "raw_id", "raw_position")
QUERY = "SELECT * FROM asset_candles($1, $2, $3, $4, $5, $6, NULL, NULL)"


def _prices(random: Random) -> list[Decimal]:
    """What a source says in an hour: nothing, or prices near to what others may say."""
    level = random.choice([100, 101, 102, 103, 150])
    return [
        Decimal(f"{level * random.uniform(0.99, 1.01):.{random.randrange(1, 9)}f}") for _ in range(random.randrange(4))
    ]


async def test_candle_of_all_is_the_median_of_those_that_agree(pool: Pool) -> None:
    random = Random(5)  # noqa: S311 - figures to test with
    said = {(hour, source): _prices(random) for hour in range(HOURS) for source in SOURCES[: random.randrange(6)]}
    ticks = [
        ("x", source, START + hour * HOUR + minute * timedelta(minutes=1), price, START, 1, 1, 0)
        for (hour, source), prices in said.items()
        for minute, price in enumerate(prices)
    ]

    async def asked(sources: list[str]) -> list[Any]:
        values = sources, ["x"] * len(sources), HOUR, START, START + HOURS * HOUR, AGREES
        return [dict(row) for row in await conn.fetch(QUERY, *values)]

    async with pool.acquire() as conn:
        await maintenance.make_history(conn, [START])
        await conn.copy_records_to_table("price_history", columns=COLUMNS, records=ticks)
        made = await asked(SOURCES)
        assert await asked(random.sample(SOURCES, 5)) == made
        alone = {source: await asked([source]) for source in SOURCES}
    for hour, candle in enumerate(made):
        voices = {source: alone[source][hour] for source in SOURCES if alone[source][hour]["kind"]}
        assert voices.keys() == {source for source in SOURCES if said.get((hour, source))}
        quotes = [Quote(source, voice["close_usd"], START) for source, voice in voices.items()]
        found = consensus(quotes, START)
        kept = [verdict.quote.source for verdict in found.verdicts if verdict.refusal is None]
        assert (candle["close_usd"], candle["sources"]) == (found.price, kept)
        assert candle["missing"] == (None if kept else "disagree" if voices else "gap")
        assert candle["ticks"] == sum(len(said[hour, source]) for source in kept)
        if kept:
            assert candle["low_usd"] <= min(candle["open_usd"], candle["close_usd"])
            assert candle["high_usd"] >= max(candle["open_usd"], candle["close_usd"])
            for figure in FIGURES:
                each = [Quote(source, voices[source][figure]) for source in kept]
                values = [quote.price for quote in each if quote.price is not None]
                assert min(values) <= candle[figure] <= max(values)
    assert {candle["missing"] for candle in made} == {None, "gap", "disagree"}
    assert max(len(candle["sources"]) for candle in made) > 3
