"""CoinPaprika's `/tickers/{id}/historical`: the past of a coin, in steps that the caller chooses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from kasparro.sandbox import wire
from kasparro.sandbox.currencies import PER_DOLLAR
from kasparro.sandbox.market import Coin
from kasparro.sandbox.past import DAY, HOUR, MINUTE, points

_STEPS = {
    **{f"{minutes}m": minutes * MINUTE for minutes in (5, 10, 15, 30, 45)},
    **{f"{hours}h": hours * HOUR for hours in (1, 2, 3, 6, 12, 24)},
    **{f"{days}d": days * DAY for days in (1, 7, 14, 30, 90, 365)},
}
_MOST = 5000


class HistoricalQuery(NamedTuple):
    """What is asked for; times in Unix milliseconds."""

    quote: str
    since: int
    until: int
    step: int
    limit: int


def historical_query(query: Mapping[str, str], now: int) -> HistoricalQuery:
    """Read the parameters; raises ValueError in the vendor's words."""
    quote, limit = query.get("quote", "usd").upper(), query.get("limit", "1000")
    if quote not in ("USD", "BTC") or query.get("interval", "5m") not in _STEPS or not limit.isdecimal():
        raise ValueError("invalid parameters")
    if not 1 <= int(limit) <= _MOST or not query.get("start"):
        raise ValueError("invalid parameters")
    until = min(_moment(query["end"]) if query.get("end") else now, now)
    return HistoricalQuery(quote, _moment(query["start"]), until, _STEPS[query.get("interval", "5m")], int(limit))


def _moment(text: str) -> int:
    """Unix seconds, a date or RFC 3339."""
    if text.isdecimal():
        return int(text) * 1000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("invalid parameters") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def days_back(step: int, *, is_paid: bool) -> int:
    """How many days the free plan, or the starter's, goes back in such steps."""
    if step >= DAY:
        return 5 * 365 if is_paid else 365
    if step >= HOUR:
        return 30 if is_paid else 1
    return 7 if is_paid else 0


def history(coin: Coin, query: HistoricalQuery) -> Iterator[dict[str, Any]]:
    """The points, the oldest first: prices to the cent from a dollar on, the rest in whole dollars."""
    listing = coin.listings["coinpaprika"]
    first, units = listing.record["quotes"]["USD"], listing.scale * PER_DOLLAR[query.quote]
    for at, factor in points(coin, query.since, query.until, query.step):
        price = first["price"] * factor * units
        yield {
            "timestamp": wire.seconds(at),
            "price": round(price, 2) if price >= 1 else float(f"{price:.8g}"),
            "volume_24h": round(first["volume_24h"] * factor * units),
            "market_cap": round(first["market_cap"] * factor * units),
        }
