"""Figures from a vendor's answer to the JSON of the API: not one digit is lost or made up on the way."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kasparro.api.keys import VERSIONS
from kasparro.domain import Entry, Response
from kasparro.sources.coingecko import CoinGecko
from kasparro.store import maintenance, tickers
from kasparro.store.pool import ingest_pool

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@st.composite
def numerals(draw: st.DrawFn) -> str:
    """JSON numbers: up to 30 digits, down to 1e-18 and further, with exponents or without, trailing zeros too."""
    whole = draw(st.integers(0, 10 ** draw(st.integers(0, 30))))
    fraction = draw(st.one_of(st.just(""), st.text("0123456789", min_size=1, max_size=30).map(".{}".format)))
    exponent = draw(st.one_of(st.just(""), st.integers(-18, 18).map("e{:+}".format), st.just("E3")))
    return f"{whole}{fraction}{exponent}"


def answer(figures: list[str]) -> Response:
    coins = (
        f'{{"id": "coin-{number}", "name": "A", "symbol": "a", "current_price": {figure}, "market_cap": {figure}, '
        f'"price_change_percentage_24h": -{figure}, "last_updated": null}}'
        for number, figure in enumerate(figures)
    )
    return Response(200, {}, f"[{','.join(coins)}]".encode(), "here", datetime.now(UTC))


async def stored(conn: Any, response: Response) -> None:
    source = CoinGecko()
    records = source.records(response)
    entries = [Entry(record.position, source.ordinary(record) or source.ticker(record)) for record in records]
    async with conn.transaction():
        origin = tickers.Origin("coingecko", 1, 1, response.fetched_at, False, LONG_AGO + timedelta(days=1))
        await tickers.clear(conn)
        await tickers.merge(conn, origin, tickers.copy_text(entries))


@pytest.fixture
async def writer(dsn: str) -> Any:
    async with ingest_pool(dsn, 1) as pool, pool.acquire() as conn:
        await maintenance.prepare(conn, ["coingecko"])
        yield conn


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(figures=st.lists(numerals(), min_size=1, max_size=40))
@example(figures=["1e-18", "0.000000000000000001", "123456789012345678901234567890", "0", "0.10", "3.84E-18"])
async def test_what_the_vendor_sent_is_what_the_json_number_says(client: Any, writer: Any, figures: list[str]) -> None:
    await writer.execute("TRUNCATE unified_crypto, price_history")
    before = client.app[VERSIONS].token
    await stored(writer, answer(figures))
    async with asyncio.timeout(20):
        while client.app[VERSIONS].token in (None, before):
            await asyncio.sleep(0.001)
    sent = {f"coin-{number}": Decimal(figure) for number, figure in enumerate(figures)}
    async with client.get("/data?page_size=100") as response:
        page = json.loads(await response.text(), parse_float=Decimal, parse_int=Decimal)
    assert {coin["coin_id"]: coin["price_usd"] for coin in page["data"]} == sent
    assert {coin["coin_id"]: coin["market_cap_usd"] for coin in page["data"]} == sent
    assert {coin["coin_id"]: coin["price_change_24h_percent"].copy_abs() for coin in page["data"]} == sent
    async with client.get("/coins/coingecko/coin-0/history") as response:
        history = json.loads(await response.text(), parse_float=Decimal, parse_int=Decimal)
    assert [tick["price_usd"] for tick in history["data"]] == [sent["coin-0"]]
