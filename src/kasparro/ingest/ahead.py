"""Runs an asynchronous iterator ahead of its consumer, in order, bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

Item = TypeVar("Item")


class _End:
    """What the producer puts last: the error it ended with, if any."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error


async def ahead(items: AsyncIterator[Item], depth: int) -> AsyncGenerator[Item, None]:
    """The same items, produced while earlier ones are consumed, at most `depth` waiting.

    An error comes out where it happened: everything produced before it is consumed first.
    """
    queue: asyncio.Queue[Item | _End] = asyncio.Queue(depth)
    producer = asyncio.create_task(_produce(items, queue))
    try:
        while not isinstance(item := await queue.get(), _End):
            yield item
        if item.error:
            raise item.error
    finally:
        producer.cancel()
        await asyncio.gather(producer, return_exceptions=True)


async def _produce(items: AsyncIterator[Item], queue: asyncio.Queue[Item | _End]) -> None:
    try:
        async for item in items:
            await queue.put(item)
    except Exception as error:  # handed to the consumer, who raises it
        await queue.put(_End(error))
    else:
        await queue.put(_End())
