"""Producing ahead of the consumer: in order, bounded, what waits handed over as one, errors where they happened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from kasparro.ingest.ahead import ahead


class Producer:
    """Lists of one number each; `made` is how many there were so far."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.count, self.error, self.made = count, error, 0

    async def items(self) -> AsyncIterator[list[int]]:
        for number in range(self.count):
            self.made += 1
            yield [number]
        if self.error:
            raise self.error


def never(_: list[int], __: list[int]) -> bool:
    return False


def within_three(numbers: list[int], later: list[int]) -> bool:
    """Joins as far as three, which is any rule that says no some day."""
    if len(numbers) + len(later) > 3:
        return False
    numbers += later
    return True


async def _rest() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_items_come_in_order_and_no_more_than_the_depth_are_made_ahead() -> None:
    producer, made, got = Producer(20), [], []
    async for item in ahead(producer.items(), 4, never):
        await _rest()
        got += item
        made.append(producer.made - len(got))
    assert got == list(range(20))
    assert max(made) == 4 + 2  # four wait, one was looked at, one is in the producer's hand


async def test_what_waits_is_handed_over_as_one_as_far_as_it_can_be_joined() -> None:
    got = []
    async for item in ahead(Producer(8).items(), 20, within_three):
        got.append(item)
        await _rest()
    assert got == [[0, 1, 2], [3, 4, 5], [6, 7]]


async def test_a_fast_consumer_gets_each_item_as_it_comes() -> None:
    async def slow() -> AsyncIterator[list[int]]:
        for number in range(4):
            await _rest()
            yield [number]

    assert [item async for item in ahead(slow(), 20, within_three)] == [[0], [1], [2], [3]]


async def test_an_error_comes_behind_everything_that_was_made_before_it() -> None:
    stream = ahead(Producer(4, ValueError("broke")).items(), 20, within_three)
    assert await anext(stream) == [0, 1, 2]
    await _rest()
    assert await anext(stream) == [3]
    with pytest.raises(ValueError, match="broke"):
        await anext(stream)


async def test_a_consumer_that_leaves_ends_the_producer() -> None:
    producer = Producer(1000)
    stream = ahead(producer.items(), 2, never)
    await anext(stream)
    await stream.aclose()
    made = producer.made
    await _rest()
    assert producer.made == made < 10
