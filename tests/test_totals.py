"""What all coins come to: a fake at a price that nobody pays is no part of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from kasparro.totals import Claim, totals

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BASE = Claim("fair", "coingecko", "fair", "Fair", "fair", Decimal("1e12"), Decimal("1e10"), Decimal(25), NOW)


def claim(asset: str, cap: str, **more: object) -> Claim:
    return BASE._replace(asset=asset, coin_id=asset, cap=Decimal(cap), **more)


def pair(number: int) -> list[Claim]:
    """An asset that two sources know."""
    one = claim(f"pair-{number}", "1e9")
    return [one, one._replace(source="coinpaprika")]


@pytest.mark.parametrize(
    ("reason", "out"),
    [
        ("no_trade", claim("ticoex-token", "3.33e12", volume=Decimal("5.4"))),
        ("no_trade", claim("vault", "2e13", volume=None)),
        ("stale", claim("asleep", "1e12", observed_at=NOW - timedelta(hours=25))),
        ("delisted", claim("gone", "1e12", is_gone=True)),
        ("ambiguous", claim("fair-2", "9e11", doubles=["fair"])),
    ],
)
def test_claims_are_left_out_for_a_reason(reason: str, out: Claim) -> None:
    found = totals([out, BASE])
    assert [(left.claim.asset, left.reason) for left in found.left_out] == [(out.asset, reason)]
    assert (found.total.cap, found.total.number, found.change_percent) == (BASE.cap, 1, 25)


def test_large_claim_takes_a_second_source_where_there_are_two() -> None:
    known = [each for number in range(100) for each in pair(number)]
    washed, small = claim("washed", "1.1e9", volume=Decimal("1e9")), claim("small", "1e9")
    found = totals([*known, washed, small])
    assert [(left.claim, left.reason) for left in found.left_out] == [(washed, "unconfirmed")]
    assert (found.total.cap, found.total.number) == (101 * 10**9, 101)
    assert found.sources["coinpaprika"].cap == 100 * 10**9
    assert totals([*known[2:], washed, small]).left_out == []  # too few are known to both: it proves nothing


def test_of_two_market_caps_the_lower_counts_and_what_trades_at_one_source_trades() -> None:
    lower = BASE._replace(source="coinpaprika", cap=Decimal("9e11"), volume=Decimal(0))
    found = totals([BASE, lower])
    assert (found.total.cap, found.left_out) == (lower.cap, [])
    assert totals([]).observed_at is None


def test_order_of_claims_does_not_matter_and_sums_are_exact() -> None:
    claims = [claim("dust", f"0.{'0' * 40}1"), *(claim(str(number), str(number)) for number in range(1, 50))]
    found = totals(reversed(claims))
    assert found == totals(claims)
    assert str(found.total.cap) == f"1225.{'0' * 40}1"
