"""What differs between two histograms, and whether it may be chance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kasparro.ingest.histograms import Histogram, gap, is_chance, quantile

counts = st.dictionaries(st.integers(-1, 20), st.integers(1, 300), min_size=1)


@given(counts)
def test_histogram_does_not_differ_from_itself(one: Histogram) -> None:
    assert gap(one, one).width == 0
    assert is_chance(one, one, gap(one, one))


@given(counts, counts)
def test_gap_is_the_same_from_both_sides(one: Histogram, other: Histogram) -> None:
    there, back = gap(one, other), gap(other, one)
    assert there.width == pytest.approx(back.width)
    assert 0 <= there.width <= 1 + 1e-9
    assert is_chance(one, other, there) == is_chance(other, one, there._replace(usual=there.now, now=there.usual))


@given(counts, st.integers(2, 50))
def test_more_of_the_same_is_no_gap(one: Histogram, times: int) -> None:
    assert gap(one, {value: count * times for value, count in one.items()}).width < 1e-9


@pytest.mark.parametrize(
    ("usual", "now", "chance"),
    [
        ({0: 1, 1: 2}, {0: 9, 1: 91}, True),  # 33 % of three
        ({1: 4}, {0: 100}, False),  # nothing alike, and four are enough to say so
        ({1: 3}, {0: 3}, True),
        ({0: 50, 1: 50}, {0: 56, 1: 44}, True),
        ({0: 50, 1: 50}, {0: 90, 1: 10}, False),
        ({1: 2500}, {0: 8}, False),
    ],
)
def test_few_values_prove_little(usual: Histogram, now: Histogram, chance: bool) -> None:
    assert is_chance(usual, now, gap(usual, now)) is chance


def test_quantiles() -> None:
    assert [quantile({1: 1, 5: 8, 9: 1}, share) for share in (0, 0.1, 0.5, 0.9, 1)] == [1, 1, 5, 5, 9]
