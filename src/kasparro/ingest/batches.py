"""Cuts deliveries into batches ready for COPY, slice by slice: parsing never holds the event loop for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date
from itertools import islice

from kasparro.domain import Closing, Delivery, Duplicate, Entry, Page, Refusal, Rejection
from kasparro.store.tickers import copy_text

SLICE = 50  # records parsed before others get their turn: about half a millisecond
BATCH = 2000  # records merged by one statement: as fast as all at once, and little is left to merge behind the last


@dataclass(slots=True)
class Batch:
    """Some records of a page, ready for the store. The last batch of a page brings its closing."""

    page: Page
    staged: bytearray = field(default_factory=bytearray)
    records: int = 0
    duplicates: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    months: set[date] = field(default_factory=set)
    closing: Closing | None = None

    def take(self, items: list[Entry | Rejection | Duplicate]) -> None:
        """Add parsed records."""
        entries = [item for item in items if isinstance(item, Entry)]
        self.staged += copy_text(entries)
        self.records += len(entries)
        self.duplicates += sum(isinstance(item, Duplicate) for item in items)
        self.rejections += [item for item in items if isinstance(item, Rejection)]
        self.months |= _months(entries)


def _months(entries: list[Entry]) -> set[date]:
    """The months that the entries are about. Days first: they are few, and a time is slow to compare."""
    moments = [entry.ticker.source_updated_at for entry in entries]
    days = {moment.astimezone(UTC).date() for moment in moments if moment is not None}
    return {day.replace(day=1) for day in days}


async def batches(
    deliveries: AsyncIterator[Delivery | Refusal], make_room: Callable[[set[date]], Awaitable[None]]
) -> AsyncIterator[Batch | Refusal]:
    """The deliveries as batches, in order; `make_room` is told the months of each before it is handed over."""
    async for delivery in deliveries:
        if isinstance(delivery, Refusal):
            yield delivery
            continue
        async for batch in _cut(delivery):
            await make_room(batch.months)
            yield batch


async def _cut(delivery: Delivery) -> AsyncIterator[Batch]:
    yield Batch(delivery.page)  # empty: the page itself is written while its records are being parsed
    batch = Batch(delivery.page)
    for items in _slices(delivery.entries):
        if batch.records >= BATCH:
            yield batch
            batch = Batch(delivery.page)
        batch.take(items)
        await asyncio.sleep(0)
    batch.closing = delivery.close()
    yield batch


def _slices(
    entries: Iterator[Entry | Rejection | Duplicate],
) -> Iterator[list[Entry | Rejection | Duplicate]]:
    while items := list(islice(entries, SLICE)):
        yield items
