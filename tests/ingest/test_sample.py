"""The same coins are looked at in every run."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kasparro.domain import Record
from kasparro.ingest.sample import Sample

RECORD = Record(0, b"{}")


@given(st.lists(st.text(max_size=8), unique=True, max_size=400), st.randoms())
def test_sample_is_of_the_same_coins_in_whatever_order(coins: list[str], random: Any) -> None:
    samples = []
    for _ in range(2):
        sample = Sample()
        for coin in coins:
            sample.offer(coin, RECORD)
        samples.append(sample.records.keys())
        random.shuffle(coins)
    assert samples[0] == samples[1]
    assert len(samples[0]) == len(coins) if len(coins) <= 100 else 10 < len(samples[0]) <= 100


def test_coin_that_comes_again_is_one() -> None:
    sample = Sample()
    for _ in range(1000):
        sample.offer("bitcoin", RECORD)
    assert sample.records == {"bitcoin": RECORD}
