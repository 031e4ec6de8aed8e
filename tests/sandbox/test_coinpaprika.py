"""CoinPaprika over HTTP: one answer for all coins, the plans, and its errors."""

from __future__ import annotations

import json

from aiohttp import ClientSession

from kasparro.sandbox import Sandbox
from kasparro.sources import json_list
from kasparro.sources.coinpaprika import CoinPaprika

KEY = {"Authorization": "sandbox-coinpaprika-key"}


async def test_tickers_lists_all_coins_and_the_source_reads_them(sandbox: Sandbox, client: ClientSession) -> None:
    async with client.get(f"{sandbox.coinpaprika_url}/tickers?quotes=USD") as response:
        body = await response.read()
        assert response.headers["X-Kasparro-Simulated"] == "1"
        assert response.headers["Content-Type"] == "application/json; charset=UTF-8"
    source = CoinPaprika()
    assert len({source.ticker(record).coin_id for record in json_list.read("coinpaprika", body)}) == 300
    assert b"circulating_supply" not in body
    assert b'"price":3.84e-18' in body


async def test_a_key_adds_the_supply_and_lifts_the_cap(client: ClientSession) -> None:
    async with Sandbox(coins=60, free_cap=50) as sandbox:
        url = f"{sandbox.coinpaprika_url}/tickers"
        free = await (await client.get(url)).json()
        raw = await (await client.get(url, headers=KEY)).json()
        bearer = {"Authorization": "Bearer sandbox-coinpaprika-key"}
        assert raw == await (await client.get(url, headers=bearer)).json()
    assert (len(free), len(raw)) == (50, 60)
    assert all("circulating_supply" in record for record in raw)


async def test_the_cap_can_be_lifted_for_all(client: ClientSession) -> None:
    async with Sandbox(coins=60, free_cap=None) as sandbox:
        assert len(await (await client.get(f"{sandbox.coinpaprika_url}/tickers")).json()) == 60


async def test_an_unknown_key_is_refused(sandbox: Sandbox, client: ClientSession) -> None:
    async with client.get(f"{sandbox.coinpaprika_url}/tickers", headers={"Authorization": "nonsense"}) as response:
        assert (response.status, await response.json()) == (403, {"error": "invalid API key"})


async def test_quotes(sandbox: Sandbox, client: ClientSession) -> None:
    async with client.get(f"{sandbox.coinpaprika_url}/tickers/btc-bitcoin?quotes=BTC,EUR,USD") as response:
        quotes = (await response.json())["quotes"]
    assert list(quotes) == ["BTC", "EUR", "USD"]
    assert quotes["USD"]["price"] > quotes["EUR"]["price"] > quotes["BTC"]["price"]
    for wrong in ("USD,EUR,BTC,ETH", "XXX"):
        async with client.get(f"{sandbox.coinpaprika_url}/tickers?quotes={wrong}") as response:
            assert response.status == 400


async def test_errors_have_the_vendors_shape(sandbox: Sandbox, client: ClientSession) -> None:
    async with client.get(f"{sandbox.coinpaprika_url}/tickers/no-such-coin") as response:
        assert (response.status, await response.json()) == (404, {"error": "id not found"})
    async with client.get(f"{sandbox.coinpaprika_url}/nowhere") as response:
        assert (response.status, await response.json()) == (404, {"error": "not found"})
    async with client.get(f"{sandbox.coinpaprika_url}/key/info") as response:
        assert response.status == 402


async def test_a_trailing_slash_is_redirected(sandbox: Sandbox, client: ClientSession) -> None:
    url = f"{sandbox.coinpaprika_url}/tickers/?quotes=USD"
    async with client.get(url, allow_redirects=False) as response:
        assert response.status == 301
        assert response.headers["Location"] == "/coinpaprika/v1/tickers?quotes=USD"
        assert response.content_type == "text/html"
        assert response.headers["X-Kasparro-Simulated"] == "1"
        assert await response.text() == '<a href="/coinpaprika/v1/tickers?quotes=USD">Moved Permanently</a>.\n\n'


async def test_the_neighbours(sandbox: Sandbox, client: ClientSession) -> None:
    async with client.get(f"{sandbox.coinpaprika_url}/coins") as response:
        assert len(await response.json()) == 300
    async with client.get(f"{sandbox.coinpaprika_url}/global") as response:
        assert (await response.json())["cryptocurrencies_number"] == 300
    async with client.get(f"{sandbox.coinpaprika_url}/contracts/eth-ethereum") as response:
        assert (await response.json())[0].keys() == {"address", "id", "type", "active"}
    async with client.get(f"{sandbox.coinpaprika_url}/contracts/nothing") as response:
        assert response.status == 404
    async with client.get(f"{sandbox.coinpaprika_url}/key/info", headers=KEY) as response:
        assert (await response.json())["usage"]["current_month"]["requests_made"] == 5


async def test_twenty_thousand_coins(client: ClientSession) -> None:
    async with (
        Sandbox(coins=20_000) as sandbox,
        client.get(f"{sandbox.coinpaprika_url}/tickers", headers=KEY) as response,
    ):
        assert len(json.loads(await response.read())) == 20_000
