"""`/api/v3/coins/{id}`: the history of a coin, from the ticks that were kept here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aiohttp import web

from kasparro.api.cache import Body
from kasparro.api.keys import MARKET
from kasparro.api.problems import Problem
from kasparro.api.v3 import queries, spans
from kasparro.api.v3.answers import answers
from kasparro.api.v3.chart_queries import ChartQuery, CoinPath, OhlcQuery, RangeQuery
from kasparro.api.v3.schemas import Candles, Chart
from kasparro.api.v3.spans import Span
from kasparro.api.v3.units import SOURCE, UNITS
from kasparro.api.versioned import whole
from kasparro.store import gecko
from kasparro.store.gecko import Shape

_OURS = "From our own observations: nothing is told of a time in which there was none."


@answers(
    Chart,
    summary="The history of a coin up to now",
    description=f"A point in 5 minutes within a day, in an hour up to 90 days, in a day beyond. {_OURS}",
    path=CoinPath,
    query=ChartQuery,
)
@whole
async def chart(request: web.Request) -> Body:
    """Not kept: the same data is older a second later."""
    query, now = queries.query(request, ChartQuery), datetime.now(UTC)
    since = None if query.days == "max" else now - timedelta(days=query.days)
    return await _history(request, query, "chart", _span(since, now, query.interval, now), lasts=False)


@answers(
    Chart,
    summary="The history of a coin in a time",
    description=f"As fine as `/market_chart`. {_OURS}",
    path=CoinPath,
    query=RangeQuery,
)
@whole
async def chart_range(request: web.Request) -> Body:
    query, now = queries.query(request, RangeQuery), datetime.now(UTC)
    if query.since >= query.until:
        raise Problem(400, "invalid to: it is not later than from")
    span = _span(query.since, min(query.until, now), query.interval, now)
    return await _history(request, query, "chart", span, lasts=query.until <= now)


@answers(
    Candles,
    summary="Candles of a coin up to now",
    description=f"The last one has ended. Of half an hour up to 2 days, 4 hours up to 30, 4 days beyond. {_OURS}",
    path=CoinPath,
    query=OhlcQuery,
)
@whole
async def ohlc(request: web.Request) -> Body:
    """Not kept: a candle ends without a change of the data."""
    query = queries.query(request, OhlcQuery)
    span = spans.candles(int(query.days), query.interval, datetime.now(UTC))
    return await _history(request, query, "candles", span, lasts=False)


def _span(since: datetime | None, until: datetime, interval: str | None, now: datetime) -> Span:
    try:
        return spans.chart(since, until, interval, now)
    except spans.TooLong as error:
        raise Problem(400, str(error)) from None


async def _history(
    request: web.Request, query: ChartQuery | RangeQuery | OhlcQuery, shape: Shape, span: Span, *, lasts: bool
) -> Body:
    coin, unit, digits = _coin(request), UNITS[query.vs_currency], queries.digits(query.precision)
    async with request.app[MARKET].reading() as conn:
        text = await gecko.history(conn, shape, SOURCE, coin, span, unit, digits)
    if text is None:
        raise Problem(404, "coin not found")
    return Body(text.encode(), {}, lasts=lasts)


def _coin(request: web.Request) -> str:
    coin = request.match_info["id"]
    if "\x00" in coin:  # which PostgreSQL cannot even look for
        raise Problem(404, "coin not found")
    return coin
