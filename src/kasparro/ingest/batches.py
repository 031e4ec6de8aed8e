"""Cuts deliveries into batches ready for COPY, slice by slice: parsing never holds the event loop for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice

from kasparro.domain import Closing, Delivery, Duplicate, Entry, Page, Refusal, Rejection
from kasparro.ingest import history
from kasparro.store.tickers import copy_text

SLICE = 50  # records parsed before others get their turn: about half a millisecond
BATCH = 2000  # records merged by one statement, at least; more where more are waiting
SENDING = 3e-9  # seconds a character of a page needs to PostgreSQL: parsing beside it would make it take twice as long


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
        self.months |= history.months(entry.ticker for entry in entries)

    def absorb(self, later: Batch) -> None:
        """Add the batch that follows in the same page."""
        self.staged += later.staged
        self.records += later.records
        self.duplicates += later.duplicates
        self.rejections += later.rejections
        self.months |= later.months
        self.closing = later.closing


Part = Page | Batch | Refusal


async def batches(
    deliveries: AsyncIterator[Delivery | Refusal], make_room: Callable[[set[date]], Awaitable[None]]
) -> AsyncIterator[Part]:
    """The deliveries, in order, each page before its batches: it is written while its records are being parsed.

    `make_room` is told the months of each batch before it is handed over.
    """
    async for delivery in deliveries:
        if isinstance(delivery, Refusal):
            yield delivery
            continue
        yield delivery.page
        await asyncio.sleep(len(delivery.page.text) * SENDING)
        async for batch in _cut(delivery):
            await make_room(batch.months)
            yield batch


async def _cut(delivery: Delivery) -> AsyncIterator[Batch]:
    batch = Batch(delivery.page)
    for items in slices(delivery.entries):
        if batch.records >= BATCH:
            yield batch
            batch = Batch(delivery.page)
        batch.take(items)
        await asyncio.sleep(0)
    batch.closing = delivery.close()
    yield batch


def join(batch: Part, later: Part) -> bool:
    """Take what follows a batch into it, if it is a batch too."""
    if isinstance(batch, Batch) and isinstance(later, Batch):
        batch.absorb(later)
        return True
    return False


def slices(
    entries: Iterator[Entry | Rejection | Duplicate],
) -> Iterator[list[Entry | Rejection | Duplicate]]:
    """The records of a page by the few, so that others get their turn between them."""
    while items := list(islice(entries, SLICE)):
        yield items
