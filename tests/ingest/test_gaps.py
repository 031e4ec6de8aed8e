"""What is asked for: what is missing, as finely as the plan gives it, in few calls, and nothing a second time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kasparro.domain import Part, Reach, Span
from kasparro.ingest import gaps

NOW = datetime(2026, 11, 24, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
FINE = Reach(5 * MINUTE, DAY, DAY)
COARSE = Reach(HOUR, 365 * DAY, 89 * DAY)


def ago(days: float) -> datetime:
    return NOW - days * DAY


def test_a_time_is_cut_by_what_the_plan_gives_the_oldest_first() -> None:
    found, beyond = gaps.zones(Span(ago(400), NOW + DAY), [FINE, COARSE], NOW)
    begins, fine = ago(365) + 10 * MINUTE, ago(1) + 10 * MINUTE  # a little later: clocks differ
    assert found == [(Span(begins, fine), COARSE), (Span(fine, NOW), FINE)]
    assert beyond == Span(ago(400), begins)
    assert gaps.zones(Span(ago(9), ago(5)), [FINE, COARSE], NOW) == ([(Span(ago(9), ago(5)), COARSE)], None)
    assert gaps.zones(Span(ago(9000), ago(8000)), [Reach(DAY, None, DAY)], NOW).beyond is None


def test_a_gap_is_longer_than_the_steps_and_than_the_pace_of_the_source() -> None:
    zone = gaps.Zone(Span(ago(1), NOW), FINE)
    assert zone.longest(pace=MINUTE) == 7.5 * MINUTE
    assert zone.longest(pace=20 * MINUTE) == 30 * MINUTE


def test_what_was_asked_is_left_out_and_so_are_the_crumbs() -> None:
    asked = [Span(ago(8), ago(6)), Span(ago(5.99), ago(3)), Span(ago(2), ago(0))]
    held = [Span(ago(10), ago(7)), Span(ago(6.5), ago(1))]
    assert list(gaps.unasked(held, asked, HOUR)) == [Span(ago(10), ago(8)), Span(ago(3), ago(2))]


def test_near_gaps_share_a_call_and_long_ones_take_several() -> None:
    assert gaps.parts([Span(ago(5), ago(4)), Span(ago(3), ago(2))], COARSE) == [Part(ago(5), ago(2), HOUR)]
    assert gaps.parts([Span(ago(300), ago(100)), Span(ago(50), ago(49))], COARSE) == [
        Part(ago(300), ago(211), HOUR),
        Part(ago(211), ago(122), HOUR),
        Part(ago(122), ago(49), HOUR),
    ]


@given(st.lists(st.integers(0, 1000), min_size=2, unique=True), st.lists(st.integers(0, 1000), unique=True))
def test_every_gap_is_asked_once_and_then_nothing_is_left(edges: list[int], before: list[int]) -> None:
    def spans(values: list[int]) -> list[Span]:
        return [Span(ago(1000 - since), ago(1000 - until)) for since, until in list(pairwise(sorted(values)))[::2]]

    asked, wanted = spans(before), list(gaps.unasked(spans(edges), spans(before), HOUR))
    parts = gaps.parts(wanted, COARSE)
    assert all(part.until - part.since <= COARSE.span for part in parts)
    assert all(one.until <= other.since for one, other in pairwise(parts))
    now_asked = sorted([*asked, *(Span(part.since, part.until) for part in parts)])
    assert list(gaps.unasked(wanted, now_asked, HOUR)) == []
