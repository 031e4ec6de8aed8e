"""Every fault does what its name says."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta

import aiohttp
import pytest
from aiohttp import ClientSession

from kasparro.errors import Malformed, Rejected
from kasparro.sandbox import Sandbox, faults
from kasparro.sandbox.tampering import POISONS
from kasparro.sources import json_list
from kasparro.sources.coingecko import CoinGecko
from kasparro.sources.coinpaprika import CoinPaprika

MARKETS = "/coins/markets?vs_currency=usd&per_page=250"


async def ask(
    client: ClientSession, sandbox: Sandbox, fault: faults.Fault
) -> tuple[int, bytes, aiohttp.ClientResponse]:
    sandbox.fail("coingecko", fault)
    async with client.get(sandbox.coingecko_url + MARKETS, allow_redirects=False) as response:
        assert response.headers["X-Kasparro-Simulated"] == "1"
        return response.status, await response.read(), response


async def test_latency(sandbox: Sandbox, client: ClientSession) -> None:
    started = time.monotonic()
    status, _, _ = await ask(client, sandbox, faults.Latency(0.1))
    assert status == 200
    assert time.monotonic() - started >= 0.1


async def test_rate_limited(sandbox: Sandbox, client: ClientSession) -> None:
    status, body, response = await ask(client, sandbox, faults.RateLimited(30))
    assert (status, response.headers["Retry-After"]) == (429, "30")
    assert b'"error_code":429' in body
    status, body, response = await ask(client, sandbox, faults.RateLimited(html=True))
    assert (status, response.content_type, "Retry-After" in response.headers) == (429, "text/html", False)


async def test_each_vendor_fails_in_its_own_words(sandbox: Sandbox, client: ClientSession) -> None:
    for fault, paprika, gecko in [
        (faults.RateLimited(), 429, 429),
        (faults.ServerError(502), 502, 502),
        (faults.Unauthorized(), 403, 401),
        (faults.PaymentRequired(), 402, 401),
    ]:
        sandbox.fail("coinpaprika", fault)
        async with client.get(f"{sandbox.coinpaprika_url}/tickers") as response:
            assert (response.status, (await response.json()).keys()) == (paprika, {"error"})
        assert (await ask(client, sandbox, fault))[0] == gecko


async def test_answers_that_are_none(sandbox: Sandbox, client: ClientSession) -> None:
    for fault in (faults.Envelope(), faults.Html()):
        status, body, _ = await ask(client, sandbox, fault)
        assert status == 200
        with pytest.raises(Malformed):
            list(json_list.read("coingecko", body))
    assert (await ask(client, sandbox, faults.Empty()))[:2] == (200, b"[]")


async def test_redirect(sandbox: Sandbox, client: ClientSession) -> None:
    status, _, response = await ask(client, sandbox, faults.Redirect("https://elsewhere.invalid/"))
    assert (status, response.headers["Location"]) == (302, "https://elsewhere.invalid/")


async def test_literal(sandbox: Sandbox, client: ClientSession) -> None:
    status, body, response = await ask(client, sandbox, faults.Literal(418, {"X-Pot": "tea"}, b"\xff"))
    assert (status, body, response.headers["X-Pot"]) == (418, b"\xff", "tea")


@pytest.mark.parametrize("fault", [faults.Truncated(), faults.Reset()])
async def test_bodies_that_break_off(sandbox: Sandbox, client: ClientSession, fault: faults.Fault) -> None:
    with pytest.raises(aiohttp.ClientError):
        await ask(client, sandbox, fault)
    async with client.get(sandbox.coingecko_url + MARKETS) as response:
        assert response.status == 200


async def test_slow_drip(sandbox: Sandbox, client: ClientSession) -> None:
    started = time.monotonic()
    _, body, _ = await ask(client, sandbox, faults.SlowDrip(pause=0.01, size=20_000))
    assert len(list(json_list.read("coingecko", body))) == 250
    assert time.monotonic() - started >= 0.05


async def test_gzip_bomb(sandbox: Sandbox, client: ClientSession) -> None:
    sandbox.fail("coingecko", faults.GzipBomb(20))
    async with (
        aiohttp.ClientSession(auto_decompress=False) as raw,
        raw.get(sandbox.coingecko_url + MARKETS) as response,
    ):
        assert response.headers["Content-Encoding"] == "gzip"
        assert len(await response.read()) < 100_000
    _, body, _ = await ask(client, sandbox, faults.GzipBomb(20))
    assert (len(body), body.strip(b"[ ]")) == (20_000_002, b"")


async def test_drift(client: ClientSession) -> None:
    shape = faults.Drift(
        rename={"quotes.USD.price": "cost"}, drop=["rank"], add={"new": 1}, types={"total_supply": "string"}
    )
    async with Sandbox(coins=40, drift={"coinpaprika": shape}) as sandbox:
        for _ in range(2):
            async with client.get(f"{sandbox.coinpaprika_url}/tickers") as response:
                records = await response.json()
    for record in records:
        assert "rank" not in record
        assert record["new"] == 1
        assert isinstance(record["total_supply"], str)
        assert "cost" in record["quotes"]["USD"]
        assert "price" not in record["quotes"]["USD"]


async def test_flip_has_the_same_keys_and_other_values(sandbox: Sandbox, client: ClientSession) -> None:
    async with client.get(sandbox.coingecko_url + MARKETS) as response:
        honest = await response.json()
    _, body, _ = await ask(client, sandbox, faults.Flip())
    flipped = json.loads(body)
    assert [record.keys() for record in flipped] == [record.keys() for record in honest]
    for before, now in zip(honest, flipped, strict=True):
        assert before["current_price"] == now["current_price"]
        if before["ath_date"]:
            moved = datetime.fromisoformat(before["ath_date"]) - datetime.fromisoformat(now["ath_date"])
            assert timedelta(hours=8) <= moved < timedelta(hours=8, seconds=1)
        if before["last_updated"]:
            assert now["last_updated"].endswith("0.000Z")
        if before["price_change_percentage_24h"] is not None:
            assert now["price_change_percentage_24h"] == round(before["price_change_percentage_24h"], 1)


@pytest.mark.parametrize("kind", sorted(POISONS.keys() - {"duplicate"}))
@pytest.mark.parametrize("source", [CoinPaprika(), CoinGecko()])
async def test_poison_is_rejected_and_the_page_goes_on(
    sandbox: Sandbox, client: ClientSession, kind: str, source: CoinPaprika | CoinGecko
) -> None:
    sandbox.fail(source.name, faults.Poison(positions=[3], kinds=[kind]))
    base = {"coinpaprika": f"{sandbox.coinpaprika_url}/tickers", "coingecko": sandbox.coingecko_url + MARKETS}
    async with client.get(base[source.name]) as response:
        records = list(json_list.read(source.name, await response.read()))
    for record in records:
        if record.position == 3:
            with pytest.raises(Rejected):
                source.ticker(record)
        else:
            source.ticker(record)


async def test_every_tenth_is_poisoned(sandbox: Sandbox, client: ClientSession) -> None:
    _, body, _ = await ask(client, sandbox, faults.Poison(every=10, kinds=["duplicate"]))
    records = [json_list.value(record) for record in json_list.read("coingecko", body)]
    assert [at for at, record in enumerate(records) if at and record == records[0]] == list(range(9, 250, 10))
