"""The past of the played market: as the vendors tell it, the same whenever it is asked for, and met by the present."""

from __future__ import annotations

import time
from typing import Any

import pytest
from aiohttp import ClientSession

from kasparro.sandbox import Sandbox

KEY = {"Authorization": "sandbox-coinpaprika-key"}
PRO = {"x-cg-pro-api-key": "CG-sandbox-pro-key"}
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def ago(days: float) -> int:
    return int(time.time() - days * 86_400)


async def get(client: ClientSession, url: str, **headers: str) -> tuple[int, Any]:
    async with client.get(url, headers=headers) as response:
        return response.status, await response.json(content_type=None)


@pytest.mark.parametrize(
    ("days", "step", "number"),
    [
        ("1", 5 * MINUTE, 289),
        ("2", HOUR, 49),
        ("max", DAY, 1461),
        ((1, 0), 5 * MINUTE, 289),
        ((9, 8), HOUR, 24),
        ((92, 2), HOUR, 2160),
        ((94, 2), DAY, 92),
    ],
)
async def test_coingecko_tells_the_more_the_coarser(
    sandbox: Sandbox, client: ClientSession, days: str | tuple[int, int], step: int, number: int
) -> None:
    query = f"?days={days}" if isinstance(days, str) else f"/range?from={ago(days[0])}&to={ago(days[1])}"
    url = f"{sandbox.coingecko_url}/coins/bitcoin/market_chart{query}&vs_currency=usd"
    status, told = await get(client, url, **PRO)
    assert status == 200
    assert len(told["prices"]) == pytest.approx(number, abs=1)
    assert [[at for at, _ in points] for points in told.values()] == [[at for at, _ in told["prices"]]] * 3
    at = [moment for moment, _ in told["prices"]]
    assert (at[-2] - at[0]) / (len(at) - 2) == pytest.approx(step, rel=0.01)


async def test_the_past_ends_with_the_present_and_does_not_change(sandbox: Sandbox, client: ClientSession) -> None:
    url = f"{sandbox.coingecko_url}/coins/bitcoin/market_chart?vs_currency=usd&days=30"
    _, before = await get(client, url)
    sandbox.tick()
    _, after = await get(client, url)
    _, [now] = await get(client, f"{sandbox.coingecko_url}/coins/markets?vs_currency=usd&ids=bitcoin&precision=full")
    assert after["prices"][-1][1] == now["current_price"] != before["prices"][-1][1]
    assert after["prices"][1:-1] == before["prices"][1:-1]
    start = time.strftime("%Y-%m-%d", time.gmtime(ago(20)))
    path = f"/tickers/btc-bitcoin/historical?start={start}&interval=1d&limit=1"
    _, [paprika] = await get(client, sandbox.coinpaprika_url + path)
    _, gecko = await get(
        client, f"{sandbox.coingecko_url}/coins/bitcoin/market_chart/range?vs_currency=usd&from={start}&to={ago(19)}"
    )
    assert paprika["price"] == pytest.approx(gecko["prices"][0][1], rel=0.01)  # one coin, one market


async def test_coingecko_refuses_in_its_words(sandbox: Sandbox, client: ClientSession) -> None:
    coins = f"{sandbox.coingecko_url}/coins"
    old = f"market_chart/range?vs_currency=usd&from={ago(400)}&to={ago(300)}"
    status, told = await get(client, f"{coins}/bitcoin/{old}")
    assert (status, told["error"]["status"]["error_code"]) == (401, 10012)
    assert "within the past 365 days" in told["error"]["status"]["error_message"]
    assert (await get(client, f"{coins}/bitcoin/{old}", **PRO))[0] == 200
    unknown = await get(client, f"{coins}/no-coin/market_chart?vs_currency=usd&days=1")
    assert unknown == (404, {"error": "coin not found"})
    assert (await get(client, f"{coins}/bitcoin/market_chart?vs_currency=usd"))[0] == 422
    assert (await get(client, f"{coins}/bitcoin/market_chart/range?vs_currency=usd&from=yesterday&to=1"))[0] == 400


async def test_coinpaprika_gives_what_the_plan_has(sandbox: Sandbox, client: ClientSession) -> None:
    ticker = f"{sandbox.coinpaprika_url}/tickers/btc-bitcoin/historical"
    status, hours = await get(client, f"{ticker}?start={ago(0.5)}&interval=1h")
    assert (status, len(hours), list(hours[0])) == (200, 12, ["timestamp", "price", "volume_24h", "market_cap"])
    assert hours[0]["timestamp"].endswith(":00:00Z")
    for query in (f"start={ago(2)}&interval=1h", f"start={ago(0.1)}&interval=5m", f"start={ago(400)}&interval=1d"):
        status, told = await get(client, f"{ticker}?{query}")
        assert (status, told["error"][:30]) == (402, "Getting historical data before")
        assert (await get(client, f"{ticker}?{query}", **KEY))[0] == 200
    _, few = await get(client, f"{ticker}?start={ago(5)}&interval=5m&limit=7", **KEY)
    assert len(few) == 7
    for query in ("interval=1d", f"start={ago(1)}&interval=7m", f"start={ago(1)}&limit=5001", "start=never"):
        assert await get(client, f"{ticker}?{query}") == (400, {"error": "invalid parameters"})
    unknown = await get(client, f"{sandbox.coinpaprika_url}/tickers/no-coin/historical?start={ago(1)}&interval=1d")
    assert unknown == (404, {"error": "id not found"})
