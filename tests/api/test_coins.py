"""`/coins`: one coin, the very record it came from, and its history."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

import pytest

from kasparro.api import cursors
from kasparro.store.coins import Place

_WAITING = "SELECT count(*) FROM pg_locks JOIN pg_class ON oid = relation WHERE relname = 'raw' AND NOT granted"
DAYS = [f"2026-{month:02}-{day:02}T00:00:00Z" for month in (1, 2, 3) for day in (1, 2, 28)]


async def test_a_coin_tells_all_that_is_known_of_it(client: Any, rows: Any) -> None:
    await rows.coin("csv", "x", price="0.00000000000000000384", cap="123456789012345678901234567890.1")
    async with client.get("/coins/csv/x") as response:
        coin = json.loads(await response.text(), parse_float=str)
    assert (coin["price_usd"], coin["market_cap_usd"]) == ("0.00000000000000000384", "123456789012345678901234567890.1")
    assert (coin["raw_id"], coin["raw_position"], coin["ath_usd"]) == (1, 0, None)
    assert coin["request_id"] == response.headers["X-Request-ID"]


@pytest.mark.parametrize("coin_id", ["a/b", "a b", "ä?#%", "a%2Fb", "'--", "a+b", "🚀"])
async def test_any_name_may_stand_in_the_path(get: Any, rows: Any, coin_id: str) -> None:
    await rows.coin("csv", coin_id)
    place = f"/coins/csv/{quote(coin_id, safe='')}"
    assert (await get(place))["coin_id"] == coin_id
    assert (await get(f"{place}/history"))["coin_id"] == coin_id


@pytest.mark.parametrize("path", ["/coins/csv/x", "/coins/csv/x/raw", "/coins/csv/x/history"])
async def test_an_unknown_coin_is_404(get: Any, path: str) -> None:
    assert "csv has no coin 'x'" in (await get(path, status=404))["detail"]


PAGES = [
    ("coingecko", '[ {"id": "x", "p":  1.50e0},{"id":"y"}]', '{"id": "x", "p":  1.50e0}', None),
    ("coingecko", '[{"id":"x","p":NaN},{"id":"y"}]', '{"id":"x","p":NaN}', None),
    ("csv", 'coin_id;price\r\n\r\n"a\n""b""";1,5\r\ny;2\r\n', '"a\n""b""";1,5\r\n', "coin_id;price\r\n"),
    ("csv", "coin_id,price\nx,1", "x,1", "coin_id,price\n"),
]


@pytest.mark.parametrize(("source", "page", "record", "header"), PAGES)
async def test_raw_is_the_record_letter_by_letter(
    get: Any, rows: Any, source: str, page: str, record: str, header: str | None
) -> None:
    await rows.coin(source, "x")
    await rows.page(source, page)
    told = await get(f"/coins/{source}/x/raw")
    assert (told["record"], told["header"]) == (record, header)
    assert (told["raw_id"], told["position"], told["url"], len(told["sha256"])) == (1, 0, "here", 64)


async def test_raw_is_found_on_the_page_that_came_before_with_the_same_text(get: Any, rows: Any) -> None:
    await rows.coin("csv", "x")
    await rows.page("csv", "coin_id\nx\n")
    await rows.conn.execute("UPDATE raw SET raw_id = 7")
    await rows.conn.execute(
        "INSERT INTO raw (source, raw_id, run_id, page, url, status, sha256, fetched_at, same_as) "
        "SELECT source, 1, 2, page, url, status, sha256, now(), 7 FROM raw"
    )
    told = await get("/coins/csv/x/raw")
    assert (told["record"], told["raw_id"], told["run_id"]) == ("x\n", 1, 2)


@pytest.mark.parametrize(("source", "page"), [("coingecko", "{}"), ("coingecko", "[]"), ("csv", ""), ("csv", "id\n")])
async def test_a_page_that_cannot_be_read_is_404(get: Any, rows: Any, source: str, page: str) -> None:
    await rows.coin(source, "x")
    await rows.page(source, page)
    assert "has no record 0" in (await get(f"/coins/{source}/x/raw", status=404))["detail"]


async def test_a_page_that_is_deleted_is_404(get: Any, rows: Any) -> None:
    await rows.coin("csv", "x")
    assert "RAW_RETENTION_DAYS" in (await get("/coins/csv/x/raw", status=404))["detail"]


async def test_raw_pages_are_held_two_at_a_time_and_others_are_served(get: Any, rows: Any) -> None:
    for number in range(6):
        await rows.coin("csv", f"{number}")
    await rows.page("csv", "coin_id\nx\n")
    async with rows.conn.transaction():
        await rows.conn.execute("LOCK TABLE raw")
        asking = [asyncio.create_task(get(f"/coins/csv/{number}/raw")) for number in range(6)]
        async with asyncio.timeout(10):
            while await rows.conn.fetchval(_WAITING) < 2:
                await asyncio.sleep(0.01)
        assert (await get("/data"))["total"] == 6
        assert await rows.conn.fetchval(_WAITING) == 2
    assert {answer["record"] for answer in await asyncio.gather(*asking)} == {"x\n"}


@pytest.fixture
async def history(rows: Any) -> None:
    await rows.coin("csv", "x")
    for number, day in enumerate(DAYS):
        await rows.tick("csv", "x", day, f"{number}.50")
        await rows.tick("csv", "other", day)


@pytest.mark.usefixtures("history")
async def test_history_is_read_backward_by_cursor(get: Any) -> None:
    path, pages = "/coins/csv/x/history?page_size=4", []
    while path:
        page = await get(path)
        pages.append(page)
        path = page["next"]
    assert [len(page["data"]) for page in pages] == [4, 4, 1]
    assert [tick["price_usd"] for page in pages for tick in page["data"]] == [n + 0.5 for n in reversed(range(9))]


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("from=2026-02-01T00:00:00Z", 6),
        ("to=2026-02-01T00:00:00Z", 3),
        ("from=2026-02-01T00:00:00Z&to=2026-03-01T00:00:00%2B00:00", 3),
        ("from=2027-01-01T00:00:00Z", 0),
    ],
)
async def test_history_from_and_to(get: Any, query: str, found: int) -> None:
    assert len((await get(f"/coins/csv/x/history?{query}"))["data"]) == found


@pytest.mark.usefixtures("history")
async def test_a_cursor_of_another_history_is_refused(get: Any) -> None:
    following = (await get("/coins/csv/x/history?page_size=2"))["next"]
    for other in (following.replace("/x/", "/other/"), f"{following}&to=2026-03-01T00:00:00Z", f"{following}A"):
        assert (await get(other, status=400))["errors"][0]["name"] == "cursor"


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("moment", ["2026-01-01T00:00:00", "0001-01-01T00:00:00+23:00", "x", 1, None, [], {"a": 1}])
async def test_a_forged_cursor_with_a_good_seal_is_refused(client: Any, moment: Any) -> None:
    cursor = cursors.write(Place([moment]), "csv/x?")
    async with client.get("/coins/csv/x/history", params={"cursor": cursor}) as response:
        assert response.status == 400
        assert (await response.json(content_type=None))["errors"][0]["name"] == "cursor"


@pytest.mark.parametrize(
    "query", ["from=now", "to=2026-01-01", "since=2026-01-01T00:00:00Z", "page_size=1001", "page=2"]
)
async def test_what_is_wrong_is_named(get: Any, query: str) -> None:
    problem = await get(f"/coins/csv/x/history?{query}", status=400)
    assert problem["errors"][0]["name"] == query.split("=")[0]


async def test_sources_tell_state_schedule_freshness_and_limits(get: Any, rows: Any) -> None:
    await rows.state("coingecko")
    await rows.state("csv", enabled=False)
    await rows.plan("coingecko", 1000, used=10)
    await rows.changed("coingecko")
    coingecko, csv = await get("/sources")
    assert (coingecko["source"], coingecko["kind"], coingecko["quota"]["remaining"]) == ("coingecko", "snapshot", 990)
    assert coingecko["data_changed_at"] is not None
    assert coingecko["next_run_at"] is not None
    assert (csv["source"], csv["kind"], csv["quota"], csv["enabled"]) == ("csv", "series", None, False)
