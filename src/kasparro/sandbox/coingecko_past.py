"""CoinGecko's `/coins/{id}/market_chart` and its `/range`: the more of the past is asked for, the coarser it comes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from kasparro.sandbox import wire
from kasparro.sandbox.coingecko_query import BadQuery, currency
from kasparro.sandbox.currencies import PER_DOLLAR
from kasparro.sandbox.market import Coin
from kasparro.sandbox.past import DAY, HOUR, MINUTE, Point, points, shaken

_OLDEST = 4 * 365  # days that `max` goes back here
_LATE = {5 * MINUTE: 20_000, HOUR: 4 * MINUTE, DAY: 1}  # by how many milliseconds points of a step come late


class PastQuery(NamedTuple):
    """What is asked for; times in Unix milliseconds."""

    currency: str
    since: int
    until: int
    step: int


def chart_query(query: Mapping[str, str], now: int) -> PastQuery:
    """`days` up to now, or `max`; raises BadQuery where the vendor refuses."""
    given = query.get("days", "")
    if not given:
        raise BadQuery(422, "Missing parameter days")
    days = _OLDEST if given == "max" else _number(given, "days")
    return _query(query, now - int(days * DAY), now, now)


def range_query(query: Mapping[str, str], now: int) -> PastQuery:
    """`from` and `to`, Unix seconds or ISO; raises BadQuery where the vendor refuses."""
    since, until = (_moment(query.get(name, ""), name) for name in ("from", "to"))
    return _query(query, since, min(until, now), now)


def _query(query: Mapping[str, str], since: int, until: int, now: int) -> PastQuery:
    length, ends_now = until - since, now - until < 10 * MINUTE
    step = 5 * MINUTE if length <= DAY and ends_now else HOUR if length <= 90 * DAY else DAY
    return PastQuery(currency(query.get("vs_currency", ""), "vs_currency"), since, until, step)


def _moment(text: str, name: str) -> int:
    if not text:
        raise BadQuery(422, f"Missing parameter {name}")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return int(_number(text, name) * 1000)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _number(text: str, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < 1e11:
        raise BadQuery(400, f"invalid {name}")
    return value


def market_chart(coin: Coin, query: PastQuery, now: int) -> dict[str, Any]:
    """The three lists; what ends now ends with the coin's present state, at the time of its update."""
    record = coin.listings["coingecko"].record
    units = PER_DOLLAR[query.currency]
    found = [
        point._replace(at=shaken(point.at, _LATE[query.step]))
        for point in points(coin, query.since, query.until, query.step)
    ]
    if now - query.until < 10 * MINUTE:
        found = [point for point in found if point.at < coin.updated] + [Point(coin.updated, coin.factor)]
    return {
        "prices": [[at, wire.scaled(record["current_price"], factor * units)] for at, factor in found],
        "market_caps": [[at, wire.scaled(record["market_cap"], factor * units)] for at, factor in found],
        "total_volumes": [[at, wire.scaled(record["total_volume"], factor * units)] for at, factor in found],
    }
