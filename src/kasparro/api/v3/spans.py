"""Which stretch of time a chart shows, and how fine: CoinGecko's rules. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

MINUTES, HALF_HOUR, HOUR, DAY = timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=1), timedelta(days=1)
INTERVALS: Mapping[str, tuple[timedelta, timedelta]] = {
    "5m": (MINUTES, timedelta(days=10)),
    "hourly": (HOUR, timedelta(days=100)),
    "daily": (DAY, timedelta(days=36_500)),
}
"""Name -> the stretch of a point, and the longest time that is told so finely."""


class Span(NamedTuple):
    """From when to when, and the stretch of each point; no beginning is the first tick there is."""

    since: datetime | None
    until: datetime
    stretch: timedelta


class TooLong(ValueError):
    """So long a time is not told so finely."""


def chart(since: datetime | None, until: datetime, interval: str | None, now: datetime) -> Span:
    """Five minutes within the last day, hours up to 90 days, days beyond; or as asked for. Raises TooLong."""
    length = until - since if since else None  # None: without a beginning, and so without a bound
    if interval:
        stretch, longest = INTERVALS[interval]
        if stretch < DAY and (length is None or length > longest):
            raise TooLong(f"interval={interval} is for up to {longest.days} days")
        return Span(since, until, stretch)
    if since is None or until - since > timedelta(days=90):
        return Span(since, until, DAY)
    return Span(since, until, MINUTES if now - since <= DAY else HOUR)


def candles(days: int, interval: str | None, now: datetime) -> Span:
    """Half hours up to two days, four hours up to 30, four days beyond; or as asked for."""
    automatic = HALF_HOUR if days <= 2 else 4 * HOUR if days <= 30 else 4 * DAY
    stretch = INTERVALS[interval][0] if interval else automatic
    return Span(now - timedelta(days=days), now, stretch)


def moment(text: str) -> datetime:
    """Unix seconds, or an ISO date, at midnight UTC where it has no time. Raises ValueError."""
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except ValueError:
        pass
    except OverflowError:
        raise ValueError("is no time") from None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
