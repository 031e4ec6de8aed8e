"""Pages of `/data`: behind a cursor every coin comes once, in any order, at a cost that does not grow."""

from __future__ import annotations

import base64
import json
import random
import re
from typing import Any

import pytest

from kasparro.api import cursors
from kasparro.api.data_query import DataQuery
from kasparro.api.problems import Problem
from kasparro.store.coins import Place

SORTS = [
    "rank", "-rank", "market_cap_usd", "-market_cap_usd", "-price_usd,rank", "symbol,-name", "updated_at",
    "-updated_at,price_usd", "name,-market_cap_usd,rank",
]  # fmt: skip


@pytest.fixture
async def market(rows: Any) -> None:
    """Coins with equal values and unknown values in every column."""
    drawn = random.Random(7)  # noqa: S311 - no secret
    for number in range(60):
        await rows.coin(
            drawn.choice(["csv", "coingecko"]),
            f"coin {number}",
            symbol=drawn.choice(["a", "B", "ß", None]),
            rank=drawn.choice([1, 2, 30, None]),
            price=drawn.choice(["0", "1", "1.5", "1e-18", None]),
            cap=drawn.choice(["7", "70", "123456789012345678901234567890", None]),
            name=drawn.choice(["x", 'quo"te', "100%", "under_score", "back\\slash"]),
        )


async def walk(get: Any, path: str, rel: str = "next") -> list[Any]:
    """The pages from `path` on, by the links of the header."""
    pages = []
    while path:
        page, links = await get(path)
        pages.append(page)
        path = links.get(rel, "")
    return pages


@pytest.fixture
def linked(client: Any) -> Any:
    """The JSON behind a path, and its links by relation."""

    async def fetch(path: str) -> tuple[Any, dict[str, str]]:
        async with client.get(path) as response:
            assert response.status == 200, await response.text()
            links = re.findall(r'<([^>]*)>; rel="(\w+)"', response.headers["Link"])
            return await response.json(), {rel: url for url, rel in links}

    return fetch


def places(pages: list[Any]) -> list[tuple[str, str]]:
    return [(coin["source"], coin["coin_id"]) for page in pages for coin in page["data"]]


@pytest.mark.usefixtures("market")
@pytest.mark.parametrize("sort", SORTS)
async def test_cursors_lead_there_and_back(linked: Any, sort: str) -> None:
    whole = places([(await linked(f"/data?sort={sort}&page_size=100"))[0]])
    there = await walk(linked, f"/data?sort={sort}&page_size=7")
    assert places(there) == whole
    assert len(set(whole)) == 60
    assert [page["page"] for page in there] == [1] + [None] * 8
    assert there[-1]["next"] is None
    back = await walk(linked, there[-2]["next"], "prev")
    assert places(back[::-1]) == whole


@pytest.mark.usefixtures("market")
@pytest.mark.parametrize(
    "sort", [sort for sort in SORTS if sort.strip("-")[0] not in "sn"]
)  # text: as the database has it
async def test_known_values_stand_in_order_and_unknown_ones_last(get: Any, sort: str) -> None:
    key = sort.split(",")[0].lstrip("-")
    coins = (await get(f"/data?sort={sort}&page_size=100"))["data"]
    values = [coin[key] for coin in coins]
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=sort.startswith("-"))
    assert values[len(known) :] == [None] * (60 - len(known))


@pytest.mark.usefixtures("market")
async def test_pages_by_number_agree_with_cursors_and_lead_back(linked: Any) -> None:
    by_cursor = await walk(linked, "/data?sort=-market_cap_usd&page_size=9")
    by_number = [await linked(f"/data?sort=-market_cap_usd&page_size=9&page={page}") for page in range(1, 8)]
    assert [page["data"] for page, _ in by_number] == [page["data"] for page in by_cursor]
    assert by_number[0][1].keys() == {"first", "next"}
    assert by_number[3][1]["prev"].endswith("page=3")


@pytest.mark.usefixtures("market")
async def test_a_cursor_outlives_another_page_size_and_other_fields(get: Any) -> None:
    following = (await get("/data?page_size=10&source=csv,coingecko"))["next"]
    page = await get(following.replace("page_size=10", "page_size=3") + "&fields=coin_id")
    assert page["data"] == [{"coin_id": coin["coin_id"]} for coin in (await get(following))["data"][:3]]


@pytest.mark.usefixtures("market")
@pytest.mark.parametrize("other", ["sort=-rank", "source=csv", "symbol=a", "q=x", "rank_lte=3", "price_gte=0"])
async def test_a_cursor_of_another_query_is_refused(get: Any, other: str) -> None:
    following = (await get("/data?page_size=5"))["next"]
    problem = await get(f"{following}&{other}", status=400)
    assert [error["name"] for error in problem["errors"]] == ["cursor"]


@pytest.mark.usefixtures("market")
async def test_a_torn_or_altered_cursor_is_refused(get: Any) -> None:
    cursor = (await get("/data?page_size=5"))["next"].partition("cursor=")[2]
    for bad in ("x", "ä", "%00", "=", cursor[:-2], cursor[1:], cursor.swapcase(), cursor * 20, "A" * 4000):
        problem = await get(f"/data?cursor={bad}", status=400)
        assert [error["name"] for error in problem["errors"]] == ["cursor"], bad


@pytest.mark.usefixtures("market")
@pytest.mark.parametrize(
    "keys",
    [[], ["1"], ["x", "1", "csv", "c"], ["1", "'; DROP TABLE raw; --", "csv", "c"], ["1", "1", "csv", "\0"],
     ["1", "1", None, "c"], [1, 2, 3, 4], ["1", "1", "csv", "c", "d"], [{}, [], "csv", "c"]],
)  # fmt: skip
async def test_a_forged_cursor_with_a_good_seal_breaks_nothing(client: Any, keys: Any) -> None:
    async with client.get("/data", params={"cursor": cursors.write(Place(keys), "")}) as response:
        assert response.status == (200 if None in keys else 400), await response.text()


@pytest.mark.parametrize("body", [b"", b"1", b"null", b"{}", b"[]", b"[1, 2, 3]", b"\xff"])
def test_a_good_seal_on_nonsense_is_refused(body: bytes) -> None:
    cursor = base64.urlsafe_b64encode(cursors._seal(body, "") + body).decode()
    with pytest.raises(Problem, match="torn, altered"):
        cursors.read(cursor, "", keys=4)


def test_what_a_cursor_says_is_sealed() -> None:
    cursor = cursors.write(Place(["1", "2"]), "a=1")
    assert cursors.read(cursor, "a=1", keys=2) == Place(["1", "2"])
    assert json.loads(base64.urlsafe_b64decode(cursor + "==")[9:]) == [False, "1", "2"]


async def test_a_deep_page_names_the_cursor(get: Any) -> None:
    assert (await get("/data?page=101&page_size=100"))["data"] == []
    problem = await get("/data?page=102&page_size=100", status=400)
    assert "follow `next`, which is a cursor" in problem["detail"]
    assert "either `page` or `cursor`" in (await get("/data?page=1&cursor=x", status=400))["detail"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("ids=b,c", {"b", "c"}),
        ("ids=nothing", set()),
        ("rank_lte=2", {"a", "b"}),
        ("price_gte=1e-18", {"b", "c"}),
        ("price_gte=1.0000000000000000001", {"c"}),
        ("q=100%25", {"b"}),
        ("q=0%250", set()),
        ("q=UNDER_", {"c"}),
        ("q=_", {"c"}),
        ("q=\\", {"a"}),
        ("q=tok", {"c"}),
        ("updated_since=2020-01-01T00:00:00Z", {"a", "b", "c"}),
        ("updated_since=2999-01-01T00:00:00%2B02:00", set()),
        ("max_age=3600", {"a", "b", "c"}),
        ("rank_lte=2&q=a", {"a"}),
    ],
)
async def test_filters(get: Any, rows: Any, query: str, found: set[str]) -> None:
    await rows.coin("csv", "a", rank=1, price="0", name="back\\slash")
    await rows.coin("csv", "b", rank=2, price="0.000000000000000001", name="100%")
    await rows.coin("csv", "c", rank=3, price="2", name="under_score", symbol="TOK")
    page = await get(f"/data?{query}")
    assert {coin["coin_id"] for coin in page["data"]} == found
    assert (page["total"], page["total_is_exact"]) == (len(found), True)


async def test_an_old_observation_is_told_from_a_new_one(get: Any, rows: Any) -> None:
    await rows.coin("csv", "new")
    await rows.coin("csv", "old")
    await rows.conn.execute("UPDATE unified_crypto SET observed_at = now() - interval '1 hour' WHERE coin_id = 'old'")
    assert [coin["coin_id"] for coin in (await get("/data?max_age=60"))["data"]] == ["new"]


async def test_fields_come_in_one_order(client: Any, rows: Any) -> None:
    await rows.coin("csv", "x", price="1.50")
    async with client.get("/data?fields=raw_id,price_usd,coin_id") as response:
        assert (await response.text()).startswith('{"data":[{"coin_id":"x","price_usd":1.50,"raw_id":1}],')


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("sort=password", "sort"),
        ("sort=rank,-rank", "sort"),
        ("sort=", "sort"),
        ("sort=rank,price_usd,name,symbol,updated_at", "sort"),
        ("sort=rank;DROP", "sort"),
        ("fields=id,secret", "fields"),
        ("fields=id,id", "fields"),
        ("fields=", "fields"),
        ("rank_lte=-1", "rank_lte"),
        ("rank_lte=2147483648", "rank_lte"),
        ("price_gte=NaN", "price_gte"),
        ("price_gte=1e999999999", "price_gte"),
        ("price_gte=1e-999999999", "price_gte"),
        ("updated_since=yesterday", "updated_since"),
        ("updated_since=2026-01-01T00:00:00", "updated_since"),
        ("updated_since=0001-01-01T00:00:00%2B23:00", "updated_since"),
        ("max_age=0", "max_age"),
        ("q=%00", "q"),
        ("q=", "q"),
        ("cursor=", "cursor"),
        ("ids=a,,b", "ids"),
    ],
)
async def test_what_is_wrong_is_named(get: Any, query: str, name: str) -> None:
    problem = await get(f"/data?{query}", status=400)
    assert {error["name"] for error in problem["errors"]} == {name}


_MANY = """
INSERT INTO unified_crypto (source, coin_id, name, symbol, rank, price_usd, market_cap_usd, observed_at, fetched_at,
    run_id, raw_id, raw_position, updated_at)
SELECT (ARRAY['coinpaprika', 'coingecko', 'csv'])[1 + n % 3], 'coin-' || n, 'Coin ' || n, 's' || n % 5000,
    CASE WHEN n < 50000 AND n % 3 < 2 THEN n / 3 END, n * 1.5, CASE WHEN n % 5 < 4 THEN (n * 7919::bigint) % 100003 END,
    now(), now(), 1, 1, 0, now() - n * interval '1 ms'
FROM generate_series(1, 100000) AS n
"""
_PLACES = "SELECT {} FROM unified_crypto WHERE {} ORDER BY coin_id LIMIT 1 OFFSET 9000"
_EXPLAIN = """
EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM coins_matching({}) WHERE {} ORDER BY {} LIMIT 101
"""
_NO_FILTER = ", ".join(["null"] * 9)


@pytest.mark.parametrize("sort", ["rank", "market_cap_usd", "-market_cap_usd", "updated_at", "-updated_at"])
async def test_a_page_anywhere_is_a_bounded_scan_of_an_index(rows: Any, sort: str) -> None:
    await rows.conn.execute(_MANY)
    await rows.conn.execute("VACUUM ANALYZE unified_crypto")
    keys = list(DataQuery(sort=[sort]).order)
    columns = ", ".join(f"{key.lstrip('-')}::text" for key in keys)
    for kind in ("rank IS NOT NULL", "rank IS NULL", "rank IS NULL AND market_cap_usd IS NULL"):
        place = list(await rows.conn.fetchrow(_PLACES.format(columns, kind)))
        for is_backward in (False, True):
            segments = await rows.conn.fetch("SELECT coin_segments($1, $2, $3)", keys, place, is_backward)
            order = await rows.conn.fetchval("SELECT coin_order($1, $2)", keys, is_backward)
            for (segment,) in segments:
                [(plan,)] = await rows.conn.fetch(_EXPLAIN.format(_NO_FILTER, segment, order))
                told = json.loads(plan)[0]["Plan"]
                assert "Seq Scan" not in plan, segment
                assert told["Shared Hit Blocks"] + told["Shared Read Blocks"] < 350, (segment, order, plan)


async def test_a_total_that_takes_long_is_an_estimate(get: Any, rows: Any) -> None:
    await rows.conn.execute(_MANY.replace("100000", "400000"))
    await rows.conn.execute("VACUUM ANALYZE unified_crypto")
    page = await get("/data?q=coin")
    assert page["total_is_exact"] is False
    assert page["total"] > 100_000
    assert (await get("/data?symbol=s77"))["total"] == 80
