"""What all coins come to, and which are left out of that for a reason: nobody can add up what vendors list. Pure.

A market cap is a claim: price times a supply that the issuer names. It counts where somebody trades the coin, and a
large one only where a second source knows of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import Literal, NamedTuple

Reason = Literal["delisted", "stale", "no_trade", "unconfirmed", "ambiguous"]

_OLD = timedelta(days=1)  # behind the newest observation of all
_WORTH_A_LOOK = Decimal(10**8)  # US dollars: smaller claims do not show in the total
_TURNOVER = Decimal("1e-6")  # of its market cap: a coin of which less changes hands in a day has no market
_LARGE = Decimal("0.01")  # of all that two sources know: such a claim takes a second source
_CONFIRMED = 100  # assets with two sources: where there are fewer, one source alone proves nothing against a claim
_DIGITS = 200  # sums of so many digits are exact


class Claim(NamedTuple):
    """A listing with a market cap, in US dollars. `asset` is None until the run that brought it has ended.

    `doubles` are other assets that may be the same coin.
    """

    asset: str | None
    source: str
    coin_id: str
    name: str
    symbol: str | None
    cap: Decimal
    volume: Decimal | None
    change_percent: Decimal | None
    observed_at: datetime
    is_gone: bool = False
    doubles: Collection[str] = ()

    @property
    def key(self) -> str:
        """What is counted once: the asset, or the listing while it has none."""
        return self.asset or f"{self.source}/{self.coin_id}"


class LeftOut(NamedTuple):
    """A claim that does not count.

    delisted: two whole snapshots missed it. stale: not observed within the last day. no_trade: less than a millionth of
    it changes hands in a day. unconfirmed: over 1 % of the total, known to one source where another would list it.
    ambiguous: it may be a coin that counts already.
    """

    claim: Claim
    reason: Reason


class Sum(NamedTuple):
    """What some claims come to, and how many they are."""

    cap: Decimal
    volume: Decimal
    number: int


class Totals(NamedTuple):
    """`counted` are the claims that stand for their assets, the largest first; `sources` what each source says of all
    that count. `change_percent` is that of the prices in 24 hours, at the supplies of now; None where none is known."""

    total: Sum
    change_percent: Decimal | None
    sources: Mapping[str, Sum]
    counted: Sequence[Claim]
    left_out: Sequence[LeftOut]
    observed_at: datetime | None


def totals(claims: Iterable[Claim]) -> Totals:
    """What all claims come to. Their order does not matter."""
    with localcontext() as exact:
        exact.prec = _DIGITS
        return _totals(sorted(claims, key=lambda claim: (-claim.cap, claim.source, claim.coin_id)))


def _totals(claims: Sequence[Claim]) -> Totals:
    newest = max((claim.observed_at for claim in claims), default=None)
    verdicts = [(claim, _passed(claim, newest)) for claim in claims] if newest else []
    left_out = [LeftOut(claim, reason) for claim, reason in verdicts if reason]
    assets = _grouped((claim for claim, reason in verdicts if not reason), lambda claim: claim.key)
    doubted = dict(_doubted(assets))
    left_out += [LeftOut(claim, reason) for key, reason in doubted.items() for claim in assets[key]]
    kept = [assets[key] for key in assets if key not in doubted]
    counted = sorted(map(_spokesman, kept), key=lambda claim: (-claim.cap, claim.key))
    by_source = _grouped((claim for listings in kept for claim in listings), lambda claim: claim.source)
    return Totals(
        _sum(counted),
        _change(counted),
        {source: _sum(by_source[source]) for source in sorted(by_source)},
        counted,
        sorted(left_out, key=lambda out: (-out.claim.cap, out.claim.source, out.claim.coin_id)),
        newest,
    )


def _grouped(claims: Iterable[Claim], name: Callable[[Claim], str]) -> dict[str, list[Claim]]:
    groups: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        groups[name(claim)].append(claim)
    return groups


def _passed(claim: Claim, newest: datetime) -> Reason | None:
    """Why a listing says nothing of today."""
    if claim.is_gone:
        return "delisted"
    return "stale" if newest - claim.observed_at > _OLD else None


def _doubted(assets: Mapping[str, Sequence[Claim]]) -> Iterator[tuple[str, Reason]]:
    """The assets that do not count. What is large is judged by all that trade."""
    idle = {key for key, claims in assets.items() if _is_idle(claims)}
    yield from ((key, "no_trade") for key in idle)
    traded = {key: _spokesman(claims) for key, claims in assets.items() if key not in idle}
    limit = _limit([claim for key, claim in traded.items() if len(_sources(assets[key])) > 1])
    seen: set[str] = set()
    for key, claim in traded.items():
        if limit and claim.cap > limit and len(_sources(assets[key])) == 1:
            yield key, "unconfirmed"
        elif any(double in seen for each in assets[key] for double in each.doubles):
            yield key, "ambiguous"
        else:
            seen.add(key)


def _limit(confirmed: Sequence[Claim]) -> Decimal | None:
    """From which market cap on a coin takes a second source."""
    return sum((claim.cap for claim in confirmed), Decimal(0)) * _LARGE if len(confirmed) >= _CONFIRMED else None


def _is_idle(claims: Sequence[Claim]) -> bool:
    cap, volume = _spokesman(claims).cap, max(claim.volume or Decimal(0) for claim in claims)
    return cap >= _WORTH_A_LOOK and volume < cap * _TURNOVER


def _sources(claims: Iterable[Claim]) -> set[str]:
    return {claim.source for claim in claims}


def _spokesman(claims: Sequence[Claim]) -> Claim:
    """The claim in the middle; of two in the middle, the lower one."""
    ordered = sorted(claims, key=lambda claim: (claim.cap, claim.source, claim.coin_id))
    return ordered[(len(ordered) - 1) // 2]


def _sum(claims: Sequence[Claim]) -> Sum:
    caps = sum((claim.cap for claim in claims), Decimal(0))
    return Sum(caps, sum((claim.volume or Decimal(0) for claim in claims), Decimal(0)), len(claims))


def _change(claims: Sequence[Claim]) -> Decimal | None:
    known = [(claim.cap, claim.change_percent) for claim in claims if claim.change_percent is not None]
    with localcontext() as rounded:
        rounded.prec = 30
        pairs = [(cap, cap / (1 + change / 100)) for cap, change in known if change > -100]
        before = sum((then for _, then in pairs), Decimal(0))
        return (sum((now for now, _ in pairs), Decimal(0)) / before - 1) * 100 if before else None
