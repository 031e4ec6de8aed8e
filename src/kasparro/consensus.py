"""What a coin is worth by all its sources together: the median of those that are fresh and agree, or nothing. Pure.

Nothing here knows yesterday's price, so that nothing holds back a crash: what the two newest say stands, however many
say what was true before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Literal, NamedTuple

Missing = Literal["never_listed", "not_returned", "rejected", "source_down", "rate_limited", "delisted"]
Refusal = Literal["missing", "stale", "outlier", "outrun", "disputed"]
Status = Literal["agree", "disagree", "single", "stale", "none"]

AGREES = Decimal("1.02")
"""How often the highest of prices that agree holds the lowest."""
_BEATS = 3  # of a coin's own cadence: after so many updates that did not come, a price is stale
_LEAST = timedelta(minutes=10)  # no price is stale before, however quick the coin's updates are
_UNKNOWN = timedelta(hours=1)  # a coin whose cadence nobody knows is stale after that
_TOGETHER = timedelta(minutes=1)  # prices observed so close to each other are as new
_DIGITS = 2000  # more than those of any two prices: the mean of two is exact


class Quote(NamedTuple):
    """What a source says of a coin's price, in US dollars, and when; or why it says none.

    `cadence` is the usual time between two updates of this coin at this source. `missing` says why there is no price,
    or no newer one; None where the source merely repeats what it said.
    """

    source: str
    price: Decimal | None
    observed_at: datetime | None = None
    cadence: timedelta | None = None
    missing: Missing | None = None
    coin_id: str | None = None


class Verdict(NamedTuple):
    """What became of a quote: kept with a weight, or refused for a reason.

    missing: no price. stale: older than the coin's own cadence allows. outlier: most others agree on another price.
    outrun: it was observed before a move that two newer ones agree on. disputed: no price has most behind it.
    """

    quote: Quote
    age: timedelta | None
    weight: Decimal
    refusal: Refusal | None


class Consensus(NamedTuple):
    """The price of a coin, where its sources agree or there is but one; `spread` is (highest - lowest) / lowest of the
    fresh ones. `disagree` has no price: an average of two prices that cannot both be true is neither.
    """

    status: Status
    price: Decimal | None
    spread: Decimal | None
    verdicts: tuple[Verdict, ...]


def consensus(quotes: Iterable[Quote], now: datetime) -> Consensus:
    """What the sources come to at a moment. The order of the quotes does not matter."""
    told = sorted(quotes, key=lambda quote: quote.source)
    refused: dict[Quote, Refusal] = {quote: "missing" for quote in told if quote.price is None}
    refused |= {quote: "stale" for quote in told if quote not in refused and _is_stale(quote, now)}
    fresh = [quote for quote in told if quote not in refused]
    kept = _kept(fresh)
    refused |= {quote: _reason(quote, kept) for quote in fresh if quote not in kept}
    verdicts = tuple(_verdict(quote, now, refused.get(quote), len(kept)) for quote in told)
    return Consensus(_status(told, fresh, kept), _median(kept), _spread(fresh), verdicts)


def _is_stale(quote: Quote, now: datetime) -> bool:
    if quote.observed_at is None:
        return True
    limit = max(_LEAST, _BEATS * quote.cadence) if quote.cadence else _UNKNOWN
    return now - quote.observed_at > limit


def _kept(fresh: Sequence[Quote]) -> Sequence[Quote]:
    """The quotes that make the price: most of all, unless two or more of the newest have moved away from them."""
    most = _agreeing(fresh)
    agreed = (group for newest in _newest(fresh) if len(group := _agreeing(newest)) > 1)
    moved = next(agreed, most)
    return most if set(moved) <= set(most) else moved


def _newest(fresh: Sequence[Quote]) -> Iterator[Sequence[Quote]]:
    """The newest quotes, then those and the next older ones, up to all; what is as new as another comes with it."""
    ordered = sorted(fresh, key=_moment, reverse=True)
    for number, (newer, older) in enumerate(pairwise(ordered), start=1):
        if _moment(newer) - _moment(older) > _TOGETHER:
            yield ordered[:number]
    yield ordered


def _reason(quote: Quote, kept: Sequence[Quote]) -> Refusal:
    if not kept:
        return "disputed"
    return "outrun" if _moment(quote) < min(map(_moment, kept)) - _TOGETHER else "outlier"


def _agreeing(quotes: Sequence[Quote]) -> Sequence[Quote]:
    """The largest group that agrees, if it holds more than half of them."""
    ordered = sorted(quotes, key=_price)
    groups = [[each for each in ordered if _price(low) <= _price(each) <= _price(low) * AGREES] for low in ordered]
    largest = max(groups, key=len, default=[])
    return largest if len(largest) * 2 > len(quotes) else []


def _status(told: Sequence[Quote], fresh: Sequence[Quote], kept: Sequence[Quote]) -> Status:
    if not fresh:
        return "stale" if any(quote.price is not None for quote in told) else "none"
    if len(fresh) == 1:
        return "single"
    return "agree" if kept else "disagree"


def _verdict(quote: Quote, now: datetime, refusal: Refusal | None, kept: int) -> Verdict:
    age = now - quote.observed_at if quote.observed_at else None
    return Verdict(quote, age, Decimal(1) / kept if refusal is None else Decimal(0), refusal)


def _median(kept: Sequence[Quote]) -> Decimal | None:
    """The middle one; the mean of the two in the middle where there are two."""
    prices = sorted(map(_price, kept))
    if not prices:
        return None
    low, high = prices[(len(prices) - 1) // 2], prices[len(prices) // 2]
    with localcontext() as exact:
        exact.prec = _DIGITS
        return low if low == high else (low + high) / 2


def _spread(fresh: Sequence[Quote]) -> Decimal | None:
    prices = sorted(map(_price, fresh))
    return (prices[-1] - prices[0]) / prices[0] if prices and prices[0] else None


def _price(quote: Quote) -> Decimal:
    assert quote.price is not None  # noqa: S101 - quotes without one are refused before
    return quote.price


def _moment(quote: Quote) -> datetime:
    assert quote.observed_at is not None  # noqa: S101 - quotes without one are stale
    return quote.observed_at
