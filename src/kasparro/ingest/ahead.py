"""Runs an asynchronous iterator ahead of its consumer, in order, bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import TypeVar

Item = TypeVar("Item")


class _End:
    """What the producer puts last: the error it ended with, if any."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error


async def ahead(
    items: AsyncIterator[Item], depth: int, join: Callable[[Item, Item], bool]
) -> AsyncGenerator[Item, None]:
    """The same items, produced while earlier ones are consumed, at most `depth` waiting.

    Those that wait are handed over as one, as far as `join` takes a second into a first: the slower the consumer is
    behind its producer, the more it gets at a time. An error comes out where it happened: everything produced before
    it is consumed first.
    """
    queue: asyncio.Queue[Item | _End] = asyncio.Queue(depth)
    producer = asyncio.create_task(_produce(items, queue))
    try:
        item = await queue.get()
        while not isinstance(item, _End):
            following = _join_waiting(item, queue, join)
            yield item
            item = following or await queue.get()
        if item.error:
            raise item.error
    finally:
        producer.cancel()
        await asyncio.gather(producer, return_exceptions=True)


def _join_waiting(
    item: Item, queue: asyncio.Queue[Item | _End], join: Callable[[Item, Item], bool]
) -> Item | _End | None:
    """Take into the item whatever waits and can be taken; returns what could not."""
    while not queue.empty():
        following = queue.get_nowait()
        if isinstance(following, _End) or not join(item, following):
            return following
    return None


async def _produce(items: AsyncIterator[Item], queue: asyncio.Queue[Item | _End]) -> None:
    try:
        async for item in items:
            await queue.put(item)
    except Exception as error:  # handed to the consumer, who raises it
        await queue.put(_End(error))
    else:
        await queue.put(_End())
