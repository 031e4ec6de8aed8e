"""`/rejects`: pages, filters, and the replay that can be asked for."""

from __future__ import annotations

from typing import Any

import pytest

KEY = "täst-key"


async def ids(get: Any, query: str) -> list[int]:
    return [reject["reject_id"] for reject in await get(f"/rejects?{query}")]


async def test_rejects_are_listed_with_their_reasons(get: Any, rows: Any) -> None:
    await rows.reject("csv", 1, "a record")
    await rows.reject("csv", 2, "r" * 5000)
    await rows.reject("coingecko", 3, "{}")
    newest, long, short = await get("/rejects")
    assert newest["source"] == "coingecko"
    assert (len(long["record"]), long["is_shortened"]) == (2000, True)
    assert (short["record"], short["is_shortened"]) == ("a record", False)
    assert short["reasons"][0]["path"] == "quotes.USD.price"
    assert (short["state"], short["outcome"], short["replayed_at"]) == ("open", None, None)
    assert [reject["run_id"] for reject in await get("/rejects?source=csv&run_id=2")] == [2]
    assert len(await get("/rejects?limit=1")) == 1


async def test_pages_follow_each_other_by_their_links(client: Any, rows: Any) -> None:
    for n in range(5):
        await rows.reject("csv", 1, str(n))
    await rows.reject("coingecko", 2, "of another source")
    found: list[str] = []
    url: Any = "/rejects?source=csv&limit=2"
    while url:
        async with client.get(url) as response:
            found += [reject["record"] for reject in await response.json()]
            following = response.links.get("next")
            url = following and following["url"].relative()
            await rows.reject("csv", 9, "later than the first page")
    assert found == ["4", "3", "2", "1", "0"]


async def test_filters(get: Any, rows: Any) -> None:
    for n in range(4):
        await rows.reject("csv", n + 1, str(n))
    await rows.conn.execute("UPDATE etl_reject SET created_at = timestamptz '2026-01-01Z' + reject_id * interval '1h'")
    await rows.conn.execute("UPDATE etl_reject SET replayed_at = now(), outcome = 'stale' WHERE reject_id = 2")
    await rows.conn.execute(
        """UPDATE etl_reject SET reasons = '[{"path": "x", "message": "", "value": ""},
           {"path": "line 12: Market Cap: $", "message": "", "value": ""}]' WHERE reject_id = 3"""
    )
    assert await ids(get, "since=2026-01-01T02:00:00Z&until=2026-01-01T04:00:00%2B00:00") == [3, 2]
    assert await ids(get, "state=open") == [4, 3, 1]
    (replayed,) = await get("/rejects?state=replayed")
    assert (replayed["reject_id"], replayed["state"], replayed["outcome"]) == (2, "replayed", "stale")
    assert await ids(get, "path=quotes.USD.price") == [4, 2, 1]
    for path in "x", "Market Cap: $", "line 12: Market Cap: $":
        assert await ids(get, f"path={path}") == [3]
    assert await ids(get, "path=Market") == []
    assert await ids(get, "before=3") == [2, 1]


@pytest.mark.parametrize(
    "query", ["state=closed", "since=yesterday", "since=2026-01-01T00:00:00", "before=0", "path=%00"]
)
async def test_wrong_filters_are_400(get: Any, query: str) -> None:
    problem = await get(f"/rejects?{query}", 400)
    assert problem["errors"][0]["name"] == query.split("=")[0]


async def ask(client: Any, body: Any, key: str = KEY) -> tuple[int, Any]:
    async with client.post("/rejects/replay", json=body, headers={"X-API-Key": key}) as response:
        return response.status, await response.json(content_type=None)


async def test_replay_is_asked_for_those_that_are_open(client: Any, get: Any, rows: Any) -> None:
    for n in range(3):
        await rows.reject("csv", n + 1, str(n))
    await rows.reject("coingecko", 9, "{}")
    await rows.conn.execute("UPDATE etl_reject SET replayed_at = now(), outcome = 'stale' WHERE reject_id = 2")
    status, reply = await ask(client, {"source": "csv"})
    assert (status, reply["requested"]) == (202, 2)
    waiting = {reject["reject_id"] for reject in await get("/rejects") if reject["requested_at"]}
    assert waiting == {1, 3}
    assert (await ask(client, {"run_id": 9}))[1]["requested"] == 1
    assert (await ask(client, {"reject_ids": [1, 2, 77], "source": "csv"}))[1]["requested"] == 1


@pytest.mark.parametrize("body", [{}, {"reject_ids": []}, {"source": "nowhere"}, {"run_id": 0}, {"reject_ids": ["x"]}])
async def test_replay_of_anything_or_nothing_is_400(client: Any, body: Any) -> None:
    assert (await ask(client, body))[0] == 400


async def test_replay_needs_the_key(client: Any, get: Any, rows: Any) -> None:
    await rows.reject("csv", 1, "a record")
    assert (await ask(client, {"source": "csv"}, key="wrong"))[0] == 401
    assert (await get("/rejects"))[0]["requested_at"] is None
