"""`as_of`: what was known at a moment is told the same for ever, whatever was corrected, came late or was deleted."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from yarl import URL

from kasparro.api.price_schemas import AssetPrice
from kasparro.ingest.assets import resolve
from kasparro.store import knowledge

DAY = "2026-01-01T00:00:00Z"
EARLIER = "2025-12-31T00:00:00Z"
HISTORY = "/coins/csv/x/history"


def at(moment: datetime) -> str:
    return f"as_of={quote(moment.isoformat())}"


@pytest.fixture
def clock(rows: Any) -> Any:
    """What time it is where it counts; each time a later one."""

    async def now() -> datetime:
        moment: datetime = await rows.conn.fetchval("SELECT clock_timestamp()")
        return moment

    return now


@pytest.fixture
async def corrected(rows: Any, clock: Any) -> list[datetime]:
    """A tick that was corrected, one that came late, one that was deleted: the moments before, between and after."""
    await rows.coin("csv", "x")
    moments = [await clock()]
    await rows.tick("csv", "x", DAY, "1.50")
    moments.append(await clock())
    await rows.conn.execute("UPDATE price_history SET price_usd = 2, raw_id = 2, revision = revision + 1")
    moments.append(await clock())
    await rows.tick("csv", "x", EARLIER, "7")
    moments.append(await clock())
    await rows.conn.execute("DELETE FROM price_history WHERE observed_at = $1", datetime.fromisoformat(DAY))
    return [*moments, await clock()]


KNOWN = [[], [(1.5, 0, 1)], [(2, 1, 2)], [(2, 1, 2), (7, 0, 1)], [(7, 0, 1)]]


async def test_history_is_told_as_it_was_known(corrected: list[datetime], get: Any, client: Any) -> None:
    for moment, known in zip(corrected, KNOWN, strict=True):
        page = await get(f"{HISTORY}?{at(moment)}")
        assert [(tick["price_usd"], tick["revision"], tick["raw_id"]) for tick in page["data"]] == known
        assert datetime.fromisoformat(page["as_of"]) == moment
        async with client.get(f"{HISTORY}?{at(moment)}&format=ndjson") as response:
            assert (await response.text()).count("\n") == len(known)
    assert (await get(f"{HISTORY}?{at(corrected[-1])}"))["data"] == (await get(HISTORY))["data"]


async def test_pages_of_a_moment_stay_with_it(corrected: list[datetime], get: Any) -> None:
    first = await get(f"{HISTORY}?page_size=1&{at(corrected[3])}")
    assert "as_of" in first["next"]
    second = await get(first["next"])
    assert [page["data"][0]["price_usd"] for page in (first, second)] == [2, 7]
    assert second["next"] is None


async def test_what_was_made_and_undone_at_once_was_never_known(rows: Any, clock: Any, get: Any) -> None:
    await rows.coin("csv", "x")
    async with rows.conn.transaction():
        began = await rows.conn.fetchval("SELECT now()")
        await rows.tick("csv", "x", DAY, "1")
        await rows.conn.execute("UPDATE price_history SET price_usd = 2")
    assert [tick["price_usd"] for tick in (await get(f"{HISTORY}?{at(began)}"))["data"]] == [2]


@pytest.mark.parametrize("path", [HISTORY, f"{HISTORY}?format=csv"])
async def test_moment_that_cannot_be_told_is_refused_by_name(rows: Any, get: Any, clock: Any, path: str) -> None:
    await rows.coin("csv", "x")
    [since] = await rows.conn.fetchrow("SELECT since FROM knowledge")
    for moment, detail in (
        (await clock() + timedelta(hours=1), "yet to come: it is 20"),
        (since - timedelta(microseconds=1), f"told from {since.isoformat()} on"),
    ):
        problem = await get(f"{path}{'&' if '?' in path else '?'}{at(moment)}", status=400)
        assert [error["name"] for error in problem["errors"]] == ["as_of"]
        assert detail in problem["detail"]


async def test_answer_is_final_once_nothing_older_is_being_written(
    rows: Any, clock: Any, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rows.coin("csv", "x")

    async def asked(moment: datetime) -> tuple[bool, str]:
        async with client.get(f"{HISTORY}?{at(moment)}") as response:
            return (await response.json())["is_final"], response.headers["Cache-Control"]

    moment = await clock()
    assert await asked(moment) == (False, "no-cache")
    monkeypatch.setattr(knowledge, "_SILENT", timedelta())
    assert await asked(moment) == (True, "private, max-age=86400, immutable")
    async with rows.conn.transaction():
        before = await clock()
        await rows.conn.execute("UPDATE unified_crypto SET rank = 1")
        assert await asked(await clock()) == (False, "no-cache")
        assert (await asked(moment))[0]
    assert (await asked(before))[0]


@pytest.fixture
async def market(rows: Any, clock: Any) -> list[datetime]:
    """Coins that are renamed, lose their price and gain a fellow: the moments before and after."""
    for coin, price in ("x", "1.50"), ("y", "7"), ("z", None):
        await rows.coin("csv", coin, price=price, symbol=coin, name=f"Coin {coin}")
        if price:
            await rows.tick("csv", coin, DAY, price)
    moments = [await clock()]
    await rows.conn.execute("UPDATE unified_crypto SET name = 'New', symbol = 'n', price_usd = 9 WHERE coin_id = 'x'")
    await rows.conn.execute("UPDATE price_history SET price_usd = 9 WHERE coin_id = 'x'")
    await rows.conn.execute("UPDATE unified_crypto SET price_usd = NULL WHERE coin_id = 'y'")
    await rows.coin("coingecko", "w", price="3")
    await rows.tick("coingecko", "w", DAY, "3")
    return [*moments, await clock()]


FOUND = [
    ("", ["x", "y", "z"], ["w", "x", "y", "z"]),
    ("symbol=X", ["x"], []),
    ("q=new", [], ["x"]),
    ("price_gte=5", ["y"], ["x"]),
    ("sort=-price_usd", ["y", "x", "z"], ["x", "w", "z", "y"]),
    ("source=coingecko", [], ["w"]),
    ("ids=x,z", ["x", "z"], ["x", "z"]),
]


@pytest.mark.parametrize(("query", "then", "later"), FOUND)
async def test_data_is_told_as_it_was_known(
    market: list[datetime], get: Any, client: Any, query: str, then: list[str], later: list[str]
) -> None:
    for moment, coins in zip(market, (then, later), strict=True):
        page = await get(f"/data?{query}&{at(moment)}")
        assert [coin["coin_id"] for coin in page["data"]] == coins
        assert (page["total"], datetime.fromisoformat(page["as_of"])) == (None, moment)
        if "sort" not in query:
            async with client.get(f"/data?{query}&format=ndjson&{at(moment)}") as response:
                assert (await response.text()).count("\n") == len(coins)


async def test_row_is_told_as_it_was_known(market: list[datetime], get: Any) -> None:
    before, after = [(await get(f"/data?ids=x,y&{at(moment)}"))["data"] for moment in market]
    told = [(coin["name"], coin["symbol"], coin["price_usd"]) for coin in (*before, *after)]
    assert told == [("Coin x", "x", 1.5), ("Coin y", "y", 7), ("New", "n", 9), ("Coin y", "y", None)]
    assert before[0].keys() >= {"id", "asset_id", "observed_at", "volume_24h_usd"}


@pytest.mark.parametrize("sort", ["", "-price_usd", "name"])
async def test_cursors_of_a_moment_lead_there_and_back(
    market: list[datetime], get: Any, client: Any, sort: str
) -> None:
    query = f"/data?{at(market[1])}{f'&sort={sort}' * bool(sort)}"
    whole = [coin["id"] for coin in (await get(query))["data"]]
    path, pages = f"{query}&page_size=1", []
    while path:
        pages.append(await get(path))
        path = pages[-1]["next"]
    assert [coin["id"] for page in pages for coin in page["data"]] == whole
    async with client.get(pages[-2]["next"]) as last:
        back = await get(URL(last.links["prev"]["url"]).path_qs)
    assert back["data"] == pages[-2]["data"]


REFUSED = ["rank_lte=1", "max_age=9", f"updated_since={DAY}", "fields=rank,name", "sort=-rank,name", "page=2"]


@pytest.mark.parametrize("query", REFUSED)
async def test_what_is_not_kept_of_every_time_is_refused_by_name(get: Any, clock: Any, query: str) -> None:
    problem = await get(f"/data?{query}&{at(await clock())}", status=400)
    assert [error["name"] for error in problem["errors"]] == [query.partition("=")[0]]
    assert "as_of" in problem["detail"]


async def test_price_is_judged_as_it_was(rows: Any, clock: Any, get: Any, client: Any, pool: Any) -> None:
    await rows.state("csv")
    await rows.run("csv")
    await rows.coin("csv", "x", price="7", name="Bitcoin", symbol="BTC")
    await rows.tick("csv", "x", str(await clock()), "7")
    unplaced = await clock()
    async with pool.acquire() as conn:
        await resolve(conn)
    moment, present = await clock(), await get("/assets/bitcoin/price")
    await rows.conn.execute("UPDATE price_history SET price_usd = 9")
    await rows.conn.execute("UPDATE asset_source SET asset_id = 'other'")
    await rows.conn.execute("UPDATE asset SET merged_into = 'other', sources = 0")
    async with client.get(f"/assets/bitcoin/price?{at(moment)}") as response:
        text = await response.text()
    AssetPrice.model_validate_json(text, strict=True)
    told = json.loads(text)
    assert (told["price_usd"], told["status"], told["asset_id"]) == (7, "single", "bitcoin")
    assert datetime.fromisoformat(told["judged_at"]) == datetime.fromisoformat(told["as_of"]) == moment
    assert told["why"] == present["why"]
    await get(f"/assets/bitcoin/price?{at(unplaced)}", status=404)
