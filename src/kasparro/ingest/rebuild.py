"""Rebuild: the latest rows and the history of a source, derived again from its raw pages, with no call of any API.

    lease -> choose pages -> [ read again -> merge apart ]* -> [ ONE transaction for some coins: fence, write ]*

Pages are merged in the order in which they were committed, by the statement that ingestion merges them by, into tables
that nobody is served from. Then each coin is made what was derived, and only where it differs: its row and its ticks
at once, so that a rebuild may be killed at any instant, and repeated. What is from pages that are no longer kept stays.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from kasparro.domain import Kind, Ledger, Page
from kasparro.errors import Busy, Fatal, SourceError, TooManyRejected
from kasparro.ingest import budget, history, kept
from kasparro.ingest.batches import Batch, slices
from kasparro.ingest.kept import KeptPages
from kasparro.ingest.lease import taken
from kasparro.log import logger
from kasparro.settings import Budget
from kasparro.sources.base import Source
from kasparro.sources.csv_file import CsvFile
from kasparro.store import leases, raw, rebuild, tickers
from kasparro.store.pool import Connection, Pool
from kasparro.store.raw import Kept
from kasparro.store.rebuild import Written
from kasparro.store.tickers import Origin

_COINS = 200  # written by one transaction

log = logger("rebuild")


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild of one source came to: what it read, and what was not as it should be; or why it broke off."""

    source: str
    pages: int = 0
    records: int = 0
    rejected: int = 0
    written: Written = field(default_factory=Written)
    error: str | None = None

    def row(self) -> dict[str, Any]:
        """The same as one row of a table."""
        read = {"pages": self.pages, "records": self.records, "rejected": self.rejected}
        return {"source": self.source, **read, **self.written._asdict(), "error": self.error}


@dataclass(slots=True)
class Rebuild:
    """Rebuilds one source, page by page, on a connection of its own to `dsn`."""

    source: Source
    options: Any
    dsn: str
    pool: Pool
    owner: str
    history_days: int = history.AGES
    reject_budget: Budget = budget.UNLIMITED
    months: set[date] = field(default_factory=set)

    async def told(self, since: datetime | None) -> Rebuilt:
        """Rebuild from the pages fetched since then, or from all that are kept, and say what came of it."""
        result = Rebuilt(self.source.name)
        try:
            await self.run(since, result)
        except (Busy, SourceError) as error:
            result.error = str(error)
        return result

    async def run(self, since: datetime | None, result: Rebuilt) -> None:
        """The same, told to `result` on the way; raises Busy, SourceError, and what the database raises."""
        name, is_file = self.source.name, isinstance(self.source, CsvFile)
        async with rebuild.session(self.dsn) as conn, taken(conn, self.pool, name, self.owner) as fence:
            pages = await rebuild.begin(conn, name, since=since, needs_reading=is_file)
            log.info("rebuild begins", source=name, pages=len(pages))
            again = kept.reader(self.source, self.options)
            for raw_id in pages:
                page = await self._page(conn, raw_id)
                await self._derive(conn, page, again, result)
            self._check(result)
            if pages:
                await self._write(conn, fence, result)
        log.info("rebuilt", **{name: value for name, value in result.row().items() if value})

    def _check(self, result: Rebuilt) -> None:
        """Raises TooManyRejected, before anything is written, where the mapping no longer reads the old pages."""
        if budget.is_exceeded(self.reject_budget, Ledger(unchanged=result.records, rejected=result.rejected)):
            count = result.records + result.rejected
            raise TooManyRejected(
                result.source,
                f"{result.rejected:,} of {count:,} records of its raw pages are rejected now, so nothing was written; "
                f"allowed is REJECT_BUDGET={self.reject_budget}",
            )

    async def _page(self, conn: Connection, raw_id: int) -> Kept:
        page = await raw.kept(conn, self.source.name, raw_id)
        if page is None:
            raise Fatal(self.source.name, f"raw page {raw_id} was deleted meanwhile, as too old; rebuild again")
        return page

    async def _derive(self, conn: Connection, page: Kept, again: KeptPages, result: Rebuilt) -> None:
        """Merge a page apart."""
        whole = await self._whole(page, again)
        is_series, since = self.source.kind is Kind.SERIES, history.since(self.history_days)
        origin = Origin(self.source.name, page.run_id, page.raw_id, page.fetched_at, is_series, since)
        if whole.records:
            async with conn.transaction():
                await tickers.merge(conn, origin, bytes(whole.staged))
        result.pages += 1
        result.records += whole.records + whole.duplicates
        result.rejected += len(whole.rejections)

    async def _whole(self, page: Kept, again: KeptPages) -> Batch:
        """All records of a page as one batch: in how many they were ingested depended on what was waiting."""
        whole = Batch(Page(0, page.url, page.status, "", page.checksum, page.fetched_at))
        for items in slices(again.entries(page)):
            whole.take(items)
            await asyncio.sleep(0)
        await self._make_room(whole.months)
        return whole

    async def _make_room(self, months: set[date]) -> None:
        self.months |= await history.make_room(self.pool, months - self.months, history.since(self.history_days))

    async def _write(self, conn: Connection, fence: int, result: Rebuilt) -> None:
        """Make every coin what was derived."""
        coins = await rebuild.derived(conn, self.source.name)
        for first in range(0, len(coins), _COINS):
            async with conn.transaction():
                await leases.renew(conn, self.source.name, fence)
                written = await rebuild.write(conn, self.source.name, coins[first : first + _COINS])
            result.written = result.written.plus(written)
