"""`/assets/{asset_id}/price`: what a coin is worth, says who, and why not where it is not known."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from kasparro.api.price_schemas import AssetPrice
from kasparro.ingest.assets import resolve

from .conftest import ADMIN_KEY, Client

GECKO, PAPRIKA, CSV = "coingecko", "coinpaprika", "csv"


@pytest.fixture
async def market(rows: Any, pool: Any) -> Any:
    """Bitcoin at both vendors, which have just been run, and a file that has never heard of it."""
    for source in (GECKO, PAPRIKA, CSV):
        await rows.state(source)
        await rows.run(source)
    await rows.coin(PAPRIKA, "btc-bitcoin", name="Bitcoin", symbol="BTC", price="117000")
    await rows.coin(GECKO, "bitcoin", name="Bitcoin", symbol="btc", price="117000.12345678901234567890123456789")
    async with pool.acquire() as conn:
        await resolve(conn)
    return rows


async def judged(client: Client, asset: str = "bitcoin") -> tuple[Any, dict[str, Any]]:
    """The answer, which is as documented, and what it says of each source; figures are decimals."""
    async with client.get(f"/assets/{asset}/price") as response:
        text = await response.text()
        assert response.status == 200, text
        assert "ETag" not in response.headers
    AssetPrice.model_validate_json(text, strict=True)
    told = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    return told, {each["source"]: each for each in told["sources"]}


async def put(rows: Any, source: str, price: str | None, minutes: float = 0) -> None:
    """What the source says of Bitcoin, so many minutes ago."""
    await rows.conn.execute(
        "UPDATE unified_crypto SET price_usd = $2::text::numeric, observed_at = now() - $3 * interval '1 minute' "
        "WHERE source = $1",
        source,
        price,
        float(minutes),
    )


async def updates(rows: Any, source: str, coin_id: str, hours: float, number: int = 4) -> None:
    """The source has updated the coin so often, at this distance."""
    for back in range(number):
        at = await rows.conn.fetchval("SELECT (now() - $1 * interval '1 hour')::text", hours * back)
        await rows.tick(source, coin_id, at)


async def test_sources_that_agree_give_their_median_to_the_last_digit(market: Any, client: Client) -> None:
    told, sources = await judged(client)
    assert (told["asset_id"], told["status"]) == ("bitcoin", "agree")
    assert str(told["price_usd"]) == "117000.061728394506172839450617283945"
    assert str(sources[GECKO]["price_usd"]) == "117000.12345678901234567890123456789"
    assert [sources[each]["weight"] for each in (GECKO, PAPRIKA, CSV)] == [Decimal("0.5"), Decimal("0.5"), 0]
    assert [sources[each]["kept"] for each in (GECKO, PAPRIKA, CSV)] == [True, True, False]
    assert 0 <= sources[GECKO]["age_seconds"] < 60
    assert (
        told["why"] == "the median of coingecko and coinpaprika, which agree within 2 %; csv is missing (never_listed)"
    )


async def test_dispute_has_no_average(market: Any, client: Client) -> None:
    await put(market, PAPRIKA, "200000")
    told, sources = await judged(client)
    assert (told["status"], told["price_usd"]) == ("disagree", None)
    assert [sources[each]["refusal"] for each in (GECKO, PAPRIKA)] == ["disputed", "disputed"]
    assert told["spread"] == Decimal("0.7094")
    await put(market, PAPRIKA, "1e18")
    await put(market, GECKO, "0.00000000000000000001")
    assert str((await judged(client))[0]["spread"]) == f"{10**38}.000000"


async def test_staleness_is_judged_by_the_coins_own_cadence(market: Any, client: Client) -> None:
    for source in (GECKO, PAPRIKA):
        await put(market, source, "117000", minutes=120)
    told, sources = await judged(client)
    assert (told["status"], told["price_usd"]) == ("stale", None)
    assert (sources[GECKO]["price_usd"], sources[GECKO]["cadence_seconds"]) == (117000, None)
    assert (sources[GECKO]["refusal"], sources[GECKO]["missing"]) == ("stale", None)
    await updates(market, GECKO, "bitcoin", hours=1)
    await updates(market, PAPRIKA, "btc-bitcoin", hours=0.01)
    told, sources = await judged(client)
    assert (told["status"], told["price_usd"]) == ("single", 117000)
    assert round(sources[GECKO]["cadence_seconds"]) == 3600
    assert sources[PAPRIKA]["cadence_seconds"] == 300  # the pace of the source: nothing newer can be had


MISSING = [
    ("never_listed", CSV, ""),
    ("not_returned", GECKO, "UPDATE unified_crypto SET price_usd = NULL WHERE source = 'coingecko'"),
    ("not_returned", GECKO, "INSERT INTO coin_absence (source, coin_id, missed_by) VALUES ('coingecko', 'bitcoin', 1)"),
    ("source_down", GECKO, "UPDATE source_state SET failures = 1 WHERE source = 'coingecko'"),
    ("source_down", GECKO, "UPDATE source_state SET enabled = false WHERE source = 'coingecko'"),
    ("source_down", GECKO, "UPDATE etl_run SET finished_at = now() - interval '1 day' WHERE source = 'coingecko'"),
    ("source_down", CSV, "DELETE FROM etl_run WHERE source = 'csv'"),
    (
        "rate_limited",
        GECKO,
        "UPDATE etl_run SET status = 'failed', error_kind = 'RateLimited' WHERE source = 'coingecko'",
    ),
    (
        "delisted",
        GECKO,
        "INSERT INTO coin_absence (source, coin_id, missed_by, confirmed_by) VALUES ('coingecko', 'bitcoin', 1, 2)",
    ),
    (
        "rejected",
        GECKO,
        "INSERT INTO etl_reject (source, run_id, position, record, reasons) "
        """SELECT source, run_id, 0, '{"id": "bitcoin", "current_price": "x"}', '[{}]' """
        "FROM etl_run WHERE source = 'coingecko'",
    ),
]


@pytest.mark.parametrize(("reason", "source", "happened"), MISSING)
async def test_price_that_is_missing_or_old_has_its_reason(
    market: Any, client: Client, reason: str, source: str, happened: str
) -> None:
    await put(market, GECKO, "117000", minutes=120)
    await market.conn.execute(happened or "SELECT")
    told, sources = await judged(client)
    assert sources[source]["missing"] == reason
    assert sources[source]["refusal"] == ("missing" if sources[source]["price_usd"] is None else "stale")
    assert sources[source]["price_usd"] != 0
    assert (told["status"], told["price_usd"]) == ("single", 117000)


async def test_reject_of_another_coin_says_nothing(market: Any, client: Client) -> None:
    await put(market, GECKO, "117000", minutes=120)
    run_id = await market.conn.fetchval("SELECT run_id FROM etl_run WHERE source = 'coingecko'")
    for record in ('{"id": "bitcoin-2", "of": "bitcoin"}', "bitcoin, and no JSON", '{"id": {"bitcoin": 1}}'):
        await market.reject(GECKO, run_id, record)
    assert (await judged(client))[1][GECKO]["missing"] is None


async def test_source_with_two_listings_speaks_once(market: Any, client: Client) -> None:
    """Else it could outvote another with itself."""
    await put(market, GECKO, "117000", minutes=5)
    await market.coin(GECKO, "bitcoin-again", name="Bitcoin again", price="90000")
    wish = {"source": GECKO, "coin_id": "bitcoin-again", "asset_id": "bitcoin"}
    async with client.post("/assets/link", json=wish, headers={"X-API-Key": ADMIN_KEY}) as response:
        assert response.status == 200
    told, sources = await judged(client)
    assert len(told["sources"]) == 3
    assert sources[GECKO]["coin_id"] == "bitcoin-again"


async def test_asset_that_was_taken_over_is_answered_for(market: Any, client: Client) -> None:
    await market.conn.execute("INSERT INTO asset (asset_id, name, merged_into) VALUES ('xbt', 'XBT', 'bitcoin')")
    assert (await judged(client, "xbt"))[0]["asset_id"] == "bitcoin"


async def test_nothing_known_is_none(market: Any, client: Client) -> None:
    await put(market, GECKO, None)
    await put(market, PAPRIKA, None)
    told, _ = await judged(client)
    assert (told["status"], told["price_usd"]) == ("none", None)
    assert told["why"] == (
        "no source gives a price: coingecko is missing (not_returned), coinpaprika is missing (not_returned), "
        "csv is missing (never_listed)"
    )


async def test_unknown_asset_is_404(market: Any, get: Any) -> None:
    assert "no asset nothing" in (await get("/assets/nothing/price", status=404))["detail"]
    await get("/assets/bitcoin/price?x=1", status=400)


async def test_page_of_assets_has_the_price_of_each(market: Any, client: Client, pool: Any) -> None:
    await market.coin(GECKO, "dear", name="Dear", price="0.1234567890123456789012345678901234567890")
    async with pool.acquire() as conn:
        await resolve(conn)
    async with client.get("/assets?fields=price,asset_id&limit=2") as response:
        text = await response.text()
    page = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    assert [list(asset) for asset in page["data"]] == [["asset_id", "price"]] * 2
    bitcoin, dear = page["data"]
    assert (bitcoin["asset_id"], bitcoin["price"]["status"], dear["price"]["status"]) == ("bitcoin", "agree", "single")
    assert str(dear["price"]["price_usd"]) == "0.1234567890123456789012345678901234567890"
    alone, _ = await judged(client)
    for told in (alone, bitcoin["price"]):
        told.pop("judged_at")
        for each in told["sources"]:
            each.pop("age_seconds")
    assert bitcoin["price"].items() <= alone.items()


async def test_page_of_assets_without_prices_reads_none(market: Any, get: Any) -> None:
    assert (await get("/assets?fields=symbol"))["data"] == [{"symbol": "BTC"}]
