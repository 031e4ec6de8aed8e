"""`/api/v3`: what CoinGecko's clients are told where the vendor itself cannot be asked the same."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from kasparro.api.total_schemas import Global
from kasparro.api.v3 import schemas, spans
from kasparro.store.pool import Pool

from .conftest import Client, Rows

GECKO = "coingecko"
NOW = datetime(2026, 3, 20, 12, 3, tzinfo=UTC)
DAY = timedelta(days=1)
Get = Callable[..., Awaitable[Any]]


@pytest.mark.parametrize(
    ("days", "interval", "stretch"),
    [
        (1, None, spans.MINUTES),
        (2, None, spans.HOUR),
        (90, None, spans.HOUR),
        (91, None, spans.DAY),
        (None, None, spans.DAY),
        (10, "5m", spans.MINUTES),
        (11, "5m", None),
        (101, "hourly", None),
        (None, "hourly", None),
        (None, "daily", spans.DAY),
    ],
)
def test_chart_is_as_fine_as_coingeckos(days: int | None, interval: str | None, stretch: timedelta | None) -> None:
    since = None if days is None else NOW - days * DAY
    if stretch is None:
        with pytest.raises(spans.TooLong):
            spans.chart(since, NOW, interval, NOW)
        return
    assert spans.chart(since, NOW, interval, NOW) == (since, NOW, stretch)
    assert spans.chart(NOW - 300 * DAY, NOW - 299 * DAY, None, NOW).stretch == spans.HOUR


def test_moments_are_unix_seconds_or_iso() -> None:
    assert spans.moment("1767225600") == spans.moment("2026-01-01") == spans.moment("2026-01-01T01:00:00+01:00")
    for text in ("", "yesterday", "1e300"):
        with pytest.raises(ValueError, match=r".*"):
            spans.moment(text)


@pytest.fixture
async def market(rows: Rows) -> Rows:
    """Bitcoin, Ether, a dear token of no worth, two that share a symbol, and a coin that is gone."""
    await rows.coin(GECKO, "bitcoin", name="Bitcoin", symbol="btc", rank=1, price="50000", cap="1e12", change="10")
    await rows.coin(GECKO, "ethereum", symbol="eth", rank=2, price="2500.000", cap="3e11", change="-12")
    await rows.coin(GECKO, "pepe", name="Pepe", symbol="pepe", rank=3, price="1e-8", cap="4e9", change=None)
    await rows.coin(GECKO, "pepe-2", name="Pepe", symbol="PEPE", price=None, cap="5")
    await rows.coin(GECKO, "gone", name="Gone", symbol="gone", cap="9e13")
    await rows.coin("coinpaprika", "btc-bitcoin", name="Bitcoin", symbol="BTC", price="1", cap="1")
    await rows.absence(GECKO, "gone", confirmed=True)
    await rows.absence(GECKO, "pepe", confirmed=False)
    return rows


async def exact(client: Client, path: str) -> Any:
    async with client.get(path) as response:
        assert response.status == 200, await response.text()
        return json.loads(await response.text(), parse_float=Decimal, parse_int=Decimal)


async def test_prices_in_dollars_keep_every_digit_and_in_coins_are_quotients(market: Rows, client: Client) -> None:
    asked = "/api/v3/simple/price?vs_currencies=USD,btc,sats&include_24hr_change=true&ids="
    told = await exact(client, asked + "ethereum,pepe,gone,never")
    assert list(told) == ["ethereum", "pepe"]
    assert str(told["ethereum"]["usd"]) == "2500.000"
    assert (told["ethereum"]["btc"], told["ethereum"]["sats"]) == (Decimal("0.05"), 5_000_000)
    assert (told["ethereum"]["usd_24h_change"], told["ethereum"]["btc_24h_change"]) == (-12, -20)  # 0.88 / 1.1
    assert told["pepe"] == {
        **{"usd": Decimal("1E-8"), "usd_24h_change": None, "btc": Decimal("2E-13"), "btc_24h_change": None},
        **{"sats": Decimal("0.00002"), "sats_24h_change": None},
    }
    assert (await exact(client, asked + "ethereum&precision=1"))["ethereum"]["btc"] == Decimal("0.1")
    by_symbol = "/api/v3/simple/price?vs_currencies=usd&symbols=Pepe"
    assert list(await exact(client, by_symbol)) == ["pepe"]
    assert await exact(client, by_symbol + "&include_tokens=all") == {
        "pepe": {"usd": Decimal("1E-8")},
        "pepe-2": {"usd": None},
    }
    assert await exact(client, "/api/v3/simple/supported_vs_currencies") == ["usd", "btc", "eth", "bits", "sats"]


async def test_markets_tell_in_a_coin_what_can_be_told_in_it(market: Rows, client: Client) -> None:
    await market.tick(GECKO, "ethereum", (datetime.now(UTC) - 7 * DAY).isoformat(), "1250")
    schemas.Markets.model_validate(await exact(client, "/api/v3/coins/markets?vs_currency=usd&sparkline=true"))
    page = await exact(client, "/api/v3/coins/markets?vs_currency=usd&price_change_percentage=7d,24h,1y&per_page=999")
    assert [row["id"] for row in page] == ["bitcoin", "ethereum", "pepe", "pepe-2"]
    ether = page[1]
    assert [ether[f"price_change_percentage_{span}_in_currency"] for span in ("7d", "24h", "1y")] == [100, -12, None]
    assert ether["image"] == "missing_large.png"
    assert ether["price_change_24h"].quantize(Decimal("0.001")) == Decimal("-340.909")
    [row] = await exact(client, "/api/v3/coins/markets?vs_currency=btc&ids=ethereum&price_change_percentage=7d")
    assert (row["current_price"], row["market_cap"], row["high_24h"]) == (Decimal("0.05"), 6_000_000, None)
    assert (row["price_change_percentage_24h"], row["price_change_percentage_7d_in_currency"]) == (-20, None)
    for order, last in {"market_cap_asc": "bitcoin", "id_desc": "bitcoin", "id_asc": "pepe-2"}.items():
        rows = await exact(client, f"/api/v3/coins/markets?vs_currency=usd&order={order}")
        assert rows[-1]["id"] == last


async def test_list_of_coins_and_of_those_that_are_gone(market: Rows, get: Get) -> None:
    await market.conn.execute("INSERT INTO coin_contract VALUES ('coingecko', 'pepe', 'ethereum', '0xabc')")
    told = await get("/api/v3/coins/list?include_platform=true")
    assert [coin["id"] for coin in told] == ["bitcoin", "ethereum", "pepe", "pepe-2"]
    assert [coin["platforms"] for coin in told[1:3]] == [{}, {"ethereum": "0xabc"}]
    assert await get("/api/v3/coins/list?status=inactive") == [{"id": "gone", "symbol": "gone", "name": "Gone"}]


async def test_charts_and_candles_are_of_our_ticks(market: Rows, client: Client) -> None:
    for at, price in {"00:10": "1", "00:50": "3", "01:10": "2", "04:00": "8"}.items():
        await market.tick(GECKO, "pepe", f"2026-03-01T{at}:00Z", price)
    await market.tick(GECKO, "bitcoin", "2026-03-01T00:45:00Z", "2")
    asked = "/api/v3/coins/pepe/market_chart/range?from=2026-03-01&to=2026-03-02&vs_currency="
    told = await exact(client, asked + "usd")
    minute, midnight = 60_000, int(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1000)
    assert [[(at - midnight) / minute, price] for at, price in told["prices"]] == [[50, 3], [70, 2], [240, 8]]
    assert [cap for _, cap in told["market_caps"]] == [None, None, None]
    told = await exact(client, asked + "btc")
    assert [price for _, price in told["prices"]] == [
        Decimal("1.5"),
        1,
    ]  # at 04:00 nobody knew a bitcoin's worth
    told = await exact(client, asked + "usd&interval=daily")
    assert told["prices"] == [[midnight + 24 * 60 * minute, 8]]
    schemas.Chart.model_validate(told)
    whole = await exact(client, "/api/v3/coins/pepe/market_chart?vs_currency=usd&days=max")
    assert whole["prices"] == told["prices"]
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for hours, price in {1: "1", 2: "4", 3: "2", 8.5: "9"}.items():
        await market.tick(GECKO, "ethereum", (today - DAY + timedelta(hours=hours)).isoformat(), price)
    candles = await exact(client, "/api/v3/coins/ethereum/ohlc?vs_currency=usd&days=7")
    assert [candle[1:] for candle in candles] == [[1, 4, 1, 2], [9, 9, 9, 9]]
    assert (candles[1][0] - candles[0][0], candles[0][0] % (240 * minute)) == (480 * minute, 0)


async def test_totals_tell_what_they_leave_out(market: Rows, client: Client) -> None:
    await market.conn.execute("UPDATE unified_crypto SET volume_24h_usd = market_cap_usd / 10 WHERE coin_id <> 'pepe'")
    await market.coin(GECKO, "ticoex-token", price="3", cap="3.33e12")
    own = await exact(client, "/global")
    Global.model_validate(own)
    assert [(out["coin_id"], out["reason"]) for out in own["left_out"]] == [
        ("gone", "delisted"),
        ("ticoex-token", "no_trade"),
        ("pepe", "no_trade"),
    ]
    assert own["left_out_by_reason"] == {"delisted": 1, "no_trade": 2}
    assert (own["market_cap_usd"], own["assets"]) == (Decimal("1.3e12") + 6, 4)
    assert [(each["source"], each["coins"]) for each in own["sources"]] == [(GECKO, 3), ("coinpaprika", 1)]
    told = await exact(client, "/api/v3/global")
    schemas.GlobalData.model_validate(told)
    data = told["data"]
    assert data["total_market_cap"]["usd"] == Decimal("1.3e12") + 5
    assert data["total_market_cap"]["btc"] == (Decimal("1.3e12") + 5) / 50000
    assert (data["active_cryptocurrencies"], data["markets"]) == (3, None)
    assert round(data["market_cap_percentage"]["btc"]) == 77


REFUSED = [
    ("simple/price?ids=bitcoin", 422, "Missing parameter vs_currencies"),
    ("simple/price?vs_currencies=usd", 422, "Missing parameter ids"),
    ("simple/price?vs_currencies=usd,eur&ids=bitcoin", 400, "invalid vs_currencies"),
    ("simple/price?vs_currencies=xrp&ids=bitcoin", 400, "invalid vs_currencies"),
    ("coins/markets", 422, "Missing parameter vs_currency"),
    ("coins/markets?vs_currency=eur", 400, "invalid vs_currency"),
    ("coins/markets?vs_currency=usd&category=x", 400, "category is not supported here: nothing is known of it"),
    ("coins/markets?vs_currency=usd&colour=red", 400, None),
    ("coins/markets?vs_currency=usd&page=0", 400, None),
    ("coins/markets?vs_currency=usd&page=1&page=2", 400, "invalid page: it is given more than once"),
    ("coins/markets?vs_currency=usd&ids=%00", 400, None),
    ("coins/markets?vs_currency=usd&precision=19", 400, None),
    ("coins/never/market_chart?vs_currency=usd&days=1", 404, "coin not found"),
    ("coins/%00/market_chart?vs_currency=usd&days=1", 404, "coin not found"),
    ("coins/never/ohlc?vs_currency=usd&days=1", 404, "coin not found"),
    ("coins/bitcoin/ohlc?vs_currency=usd&days=2", 400, None),
    (
        "coins/bitcoin/ohlc?vs_currency=usd&days=180&interval=hourly",
        400,
        None,
    ),
    ("coins/bitcoin/market_chart?vs_currency=usd&days=30&interval=5m", 400, "interval=5m is for up to 10 days"),
    ("coins/bitcoin/market_chart/range?vs_currency=usd&from=2&to=1", 400, "invalid to: it is not later than from"),
    ("coins/bitcoin/market_chart/range?vs_currency=usd&from=x&to=1", 400, None),
    ("nothing/here", 404, None),
]


async def test_errors_have_the_shape_that_clients_know(market: Rows, get: Get) -> None:
    for path, status, message in REFUSED:
        told = await get(f"/api/v3/{path}", status)
        assert list(told) == ["error"], path
        assert message in {None, told["error"]}, told


async def test_keys_are_taken_where_clients_put_them(
    pool: Pool, aiohttp_client: Callable[..., Awaitable[Client]], app_on: Callable[..., web.Application]
) -> None:
    client = await aiohttp_client(app_on(pool, READ_API_KEYS="s3cret", API_RATE="6/60"))

    async def told(path: str, **headers: str) -> tuple[int, Any]:
        async with client.get(path, headers=headers) as response:
            return response.status, await response.json()

    for name in ("demo", "pro"):
        assert (await told("/api/v3/ping", **{f"x-cg-{name}-api-key": "s3cret"}))[0] == 200
        assert (await told(f"/api/v3/ping?x_cg_{name}_api_key=s3cret"))[0] == 200
    status, refusal = await told("/api/v3/ping?x_cg_demo_api_key=other")
    assert (status, refusal["status"]["error_code"]) == (401, 10002)
    assert (await told("/data?x_cg_demo_api_key=s3cret"))[0] == 401
    status, refusal = await told("/api/v3/ping")
    assert (status, refusal["status"]["error_code"]) == (429, 429)


async def test_answers_are_kept_until_the_data_changes(market: Rows, client: Client) -> None:
    await market.changed(GECKO)
    path = "/api/v3/simple/price?vs_currencies=usd&ids=bitcoin"
    etag = None
    while etag is None:
        async with client.get(path) as response:
            etag, body = response.headers.get("ETag"), await response.read()
    assert json.loads(body) == {"bitcoin": {"usd": 50000}}
    async with client.get(path, headers={"If-None-Match": etag}) as response:
        assert response.status == 304
