"""`/assets`: who lists a coin, why that is one coin, and that people have the last word."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from kasparro.api.asset_schemas import AssetDetails, AssetPage
from kasparro.ingest.assets import resolve

from .conftest import ADMIN_KEY, Client

Say = Callable[..., Awaitable[Any]]


@pytest.fixture
async def market(rows: Any, pool: Any) -> Any:
    """Bitcoin at three sources, a coin that may be either of two, and one that is alone."""
    await rows.coin("coinpaprika", "btc-bitcoin", name="Bitcoin", symbol="BTC", rank=1, price="117000.10")
    await rows.coin("coingecko", "bitcoin", name="Bitcoin", symbol="btc", rank=1, price="117000.123456789012345678")
    await rows.coin("csv", "bitcoin", name="bitcoin", symbol=None, price=None)
    await rows.coin("coinpaprika", "a-abc", name="Abc", symbol="ABC", price="2")
    for coin_id in "abc", "abc-2":
        await rows.coin("coingecko", coin_id, name="Abc", symbol="abc", price="2")
    await rows.conn.execute(
        "INSERT INTO coin_contract VALUES ('coingecko', 'bitcoin', 'tron', 'Tbtc'), "
        "('coingecko', 'bitcoin', 'ethereum', '0xbtc')"
    )
    await rows.coin("coingecko", "alone", name="Wrapped Alone", symbol="wal")
    async with pool.acquire() as conn:
        await resolve(conn)
    return rows


@pytest.fixture
def say(client: Client) -> Say:
    async def send(what: str, body: Any, status: int = 200, **headers: str) -> Any:
        headers = headers or {"X-API-Key": ADMIN_KEY}
        async with client.post(f"/assets/{what}", json=body, headers=headers) as response:
            assert response.status == status, await response.text()
            return await response.json(content_type=None)

    return send


async def of(get: Any, coin_id: str) -> str:
    """The asset of a coin."""
    return next(row["asset_id"] for row in (await get("/data?page_size=100"))["data"] if row["coin_id"] == coin_id)


async def test_details_tell_who_lists_it_and_why(market: Any, client: Client) -> None:
    async with client.get("/assets/bitcoin") as response:
        text = await response.text()
    AssetDetails.model_validate_json(text)
    asset = json.loads(text, parse_float=Decimal)
    assert (asset["name"], asset["symbol"], asset["sources"], asset["ambiguous"]) == ("Bitcoin", "BTC", 3, False)
    gecko, paprika, csv = asset["listings"]
    assert [each["source"] for each in asset["listings"]] == ["coingecko", "coinpaprika", "csv"]
    assert str(gecko["latest"]["price_usd"]) == "117000.123456789012345678"
    assert (paprika["method"], csv["method"]) == ("name_symbol", "name")
    assert (paprika["evidence"]["coin_id"], paprika["evidence"]["names"]) == ("bitcoin", "same")
    assert [event["kind"] for event in asset["events"]] == ["linked", "linked"]
    assert gecko["gone_since"] is None
    assert gecko["contracts"] == ["ethereum:0xbtc", "tron:Tbtc"]


async def test_doubt_is_told_with_candidates_and_scores(market: Any, get: Any) -> None:
    asset = await get(f"/assets/{await of(get, 'a-abc')}")
    AssetDetails.model_validate(asset)
    (listing,) = asset["listings"]
    assert asset["ambiguous"] is listing["ambiguous"] is True
    assert [(each["coin_id"], each["score"]) for each in listing["candidates"]] == [("abc", 0.97), ("abc-2", 0.97)]
    assert asset["events"][0]["kind"] == "flagged"


async def test_coin_that_two_whole_snapshots_miss_is_gone_and_stays(market: Any, get: Any) -> None:
    await market.conn.execute(
        "INSERT INTO coin_absence (source, coin_id, missed_by, confirmed_by, confirmed_at) "
        "VALUES ('coingecko', 'bitcoin', 1, 2, now()), ('coinpaprika', 'btc-bitcoin', 1, NULL, NULL)"
    )
    gecko, paprika, _ = (await get("/assets/bitcoin"))["listings"]
    assert gecko["gone_since"] is not None
    assert paprika["gone_since"] is None


async def test_pages_cover_everything_once_in_order(market: Any, get: Any) -> None:
    path, ids = "/assets?limit=2", []
    while path:
        page = await get(path)
        AssetPage.model_validate(page)
        ids += [asset["asset_id"] for asset in page["data"]]
        path = page["next"]
    assert ids == sorted(set(ids)) == ["abc", "abc-2", "abc-3", "bitcoin", "wrapped-alone"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=BIT", ["bitcoin"]),
        ("q=btc", ["bitcoin"]),
        ("q=alone", ["wrapped-alone"]),
        ("q=%25", []),
        ("q=nothing'--", []),
        ("ambiguous=false", ["bitcoin", "wrapped-alone"]),
        ("ambiguous=true&limit=1", ["abc"]),
        ("sources_gte=2", ["bitcoin"]),
        ("sources_gte=4", []),
        ("after=bitcoin", ["wrapped-alone"]),
    ],
)
async def test_filters(market: Any, get: Any, query: str, found: list[str]) -> None:
    assert [asset["asset_id"] for asset in (await get(f"/assets?{query}"))["data"]] == found


async def test_former_names_are_found(market: Any, get: Any, pool: Any) -> None:
    await market.conn.execute("UPDATE unified_crypto SET name = 'Solitaire' WHERE coin_id = 'alone'")
    async with pool.acquire() as conn:
        await resolve(conn)
    (asset,) = (await get("/assets?q=wrapped"))["data"]
    assert (asset["asset_id"], asset["name"], asset["former_names"]) == (
        "wrapped-alone",
        "Solitaire",
        ["Wrapped Alone"],
    )


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=2001",
        "fields=price,x",
        "fields=name,name",
        "sources_gte=0",
        "ambiguous=perhaps",
        "after=A",
        "q=",
        "x=1",
    ],
)
async def test_what_is_wrong_is_named(get: Any, query: str) -> None:
    problem = await get(f"/assets?{query}", status=400)
    assert [error["name"] for error in problem["errors"]] == [query.partition("=")[0]]


async def test_unknown_asset_is_404(market: Any, get: Any) -> None:
    assert "no asset nothing" in (await get("/assets/nothing", status=404))["detail"]
    await get("/assets/No%20Slug", status=400)


async def test_data_tells_the_asset_and_is_filtered_by_it(market: Any, get: Any) -> None:
    page = await get("/data?asset_id=bitcoin,wrapped-alone")
    assert {(row["source"], row["asset_id"]) for row in page["data"]} == {
        ("coinpaprika", "bitcoin"), ("coingecko", "bitcoin"), ("csv", "bitcoin"), ("coingecko", "wrapped-alone")
    }  # fmt: skip
    assert page["total"] == 4
    assert (await get("/data?asset_id=bitcoin&source=csv"))["total"] == 1
    await market.coin("csv", "new")
    assert await of(get, "new") is None


async def test_link_settles_a_doubt_for_good(market: Any, get: Any, say: Say, pool: Any) -> None:
    right = await of(get, "abc-2")
    wish = {"source": "coinpaprika", "coin_id": "a-abc", "asset_id": right}
    assert (await say("link", wish))["asset_id"] == right
    async with pool.acquire() as conn:
        await resolve(conn, everything=True)
    asset = await get(f"/assets/{right}")
    assert (asset["sources"], asset["ambiguous"]) == (2, False)
    assert {each["method"] for each in asset["listings"]} == {"manual"}
    assert [(each["kind"], each["actor"]) for each in asset["events"]][:3] == [
        ("cleared", "person"), ("cleared", "person"), ("linked", "person")
    ]  # fmt: skip
    assert (await get(f"/assets/{await of(get, 'abc')}"))["ambiguous"]  # it would have been linked, too
    await say("link", wish)
    assert (await get(f"/assets/{right}"))["events"] == asset["events"]


async def test_unlink_keeps_a_listing_alone(market: Any, get: Any, say: Say, pool: Any) -> None:
    own = (await say("unlink", {"source": "coinpaprika", "coin_id": "btc-bitcoin"}))["asset_id"]
    assert own == "bitcoin-btc"
    await say("unlink", {"source": "csv", "coin_id": "bitcoin"})
    async with pool.acquire() as conn:
        await resolve(conn, everything=True)
    assert [each["method"] for each in (await get(f"/assets/{own}"))["listings"]] == ["manual"]
    (left,) = (await get("/assets/bitcoin"))["listings"]
    assert (left["source"], left["method"], left["evidence"]) == ("coingecko", "alone", None)


async def test_unlinking_what_is_alone_says_that_it_is_none_of_its_candidates(market: Any, get: Any, say: Say) -> None:
    asset_id = await of(get, "a-abc")
    assert (await say("unlink", {"source": "coinpaprika", "coin_id": "a-abc"}))["asset_id"] == asset_id
    asset = await get(f"/assets/{asset_id}")
    assert (asset["ambiguous"], asset["listings"][0]["candidates"]) == (False, [])


async def test_others_are_not_in_doubt_about_what_stands_alone_by_a_persons_word(
    market: Any, get: Any, say: Say, pool: Any
) -> None:
    before = {coin_id: await of(get, coin_id) for coin_id in ("abc", "abc-2")}
    await say("unlink", {"source": "coinpaprika", "coin_id": "a-abc"})
    async with pool.acquire() as conn:
        assert {place.key.coin_id for place in (await resolve(conn)).places} == {"abc", "abc-2"}
        assert not (await resolve(conn)).places
    for asset_id in before.values():
        asset = await get(f"/assets/{asset_id}")
        assert (asset["ambiguous"], asset["events"][0]["kind"], asset["events"][0]["actor"]) == (
            False,
            "cleared",
            "rules",
        )


async def test_merged_asset_leads_to_the_other(market: Any, get: Any, say: Say, client: Client) -> None:
    assert (await say("merge", {"asset_id": "wrapped-alone", "into": "bitcoin"}))["asset_id"] == "bitcoin"
    async with client.get("/assets/wrapped-alone", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (301, "/assets/bitcoin")
        assert (await response.json())["events"][0]["kind"] == "merged"
    assert (await get("/assets/bitcoin"))["sources"] == 4
    assert (await get("/data?asset_id=wrapped-alone"))["total"] == 4
    await say("merge", {"asset_id": "bitcoin", "into": "abc"})
    assert (await get("/assets/wrapped-alone"))["asset_id"] == "abc"


async def test_split_makes_a_new_asset(market: Any, get: Any, say: Say) -> None:
    listings = [{"source": "coinpaprika", "coin_id": "btc-bitcoin"}, {"source": "csv", "coin_id": "bitcoin"}]
    own = (await say("split", {"asset_id": "bitcoin", "listings": listings}))["asset_id"]
    assert [each["source"] for each in (await get(f"/assets/{own}"))["listings"]] == ["coinpaprika", "csv"]
    assert (await get("/assets/bitcoin"))["sources"] == 1


@pytest.mark.parametrize(
    ("what", "body", "detail"),
    [
        ("link", {"source": "csv", "coin_id": "bitcoin", "asset_id": "nothing"}, "no asset nothing"),
        ("link", {"source": "csv", "coin_id": "nothing", "asset_id": "bitcoin"}, "csv lists no nothing"),
        ("unlink", {"source": "csv", "coin_id": "nothing"}, "csv lists no nothing"),
        ("merge", {"asset_id": "nothing", "into": "bitcoin"}, "no asset nothing"),
        (
            "split",
            {"asset_id": "abc", "listings": [{"source": "csv", "coin_id": "bitcoin"}]},
            "is not in the asset abc",
        ),
    ],
)
async def test_what_does_not_exist_is_404_and_changes_nothing(
    market: Any, get: Any, say: Say, what: str, body: Any, detail: str
) -> None:
    before = (await get("/assets"))["data"]
    assert detail in (await say(what, body, status=404))["detail"]
    assert (await get("/assets"))["data"] == before


@pytest.mark.parametrize("what", ["link", "unlink", "merge", "split"])
async def test_only_the_admin_writes(market: Any, say: Say, what: str) -> None:
    await say(what, {}, status=401, **{"X-API-Key": "wrong"})
    problem = await say(what, {}, status=400)
    assert problem["errors"][0]["in"] == "body"
