"""`/assets/{asset_id}/ohlcv`: candles by one source or by all, gaps and fills, and where pages begin and end."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO
from random import Random
from typing import Any

import pytest

from kasparro.api.candle_schemas import CandlePage
from kasparro.ingest.assets import resolve

from .conftest import Client

GECKO, PAPRIKA = "coingecko", "coinpaprika"
DAY = "2025-03-01"
TICK = """
INSERT INTO price_history (source, coin_id, observed_at, price_usd, volume_24h_usd, open_usd, high_usd, low_usd,
    fetched_at, run_id, raw_id, raw_position)
VALUES ($1, $2, $3::text::timestamptz, $4::text::numeric, $5::text::numeric, $6::text::numeric, $7::text::numeric,
    $8::text::numeric, now(), 1, 1, 0)
"""


@pytest.fixture
async def market(rows: Any, pool: Any) -> Any:
    """Bitcoin at both vendors, and in a file of whole days."""
    await rows.coin(PAPRIKA, "btc-bitcoin", name="Bitcoin", symbol="BTC", price="100")
    await rows.coin(GECKO, "bitcoin", name="Bitcoin", symbol="btc", price="100")
    await rows.coin("csv", "bitcoin", name="Bitcoin", symbol="BTC", price="100")
    async with pool.acquire() as conn:
        await resolve(conn)
    await rows.conn.execute("SELECT ensure_history_partition('2025-02-01'), ensure_history_partition('2025-03-01')")
    return rows


async def say(rows: Any, source: str, at: str, price: str, volume: str | None = None, *ohl: str) -> None:
    coin_id = "btc-bitcoin" if source == PAPRIKA else "bitcoin"
    await rows.conn.execute(TICK, source, coin_id, at, price, volume, *(ohl or (None, None, None)))


@pytest.fixture
def ask(client: Client) -> Any:
    """The candles behind some parameters, which are as documented; figures are text, and the head comes last."""

    async def ask(query: str = "", asset: str = "bitcoin") -> list[Any]:
        async with client.get(f"/assets/{asset}/ohlcv?{query}") as response:
            text = await response.text()
            assert response.status == 200, text
        CandlePage.model_validate_json(text, strict=True)
        head = json.loads(text, parse_float=str, parse_int=str)
        return [*head.pop("data"), head | {"ETag": response.headers.get("ETag")}]

    return ask


def figures(candle: Mapping[str, Any]) -> list[Any]:
    return [candle[name] for name in ("open_usd", "high_usd", "low_usd", "close_usd", "volume_24h_usd")]


def labels(candles: Sequence[Mapping[str, Any]]) -> list[Any]:
    return [candle["kind"] or candle["missing"] for candle in candles]


async def test_candle_of_a_source_is_its_prices_to_the_last_digit(market: Any, ask: Any) -> None:
    for minute, price in (
        (1, "5.10"),
        (7, "0.00000000000000000384"),
        (8, "123456789012345678901234567890.1"),
        (59, "7.0"),
    ):
        await say(market, GECKO, f"{DAY}T10:{minute:02}Z", price, f"{minute}.50")
    hour, head = await ask(f"source={GECKO}&interval=1h&from={DAY}T10:00:00Z&to={DAY}T11:00:00Z")
    assert hour == {
        "opened_at": "2025-03-01T10:00:00+00:00",
        "open_usd": "5.10",
        "high_usd": "123456789012345678901234567890.1",
        "low_usd": "0.00000000000000000384",
        "close_usd": "7.0",
        "volume_24h_usd": "59.50",
        "kind": "derived",
        "coverage": "0.2500",
        "ticks": "4",
        "sources": [GECKO],
        "missing": None,
        "is_closed": True,
    }
    assert head["next"] is None
    for interval, coverage in ("5m", "1.0000"), ("15m", "0.6667"), ("4h", "0.0625"), ("1d", "0.0104"):
        candle, _ = await ask(f"source={GECKO}&interval={interval}&from={DAY}T00:00:00Z&to={DAY}T10:10:00Z&page_size=1")
        assert (candle["open_usd"], candle["coverage"]) == (
            "0.00000000000000000384" if interval == "5m" else "5.10",
            coverage,
        )


async def test_gap_is_told_and_filled_only_when_asked_for(market: Any, ask: Any) -> None:
    await say(market, GECKO, "2025-02-27T23:58:00Z", "3")
    await say(market, GECKO, f"{DAY}T01:30:00Z", "5", "9")
    span = f"source={GECKO}&interval=1h&from=2025-02-28T23:00:00Z&to={DAY}T03:00:00Z"
    *hours, _ = await ask(span)
    assert labels(hours) == ["gap", "derived", "gap", "gap"]
    assert figures(hours[0]) == [None] * 5
    assert (hours[0]["coverage"], hours[0]["ticks"], hours[0]["sources"]) == ("0", "0", [])
    *hours, _ = await ask(span + "&fill=previous")
    assert labels(hours) == ["filled", "derived", "filled", "filled"]
    assert [figures(hour) for hour in hours] == [["5"] * 4 + [None], ["5"] * 4 + ["9"], *[["3"] * 4 + [None]] * 2]
    assert hours[0]["coverage"] == "0"


async def test_day_of_a_file_is_native_and_no_price_of_a_moment(market: Any, ask: Any) -> None:
    await say(market, "csv", "2025-02-27T00:00:00Z", "4", "900", "3", "5", "2")
    await say(market, "csv", "2025-02-28T23:59:59.999Z", "5", "800", "4", "6", "3.0")
    await say(market, "csv", f"{DAY}T00:00:00Z", "9", "1", "9", "3", "2")
    *days, _ = await ask("source=csv")
    assert labels(days) == ["gap", "native", "native"]
    assert [figures(day) for day in days[1:]] == [["4", "6", "3.0", "5", "800"], ["3", "5", "2", "4", "900"]]
    assert [day["coverage"] for day in days] == ["0", "1.0000", "1.0000"]
    *hours, _ = await ask("source=csv&interval=4h")
    assert set(labels(hours)) == {"gap"}
    await say(market, "csv", "2025-02-28T12:00:00Z", "5", "800", "4", "6", "3.0")
    *days, _ = await ask("source=csv&page_size=9")
    assert labels(days) == ["gap", "derived", "native"]


async def test_pages_follow_each_other_without_a_hole(market: Any, client: Client, ask: Any) -> None:
    random = Random(7)  # noqa: S311 - figures to test with
    for minute in random.sample(range(3 * 24 * 60), 100):
        at = datetime(2025, 2, 27, tzinfo=UTC) + timedelta(minutes=minute)
        await say(market, random.choice([GECKO, PAPRIKA]), at.isoformat(), f"{random.uniform(1, 1.01):.9f}")
    for step, interval in (4, "4h"), (1, "1h"):
        *whole, head = await ask(f"interval={interval}&page_size=1000")
        moments = [datetime.fromisoformat(candle["opened_at"]) for candle in whole]
        assert moments == sorted(moments, reverse=True)
        assert {later - earlier for earlier, later in zip(moments[1:], moments, strict=False)} == {
            timedelta(hours=step)
        }
        assert len(whole) == 3 * 24 / step
        assert (head["next"], head["ETag"] is None) == (None, False)
        path, paged = f"/assets/bitcoin/ohlcv?interval={interval}&page_size=7", []
        while path:
            *page, head = await ask(path.partition("?")[2])
            paged, path = paged + page, head["next"]
        assert paged == whole
    async with client.get("/assets/bitcoin/ohlcv?interval=1h&format=ndjson") as response:
        lines = [json.loads(line, parse_float=str, parse_int=str) for line in (await response.text()).splitlines()]
    assert lines == whole
    async with client.get("/assets/bitcoin/ohlcv?interval=1h", headers={"Accept": "text/csv"}) as response:
        lines = list(csv.DictReader(StringIO(await response.text())))
    assert [line["close_usd"] for line in lines] == [candle["close_usd"] or "" for candle in whole]
    assert {line["sources"] for line in lines} >= {"", GECKO, PAPRIKA}


async def test_present_step_is_open_and_not_kept(market: Any, ask: Any) -> None:
    now = datetime.now(UTC)
    await market.conn.execute("SELECT ensure_history_partition($1::date)", now)
    await say(market, GECKO, now.isoformat(), "5")
    candle, head = await ask("page_size=1&interval=4h")
    assert (candle["is_closed"], candle["close_usd"], head["ETag"]) == (False, "5", None)


async def test_consensus_is_the_median_of_the_sources_that_agree(market: Any, ask: Any) -> None:
    for source, low, close in (GECKO, "99.0", "100"), (PAPRIKA, "100", "101.5"), ("csv", "1", "200"):
        await say(market, source, f"{DAY}T10:01:00Z", low, "10")
        await say(market, source, f"{DAY}T10:09:00Z", close, None if source == GECKO else "20")
    hour, _ = await ask(f"interval=1h&from={DAY}T10:00:00Z&to={DAY}T11:00:00Z")
    assert figures(hour) == ["99.50", "100.75", "99.50", "100.75", "20"]
    assert (hour["sources"], hour["ticks"], hour["coverage"], hour["kind"]) == (
        [GECKO, PAPRIKA],
        "4",
        "0.1667",
        "derived",
    )
    await say(market, PAPRIKA, f"{DAY}T10:59:00Z", "103")
    hour, _ = await ask(f"interval=1h&from={DAY}T10:00:00Z&to={DAY}T11:00:00Z&fill=previous")
    assert (figures(hour), labels([hour]), hour["sources"]) == ([None] * 5, ["disagree"], [])


async def test_asset_that_was_taken_over_is_answered_for(market: Any, ask: Any, client: Client, get: Any) -> None:
    await market.conn.execute(
        "INSERT INTO asset (asset_id, name, merged_into) VALUES ('old', 'Old', 'bitcoin'), ('alone', 'Alone', NULL)"
    )
    await say(market, GECKO, f"{DAY}T10:01:00Z", "99.0")
    *days, head = await ask(asset="old")
    assert (len(days), head["asset_id"]) == (1, "bitcoin")
    for query in (
        f"from={DAY}T11:00:00Z",
        f"to={DAY}T00:00:00Z",
        "from=9999-12-31T23:59:59Z",
        "to=0001-01-01T00:00:00Z",
        f"source={PAPRIKA}",
    ):
        assert (await ask(query))[:-1] == []
    for path in "/assets/none/ohlcv", "/assets/alone/ohlcv", "/assets/alone/ohlcv?source=csv":
        await get(path, status=404)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("interval=2h", "interval"),
        ("source=none", "source"),
        ("from=yesterday", "from"),
        (f"from={DAY}T00:00:00Z&to={DAY}T00:00:00Z", "query"),
        ("page_size=1001", "page_size"),
        ("fill=next", "fill"),
        ("format=csv&page_size=5", "page_size"),
        ("cursor=x", "cursor"),
    ],
)
async def test_what_is_wrong_is_named(get: Any, query: str, name: str) -> None:
    problem = await get(f"/assets/bitcoin/ohlcv?{query}", status=400)
    assert [error["name"] for error in problem["errors"]] == [name]
