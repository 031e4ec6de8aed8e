"""`/assets/{asset_id}/coverage`: what is held of a coin's history, and what is missing of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from kasparro.api.coverage_schemas import AssetCoverage
from kasparro.api.keys import VERSIONS
from kasparro.ingest.assets import resolve

from .conftest import Client

_TICKS = """
INSERT INTO price_history (source, coin_id, observed_at, price_usd, fetched_at, run_id, raw_id, raw_position)
SELECT $1, $2, at, 1, now(), 1, $6, 0
FROM generate_series($3::text::timestamptz, $4::text::timestamptz, $5::text::interval) AS at
"""
_ASKED = """
INSERT INTO backfill_span (source, coin_id, raw_id, since, until, step_seconds, points, run_id, asked_at)
VALUES ('coingecko', 'bitcoin', $1, $2::text::timestamptz, $3::text::timestamptz, 3600, 1, 1, '2026-02-01')
"""


@pytest.fixture
async def held(rows: Any, pool: Any) -> Any:
    """Bitcoin at two vendors and in a file, and nothing of its history yet."""
    for source, coin_id in (("coingecko", "bitcoin"), ("coinpaprika", "btc-bitcoin"), ("csv", "bitcoin")):
        await rows.state(source)  # every five minutes
        await rows.coin(source, coin_id, name="Bitcoin", symbol="BTC")
    async with pool.acquire() as conn:
        await resolve(conn)
    await rows.conn.execute("SELECT ensure_history_partition('2026-01-01')")
    return rows


async def ticks(
    rows: Any, source: str, coin_id: str, *, first: str, last: str, every: str = "10 minutes", raw_id: int = 1
) -> None:
    """Observations of January 2026, at days and times such as `02 12:00`."""
    await rows.conn.execute(_TICKS, source, coin_id, f"2026-01-{first}Z", f"2026-01-{last}Z", every, raw_id)


async def covered(client: Client, query: str = "from=2026-01-01T00:00:00Z&to=2026-01-11T00:00:00Z") -> dict[str, Any]:
    """The answer, which is as documented, by source."""
    async with client.get(f"/assets/bitcoin/coverage?{query}") as response:
        text = await response.text()
        assert response.status == 200, text
    AssetCoverage.model_validate_json(text, strict=True)
    return {listing["source"]: listing for listing in json.loads(text)["listings"]}


def times(stretches: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(each["from"][8:16], each["to"][8:16]) for each in stretches]


async def test_spans_gaps_and_the_share_of_each_listing(held: Any, client: Client) -> None:
    await ticks(held, "coingecko", "bitcoin", first="01 00:00", last="02 12:00")
    await ticks(held, "coingecko", "bitcoin", first="05 00:00", last="05 23:50")
    await ticks(held, "coingecko", "bitcoin", first="06 00:03", last="08 23:03", every="1 hour", raw_id=7)
    await held.conn.execute(_ASKED, 7, "2026-01-06Z", "2026-01-09Z")
    await held.conn.execute(_ASKED, 8, "2026-01-09Z", "2026-01-11Z")  # of which the vendor knew nothing
    found = await covered(client)
    bitcoin = found["coingecko"]
    assert (bitcoin["cadence_seconds"], bitcoin["ticks"], bitcoin["covered"]) == (600, 217 + 144 + 72, 0.546042)
    assert times(bitcoin["spans"]) == [("01T00:00", "02T12:00"), ("05T00:00", "08T23:03")]
    assert [span["ticks"] for span in bitcoin["spans"]] == [217, 144 + 72]
    assert times(bitcoin["gaps"]) == [("02T12:00", "05T00:00"), ("08T23:03", "11T00:00")]
    assert [gap["asked_at"] is None for gap in bitcoin["gaps"]] == [True, False]
    nothing = found["coinpaprika"]
    assert (nothing["ticks"], nothing["covered"], times(nothing["gaps"])) == (0, 0, [("01T00:00", "11T00:00")])
    assert (nothing["first_at"], nothing["spans"]) == (None, [])


async def test_a_file_has_the_cadence_of_its_rows_and_a_source_no_more_than_its_pace(held: Any, client: Client) -> None:
    await ticks(held, "csv", "bitcoin", first="01 00:00", last="10 00:00", every="1 day")
    await ticks(held, "coinpaprika", "btc-bitcoin", first="01 00:00", last="01 01:00", every="1 minute")
    found = await covered(client)
    assert (found["csv"]["cadence_seconds"], found["csv"]["gaps"], found["csv"]["covered"]) == (86_400, [], 1)
    assert found["coinpaprika"]["cadence_seconds"] == 300  # as often as it is asked
    assert times(found["coinpaprika"]["gaps"]) == [("01T01:00", "11T00:00")]


async def test_without_a_beginning_each_listing_begins_with_its_first_tick(held: Any, client: Client) -> None:
    await ticks(held, "coingecko", "bitcoin", first="05 00:00", last="06 00:00")
    found = await covered(client, "to=2026-01-07T00:00:00Z")
    assert (found["coingecko"]["covered"], times(found["coingecko"]["gaps"])) == (0.5, [("06T00:00", "07T00:00")])
    assert (found["csv"]["cadence_seconds"], found["csv"]["covered"], found["csv"]["gaps"]) == (None, None, [])


async def test_only_what_ends_in_the_past_is_kept_and_mistakes_are_told(held: Any, client: Client, get: Any) -> None:
    while client.app[VERSIONS].token is None:  # type: ignore[index] # until changes of the data are heard
        await asyncio.sleep(0.01)
    async with client.get("/assets/bitcoin/coverage?to=2026-01-07T00:00:00Z") as response:
        assert "ETag" in response.headers
    async with client.get("/assets/bitcoin/coverage?to=2126-01-07T00:00:00Z") as response:
        assert "ETag" not in response.headers
    await get("/assets/no-coin/coverage", 404)
    for query in ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from=2126-01-02T00:00:00Z", "days=3"):
        await get(f"/assets/bitcoin/coverage?{query}", 400)
