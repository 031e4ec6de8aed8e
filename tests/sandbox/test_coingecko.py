"""CoinGecko over HTTP: pages, parameters, keys and headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import ClientSession

from kasparro.sandbox import Sandbox
from kasparro.sources import json_list
from kasparro.sources.coingecko import CoinGecko


async def ask(client: ClientSession, sandbox: Sandbox, path: str, **options: Any) -> tuple[int, Any, Mapping[str, str]]:
    async with client.get(sandbox.coingecko_url + path, **options) as response:
        assert response.headers["X-Kasparro-Simulated"] == "1"
        return response.status, await response.json(), response.headers


async def test_pages_to_the_end_cover_every_coin_once(sandbox: Sandbox, client: ClientSession) -> None:
    source, seen = CoinGecko(), []
    for page in range(1, 10):
        url = f"{sandbox.coingecko_url}/coins/markets?vs_currency=usd&per_page=70&page={page}&precision=full"
        async with client.get(url) as response:
            found = [source.ticker(record).coin_id for record in json_list.read("coingecko", await response.read())]
        seen += found
        if not found:
            break
    assert page == 6
    assert len(seen) == len(set(seen)) == 300


async def test_headers_are_the_vendors(sandbox: Sandbox, client: ClientSession) -> None:
    _, _, headers = await ask(client, sandbox, "/coins/markets?vs_currency=usd")
    assert headers["ETag"].startswith('W/"')
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert "X-Request-Id" in headers
    assert "max-age=30" in headers["Cache-Control"]
    assert not [name for name in headers if name.lower().startswith("x-ratelimit")]


@pytest.mark.parametrize(("query", "rows"), [("", 100), ("&per_page=251", 250), ("&per_page=0", 1), ("&page=99", 0)])
async def test_page_sizes(sandbox: Sandbox, client: ClientSession, query: str, rows: int) -> None:
    _, body, _ = await ask(client, sandbox, f"/coins/markets?vs_currency=usd{query}")
    assert len(body) == rows


@pytest.mark.parametrize(
    ("query", "status", "error"),
    [("", 422, "Missing parameter vs_currency"), ("?vs_currency=xxx", 400, "invalid vs_currency")],
)
async def test_the_currency_is_required(
    sandbox: Sandbox, client: ClientSession, query: str, status: int, error: str
) -> None:
    assert (await ask(client, sandbox, f"/coins/markets{query}"))[:2] == (status, {"error": error})


async def test_ids_leave_out_the_unknown(sandbox: Sandbox, client: ClientSession) -> None:
    _, body, _ = await ask(client, sandbox, "/coins/markets?vs_currency=usd&ids=ethereum,bitcoin,nothing")
    assert [row["id"] for row in body] == ["bitcoin", "ethereum"]


async def test_orders(sandbox: Sandbox, client: ClientSession) -> None:
    path = "/coins/markets?vs_currency=usd&per_page=250&order="
    ids = [row["id"] for row in (await ask(client, sandbox, path + "id_asc"))[1]]
    volumes = [row["total_volume"] or 0 for row in (await ask(client, sandbox, path + "volume_desc"))[1]]
    assert ids == sorted(ids)
    assert volumes == sorted(volumes, reverse=True)


async def test_precision(sandbox: Sandbox, client: ClientSession) -> None:
    path = "/coins/markets?vs_currency=usd&ids=sim-coin-00001&precision="
    full, two, default = [(await ask(client, sandbox, path + each))[1][0] for each in ("full", "2", "")]
    assert two["current_price"] == round(full["current_price"], 2)
    assert len(repr(default["current_price"])) < len(repr(full["current_price"]))


async def test_extras(sandbox: Sandbox, client: ClientSession) -> None:
    path = "/coins/markets?vs_currency=eur&ids=bitcoin&sparkline=true&price_change_percentage=1h,7d"
    row = (await ask(client, sandbox, path))[1][0]
    assert len(row["sparkline_in_7d"]["price"]) == 168
    assert {"price_change_percentage_1h_in_currency", "price_change_percentage_7d_in_currency"} <= row.keys()
    assert row["current_price"] < 62_900


async def test_keys(sandbox: Sandbox, client: ClientSession) -> None:
    good = {"x-cg-demo-api-key": "CG-sandbox-demo-key"}
    assert (await ask(client, sandbox, "/ping", headers=good))[:2] == (
        200,
        {"gecko_says": "(V3) To the Moon!"},
    )
    status, body, _ = await ask(client, sandbox, "/ping", headers={"x-cg-demo-api-key": "nonsense"})
    assert (status, body["status"]["error_code"]) == (401, 10002)
    assert body["status"]["error_message"] == "API Key Missing"
    status, body, _ = await ask(client, sandbox, "/ping", headers={"x-cg-pro-api-key": "CG-sandbox-demo-key"})
    assert (status, body["status"]["error_code"]) == (400, 10011)
    status, body, _ = await ask(client, sandbox, "/ping?x_cg_demo_api_key=CG-sandbox-pro-key")
    assert (status, body["status"]["error_code"]) == (400, 10010)


async def test_usage_is_for_paying_customers(sandbox: Sandbox, client: ClientSession) -> None:
    status, body, _ = await ask(client, sandbox, "/key")
    assert (status, body["status"]["error_code"]) == (401, 10005)
    _, body, _ = await ask(client, sandbox, "/key", headers={"x-cg-pro-api-key": "CG-sandbox-pro-key"})
    assert body["current_total_monthly_calls"] == 2


async def test_the_neighbours(sandbox: Sandbox, client: ClientSession) -> None:
    assert len((await ask(client, sandbox, "/coins/list"))[1]) == 300
    assert "platforms" in (await ask(client, sandbox, "/coins/list?include_platform=true"))[1][0]
    assert (await ask(client, sandbox, "/global"))[1]["data"]["active_cryptocurrencies"] == 300
    path = "/simple/price?ids=bitcoin,nothing&vs_currencies=usd,eur&include_market_cap=true"
    prices = (await ask(client, sandbox, path))[1]
    assert prices.keys() == {"bitcoin"}
    assert prices["bitcoin"].keys() == {"usd", "usd_market_cap", "eur", "eur_market_cap"}
    assert (await ask(client, sandbox, "/nowhere"))[0] == 404


async def test_the_limit_of_a_minute(client: ClientSession) -> None:
    clock = [1_785_000_000.0]
    async with Sandbox(coins=40, per_minute={"coingecko": 2}, now=lambda: clock[0]) as sandbox:
        statuses = [(await ask(client, sandbox, "/ping"))[0] for _ in range(2)]
        clock[0] += 20
        status, body, headers = await ask(client, sandbox, "/ping")
        assert (statuses, status, headers["Retry-After"]) == ([200, 200], 429, "40")
        assert body["status"]["error_code"] == 429
        clock[0] += 40
        assert (await ask(client, sandbox, "/ping"))[0] == 200
