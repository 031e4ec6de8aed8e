"""The sandbox as a whole: what it records, the order of faults, its own endpoints, the clock."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import ClientSession

from kasparro.sandbox import Sandbox, faults


async def status(client: ClientSession, url: str) -> int:
    async with client.get(url) as response:
        await response.read()
        return response.status


async def test_calls_are_recorded(sandbox: Sandbox, client: ClientSession) -> None:
    await client.get(f"{sandbox.coinpaprika_url}/tickers?quotes=USD", headers={"Authorization": "sesame"})
    await client.get(f"{sandbox.coingecko_url}/ping", headers={"x-cg-demo-api-key": "sesame"})
    first, second = sandbox.calls
    assert (first.vendor, first.path, first.query) == ("coinpaprika", "/tickers", {"quotes": "USD"})
    assert first.headers["authorization"] == second.headers["x-cg-demo-api-key"] == "sesame"
    assert first.at < second.at
    assert sandbox.asked("coingecko", "/ping") == [second]


async def test_faults_come_in_order_and_run_out(sandbox: Sandbox, client: ClientSession) -> None:
    sandbox.fail("coingecko", faults.ServerError(500), times=None)
    sandbox.fail("coingecko", faults.ServerError(502), times=2)
    sandbox.fail("coingecko", faults.ServerError(503))
    url = f"{sandbox.coingecko_url}/ping"
    assert [await status(client, url) for _ in range(5)] == [502, 502, 503, 500, 500]
    assert await status(client, f"{sandbox.coinpaprika_url}/tickers") == 200
    sandbox.heal("coingecko")
    assert await status(client, url) == 200


async def test_faults_choose_their_calls(sandbox: Sandbox, client: ClientSession) -> None:
    sandbox.fail("coingecko", faults.ServerError(500), on=lambda call: call.query.get("page") == "3")
    url = f"{sandbox.coingecko_url}/coins/markets?vs_currency=usd&page="
    assert [await status(client, f"{url}{page}") for page in (1, 2, 3, 3)] == [200, 200, 500, 200]


async def test_an_unknown_vendor_is_an_error(sandbox: Sandbox) -> None:
    with pytest.raises(KeyError):
        sandbox.fail("kraken", faults.Html())  # type: ignore[arg-type]  # the point of the test


async def test_control_over_http(sandbox: Sandbox, client: ClientSession) -> None:
    wish = {"vendor": "coingecko", "fault": "RateLimited", "with": {"retry_after": 9}, "query": {"page": "2"}}
    async with client.post(f"{sandbox.control_url}/faults", json=wish) as response:
        assert (response.status, (await response.json())["times"]) == (200, 1)
        assert response.headers["X-Kasparro-Simulated"] == "1"
    url = f"{sandbox.coingecko_url}/coins/markets?vs_currency=usd&page="
    assert [await status(client, f"{url}{page}") for page in (1, 2, 2)] == [200, 429, 200]
    async with client.post(f"{sandbox.control_url}/tick") as response:
        assert (await response.json())["moved"] > 100
    async with client.get(f"{sandbox.control_url}/calls") as response:
        assert [call["query"]["page"] for call in await response.json()] == ["1", "2", "2"]


@pytest.mark.parametrize(
    "wish",
    [{}, {"vendor": "kraken", "fault": "Html"}, {"vendor": "coingecko", "fault": "Html", "with": {"x": 1}}],
)
async def test_control_refuses_nonsense(sandbox: Sandbox, client: ClientSession, wish: dict) -> None:
    async with client.post(f"{sandbox.control_url}/faults", json=wish) as response:
        assert response.status == 400


async def test_faults_can_be_healed_over_http(sandbox: Sandbox, client: ClientSession) -> None:
    sandbox.fail("coingecko", faults.Html(), times=None)
    await client.delete(f"{sandbox.control_url}/faults")
    async with client.get(f"{sandbox.coingecko_url}/ping") as response:
        assert response.content_type == "application/json"


async def test_answers_change_with_the_market_only(sandbox: Sandbox, client: ClientSession) -> None:
    async def body() -> bytes:
        async with client.get(f"{sandbox.coinpaprika_url}/tickers") as response:
            return await response.read()

    before = await body()
    assert await body() == before
    sandbox.tick()
    assert await body() != before


async def test_the_market_moves_by_itself() -> None:
    async with Sandbox(coins=40, tick_every=0.01) as sandbox:
        await asyncio.sleep(0.2)
        assert sandbox.market.version >= 2


async def test_it_closes_while_an_answer_is_on_its_way(client: ClientSession) -> None:
    async with Sandbox(coins=40) as sandbox:
        sandbox.fail("coingecko", faults.Latency(60))
        late = asyncio.create_task(status(client, f"{sandbox.coingecko_url}/ping"))
        await asyncio.sleep(0.1)
    with pytest.raises(OSError):  # noqa: PT011  # aiohttp's disconnect, whichever of its kinds
        await late
