"""The consensus is inside what its sources say, the same in any order, and never an average of a dispute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kasparro.consensus import Consensus, Quote, consensus

NOW = datetime(2026, 8, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def quote(source: str, price: str | None, minutes: float = 1, **more: Any) -> Quote:
    """A quote observed so many minutes ago."""
    return Quote(source, price and Decimal(price), NOW - minutes * MINUTE, more.pop("cadence", 5 * MINUTE), **more)  # type: ignore[arg-type]


def refusals(found: Consensus) -> dict[str, str | None]:
    return {verdict.quote.source: verdict.refusal for verdict in found.verdicts}


def test_sources_that_agree_give_their_median() -> None:
    found = consensus([quote("a", "100"), quote("b", "101"), quote("c", "100.5")], NOW)
    assert (found.status, found.price, found.spread) == ("agree", Decimal("100.5"), Decimal("0.01"))
    assert sum(verdict.weight for verdict in found.verdicts) == pytest.approx(1)


def test_two_that_differ_give_nothing() -> None:
    found = consensus([quote("a", "100"), quote("b", "104")], NOW)
    assert (found.status, found.price, found.spread) == ("disagree", None, Decimal("0.04"))
    assert refusals(found) == {"a": "disputed", "b": "disputed"}


def test_most_that_agree_leave_an_outlier_out() -> None:
    found = consensus([quote("a", "100"), quote("b", "100.4"), quote("c", "3.3e12")], NOW)
    assert (found.status, found.price, refusals(found)["c"]) == ("agree", Decimal("100.2"), "outlier")


def test_median_keeps_every_digit() -> None:
    long = "117000.12345678901234567890123456789012345"
    assert str(consensus([quote("a", long)], NOW).price) == long
    assert str(consensus([quote("a", long), quote("b", "117000")], NOW).price) == (
        "117000.061728394506172839450617283945061725"
    )


def test_crash_that_two_fresh_sources_confirm_stands() -> None:
    old = [quote("a", "100", 9), quote("b", "100", 9), quote("e", "100", 9)]
    found = consensus([*old, quote("c", "20"), quote("d", "20.1")], NOW)
    assert (found.status, found.price) == ("agree", Decimal("20.05"))
    assert refusals(found) == {"a": "outrun", "b": "outrun", "c": None, "d": None, "e": "outrun"}
    assert consensus([*old, quote("c", "20", 1), quote("d", "20", 7)], NOW).price == 20  # the second came later
    assert consensus([*old, quote("c", "20", 8.5), quote("d", "20", 8.6)], NOW).price == 100  # they are as old
    assert consensus([*old, quote("c", "20")], NOW).price == 100  # one alone may be wrong
    assert consensus([*old, quote("c", "20"), quote("d", "90")], NOW).price == 100  # and so may two that differ


@pytest.mark.parametrize(
    ("minutes", "cadence", "status"),
    [
        (9, 1, "single"),
        (11, 1, "stale"),
        (59, 20, "single"),
        (61, 20, "stale"),
        (60 * 24 * 2, 60 * 24, "single"),
        (59, None, "single"),
        (61, None, "stale"),
    ],
)
def test_staleness_is_measured_by_the_coins_own_cadence(minutes: float, cadence: float | None, status: str) -> None:
    found = consensus([quote("a", "1", minutes, cadence=cadence and cadence * MINUTE)], NOW)
    assert found.status == status
    assert found.price == (Decimal(1) if status == "single" else None)


def test_missing_price_is_no_zero() -> None:
    found = consensus([Quote("a", None, missing="source_down"), Quote("b", None, missing="delisted")], NOW)
    assert (found.status, found.price, found.spread) == ("none", None, None)
    assert [verdict.quote.missing for verdict in found.verdicts] == ["source_down", "delisted"]
    assert consensus([], NOW).status == "none"
    assert consensus([quote("a", "0"), quote("b", "0")], NOW).price == 0


QUOTES = st.lists(
    st.builds(
        Quote,
        st.text("abcdefgh", min_size=1, max_size=3),
        st.none() | st.decimals("0", "1e18", places=8),
        st.none() | st.integers(0, 10_000).map(lambda seconds: NOW - timedelta(seconds=seconds)),
        st.none() | st.integers(1, 10_000).map(lambda seconds: timedelta(seconds=seconds)),
    ),
    max_size=8,
    unique_by=lambda quote: quote.source,
)


@settings(deadline=None)
@given(QUOTES, st.randoms())
def test_order_changes_nothing(quotes: list[Quote], chance: Any) -> None:
    before = consensus(quotes, NOW)
    chance.shuffle(quotes)
    assert consensus(quotes, NOW) == before


@settings(deadline=None)
@given(QUOTES)
def test_price_is_inside_what_is_kept(quotes: list[Quote]) -> None:
    found = consensus(quotes, NOW)
    kept = [verdict.quote.price for verdict in found.verdicts if verdict.weight]
    assert (found.price is None) == (found.status in ("disagree", "stale", "none")) == (not kept)
    if found.price is not None:
        assert min(price for price in kept if price is not None) <= found.price
        assert found.price <= max(price for price in kept if price is not None)


@settings(deadline=None)
@given(QUOTES)
def test_every_quote_has_one_verdict(quotes: list[Quote]) -> None:
    found = consensus(quotes, NOW)
    assert {verdict.quote for verdict in found.verdicts} == set(quotes)
    assert all((verdict.refusal is None) == (verdict.weight > 0) for verdict in found.verdicts)
    assert all((verdict.refusal == "missing") == (verdict.quote.price is None) for verdict in found.verdicts)


@settings(deadline=None)
@given(QUOTES, st.decimals("0.5", "2", places=3), st.floats(0, 4.5))
def test_two_that_are_new_and_agree_are_never_held_back(quotes: list[Quote], price: Decimal, apart: float) -> None:
    """However many older prices there are, and whatever they say."""
    old = [each._replace(observed_at=NOW - 6 * MINUTE) for each in quotes]
    new = [Quote("x1", price, NOW), Quote("x2", price, NOW - apart * MINUTE)]
    found = consensus([*old, *new], NOW)
    assert found.status == "agree"
    assert all(verdict.weight for verdict in found.verdicts if verdict.quote in new)


@settings(deadline=None)
@given(QUOTES, st.integers(1, 10**9))
def test_unit_of_the_price_does_not_matter(quotes: list[Quote], factor: int) -> None:
    before = consensus(quotes, NOW)
    after = consensus([each._replace(price=each.price and each.price * factor) for each in quotes], NOW)
    assert (after.status, [each.refusal for each in after.verdicts]) == (
        before.status,
        [each.refusal for each in before.verdicts],
    )
