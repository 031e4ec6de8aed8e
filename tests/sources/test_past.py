"""What the vendors are asked of the past, and what their points become."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kasparro.domain import Coin, Part, Response, Ticker
from kasparro.errors import Malformed, Rejected
from kasparro.sources.coingecko import CoinGecko
from kasparro.sources.coinpaprika import CoinPaprika

PAPRIKA, GECKO = CoinPaprika(), CoinGecko()
COIN = Coin("1move token", "1move")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SINCE = datetime(2026, 1, 31, 12, tzinfo=UTC)
KEY = {"api_key": "some-key"}


def points(source: Any, body: str) -> list[Ticker]:
    response = Response(200, {}, body.encode(), "", SINCE)
    return [source.point(record, COIN) for record in source.points(response)]


def test_coingecko_is_asked_for_the_last_day_or_for_a_range() -> None:
    options = GECKO.options_type()
    fine, coarse = GECKO.reaches(options)
    assert (fine.back, coarse.back) == (DAY, 365 * DAY)
    day = GECKO.past(options, "1move token", Part(SINCE, SINCE + DAY, fine.step))
    assert day.path == "/coins/1move%20token/market_chart"
    assert day.query == {"vs_currency": "usd", "precision": "full", "days": "1"}
    stretch = GECKO.past(options, "bitcoin", Part(SINCE, SINCE + 9 * DAY, coarse.step))
    assert stretch.path == "/coins/bitcoin/market_chart/range"
    assert (stretch.query["from"], stretch.query["to"]) == ("1769860800", "1770638400")
    analyst = GECKO.options_type(plan="analyst", **KEY)
    assert [reach.back for reach in GECKO.reaches(analyst)] == [DAY, None]
    assert "x-cg-pro-api-key" in GECKO.past(analyst, "bitcoin", Part(SINCE, SINCE + DAY, HOUR)).headers


@pytest.mark.parametrize(
    ("options", "days"),
    [({}, [1, 365]), (KEY, [7, 30, 1825]), ({**KEY, "plan": "pro"}, [30, 90, None])],
    ids=["free", "starter", "pro"],
)
def test_coinpaprika_is_asked_for_steps_that_the_plan_has(options: dict[str, str], days: list[int | None]) -> None:
    reaches = PAPRIKA.reaches(PAPRIKA.options_type(**options))
    assert [reach.back and reach.back.days for reach in reaches] == days
    asked = PAPRIKA.past(PAPRIKA.options_type(**options), "btc-bitcoin", Part(SINCE, SINCE + DAY, reaches[0].step))
    assert asked.path == "/tickers/btc-bitcoin/historical"
    assert (asked.query["start"], asked.query["end"]) == ("2026-01-31T12:00:00Z", "2026-02-01T12:00:00Z")


def test_points_are_told_digit_for_digit_and_what_is_unknown_is_null() -> None:
    [first, second, third] = points(
        GECKO,
        '{"prices":[[1700000000417,42991.51096191066000],[1700003600000,3.84e-18],[1700007200000,null]],'
        '"market_caps":[[1700003600000,7],[1700007200000,0.0],[1700000000417,841631619646.6324]]}',
    )
    assert str(first.price_usd) == "42991.51096191066000"
    assert first.source_updated_at == datetime(2023, 11, 14, 22, 13, 20, 417_000, UTC)
    assert (first.market_cap_usd, first.volume_24h_usd) == (Decimal("841631619646.6324"), None)
    assert (second.price_usd, second.market_cap_usd) == (Decimal("3.84e-18"), 7)  # by its time, not by its place
    assert (third.coin_id, third.name, third.price_usd, third.market_cap_usd) == (*COIN, None, None)
    [point] = points(PAPRIKA, '[{"timestamp":"2019-01-01T00:05:00Z","price":3745.72,"volume_24h":0,"market_cap":0}]')
    assert (point.price_usd, point.volume_24h_usd, point.market_cap_usd) == (Decimal("3745.72"), 0, None)


@pytest.mark.parametrize("body", ["[]", '{"prices": {}}', "{}", '{"prices":[[1,2]'])
def test_what_is_no_past_is_said_to_be_none(body: str) -> None:
    with pytest.raises(Malformed):
        points(GECKO, body)


@pytest.mark.parametrize(
    ("point", "path"),
    [("[1700000000000,-1]", "prices.1"), ('["today",1]', "prices.0"), ("17", "prices"), ("[9e14,1]", "prices.0")],
)
def test_faults_have_the_vendors_path(point: str, path: str) -> None:
    with pytest.raises(Rejected) as rejected:
        points(GECKO, f'{{"prices":[{point}]}}')
    assert rejected.value.faults[0].path.startswith(path)
