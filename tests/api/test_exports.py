"""Exports: all rows of one snapshot, digit for digit, whole or visibly not; nobody else waits for them."""

from __future__ import annotations

import asyncio
import csv
import gc
import io
import json
from decimal import Decimal
from typing import Any

import psutil
import pytest
from aiohttp import ClientPayloadError, web

from kasparro.api import exports
from kasparro.api.data_query import FIELDS
from kasparro.api.keys import POOL, VERSIONS

ODD = 'quote " comma , newline \n back \\ tab \t bell \x07 \x01\x02 end \\. 🚀'
MANY = """
INSERT INTO unified_crypto (source, coin_id, name, symbol, price_usd, observed_at, fetched_at, run_id, raw_id,
    raw_position)
SELECT 'csv', 'coin-' || n, repeat('name ', 20) || n, 'S', n + 0.10, now(), now(), 1, 1, 0
FROM generate_series(1, 100000) AS n
"""


@pytest.fixture
async def filled(rows: Any) -> None:
    await rows.coin("csv", "odd", name=ODD, price="0.00000000000000000384", rank=3)
    await rows.coin("coingecko", "b", price="123456789012345678901234567890.10", symbol=None)
    for month in (1, 2, 3):
        await rows.tick("csv", "odd", f"2026-{month:02}-01T00:00:00Z", f"{month}.50")


@pytest.fixture
def text(client: Any) -> Any:
    """The text behind a path."""

    async def fetch(path: str, **headers: str) -> str:
        async with client.get(path, headers=headers) as response:
            assert response.status == 200, await response.text()
            return str(await response.text())

    return fetch


@pytest.mark.usefixtures("filled")
async def test_csv_has_every_field_of_every_coin(text: Any) -> None:
    coins = list(csv.DictReader(io.StringIO(await text("/data?format=csv"), newline="")))
    assert {tuple(coin) for coin in coins} == {FIELDS}
    told = {coin["coin_id"]: (coin["name"], coin["price_usd"], coin["symbol"]) for coin in coins}
    assert told["odd"] == (ODD, "0.00000000000000000384", "SYM")
    assert told["b"] == ("A coin", "123456789012345678901234567890.10", "")


@pytest.mark.usefixtures("filled")
async def test_ndjson_has_the_same_coins_as_json(text: Any) -> None:
    lines = (await text("/data?format=ndjson")).splitlines()
    assert [list(json.loads(line)) for line in lines] == [list(FIELDS)] * 2
    everything = json.loads(await text(f"/data?fields={','.join(FIELDS)}"), parse_float=Decimal)["data"]
    exported = [json.loads(line, parse_float=Decimal) for line in lines]
    assert sorted(exported, key=lambda coin: coin["id"]) == sorted(everything, key=lambda coin: coin["id"])


@pytest.mark.usefixtures("filled")
async def test_history_is_exported_too(text: Any) -> None:
    page = json.loads(await text("/coins/csv/odd/history"))["data"]
    lines = (await text("/coins/csv/odd/history?format=ndjson")).splitlines()
    assert [json.loads(line) for line in lines] == page
    table = list(csv.DictReader(io.StringIO(await text("/coins/csv/odd/history?format=csv&from=2026-02-01T00:00:00Z"))))
    assert [tick["price_usd"] for tick in table] == ["3.50", "2.50"]


@pytest.mark.usefixtures("filled")
async def test_filters_apply_and_nothing_may_be_exported(text: Any) -> None:
    assert [json.loads(line)["coin_id"] for line in (await text("/data?format=ndjson&rank_lte=5")).splitlines()] == [
        "odd"
    ]
    assert await text("/data?format=ndjson&q=nothing") == ""
    assert (await text("/data?format=csv&q=nothing")).splitlines() == [",".join(FIELDS)]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv", "text/csv"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("text/csv;q=0.5, application/json", "application/json"),
        ("text/csv, */*;q=0.1", "text/csv"),
        ("application/x-ndjson, text/csv;q=0.9", "application/x-ndjson"),
        ("*/*", "application/json"),
        ("text/csv;q=x", "application/json"),
    ],
)
async def test_accept_chooses_and_format_counts_more(client: Any, accept: str, kind: str) -> None:
    async with client.get("/data", headers={"Accept": accept}) as response:
        assert (response.status, response.content_type) == (200, kind)
        assert response.headers["Vary"] == "Accept, Accept-Encoding"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert len(response.headers["X-Request-ID"]) == 32
    async with client.get("/data?format=json", headers={"Accept": accept}) as response:
        assert response.content_type == "application/json"


@pytest.mark.parametrize(
    "query",
    ["format=xml", "format=csv&sort=rank", "format=csv&page=2", "format=ndjson&fields=id", "format=csv&cursor=x",
     "format=csv&format=json"],
)  # fmt: skip
async def test_what_does_not_go_with_an_export_is_named(get: Any, query: str) -> None:
    problem = await get(f"/data?{query}", status=400)
    assert problem["errors"][0]["name"] == query.split("&")[-1].split("=")[0]


async def test_an_unknown_coin_is_a_problem_and_no_file(get: Any) -> None:
    assert "csv has no coin" in (await get("/coins/csv/x/history?format=csv", status=404))["detail"]


@pytest.mark.usefixtures("filled")
async def test_an_export_has_a_tag_a_name_and_a_head(client: Any) -> None:
    async with asyncio.timeout(20):
        while not client.app[VERSIONS].token:
            await asyncio.sleep(0.01)
    packed = {"Accept-Encoding": "gzip"}
    async with client.get("/data?format=csv", headers=packed) as response:
        assert response.headers["Content-Disposition"] == 'attachment; filename="coins.csv"'
        assert response.headers["Content-Encoding"] == "gzip"
        tag = response.headers["ETag"]
    async with client.get("/data?format=csv", headers={"If-None-Match": tag} | packed) as response:
        assert response.status == 304
    async with client.get("/data?format=csv", headers={"If-None-Match": tag, "Accept-Encoding": "identity"}) as plain:
        assert (plain.status, plain.headers.get("Content-Encoding")) == (200, None)
    async with client.head("/data?format=csv", headers=packed) as response:
        assert (response.status, response.content_type, response.headers["ETag"]) == (200, "text/csv", tag)


async def slowly(client: Any, path: str = "/data?format=csv") -> Any:
    """An export under way, of which a little has been read."""
    response = await client.get(path, headers={"Accept-Encoding": "identity"})
    assert response.status == 200
    await response.content.readany()
    return response


async def copies(rows: Any) -> int:
    count: int = await rows.conn.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY %' "
        "AND state = 'active'"
    )
    return count


async def settled(rows: Any) -> None:
    async with asyncio.timeout(20):
        while await copies(rows):
            await asyncio.sleep(0.01)


async def ended(client: Any) -> dict[str, int]:
    async with client.get("/metrics") as response:
        lines = (await response.text()).splitlines()
    found = [line for line in lines if line.startswith("kasparro_http_exports_total{")]
    return {line.split('"')[1]: int(float(line.split()[-1])) for line in found}


async def test_an_export_sees_one_snapshot_and_holds_nothing(client: Any, rows: Any) -> None:
    await rows.conn.execute(MANY)
    gc.collect()
    before = psutil.Process().memory_info().rss
    response = await slowly(client)
    await rows.conn.execute("UPDATE unified_crypto SET price_usd = 0")
    await rows.coin("csv", "late")
    lines, peak = 0, before
    async for chunk in response.content.iter_chunked(1 << 16):
        lines += chunk.count(b"\n")
        assert b",0,," not in chunk
        peak = max(peak, psutil.Process().memory_info().rss)
    assert 90_000 < lines <= 100_001
    assert peak - before < 20 * 1024 * 1024  # the file has 25 MB
    assert (await ended(client))["done"] == 1


async def test_others_are_served_while_a_client_takes_its_time(client: Any, rows: Any, get: Any) -> None:
    await rows.conn.execute(MANY)
    slow = [await slowly(client) for _ in range(exports.AT_ONCE)]
    assert await copies(rows) == exports.AT_ONCE
    async with client.get("/data?format=csv") as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "5")
    assert (await get("/data?source=coingecko"))["total"] == 0
    for response in slow:
        response.close()
    async with asyncio.timeout(20):
        while (await ended(client))["gone"] < 2:
            await asyncio.sleep(0.05)
    assert (await ended(client)) == {"done": 0, "gone": 2, "broken": 0, "refused": 1}
    await settled(rows)
    assert client.app[POOL].get_size() - client.app[POOL].get_idle_size() == 1  # who listens


async def test_a_client_that_takes_nothing_is_given_up(client: Any, rows: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(exports, "_STALL", 0.2)
    await rows.conn.execute(MANY)
    response = await slowly(client)
    await settled(rows)
    with pytest.raises(ClientPayloadError):
        await response.read()
    assert (await ended(client))["gone"] == 1


async def test_a_client_that_does_not_take_the_end_is_given_up(
    client: Any, text: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "_STALL", 0.2)
    with monkeypatch.context() as stalled:
        stalled.setattr(web.StreamResponse, "write_eof", lambda *_: asyncio.sleep(60))
        response = await client.get("/data?format=csv", headers={"Accept-Encoding": "identity"})
        with pytest.raises(ClientPayloadError):
            await response.read()
    assert (await ended(client))["gone"] == 1
    assert await text("/data?format=csv")


@pytest.mark.parametrize("encoding", ["identity", "gzip", "br", "zstd"])
async def test_a_late_failure_is_seen_as_truncation(client: Any, rows: Any, encoding: str) -> None:
    await rows.conn.execute(MANY)
    asked = {"Accept-Encoding": encoding}
    response = await client.get("/data?format=csv", headers=asked, auto_decompress=False)
    await response.content.readany()
    await rows.conn.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query LIKE 'COPY %'")
    with pytest.raises(ClientPayloadError):
        await response.read()
    assert (await ended(client))["broken"] == 1


async def test_an_early_failure_is_a_problem(client: Any, rows: Any, get: Any) -> None:
    await rows.conn.execute("DROP FUNCTION coins_matching CASCADE")
    assert (await get("/data?format=csv", status=500))["title"] == "Internal Server Error"
