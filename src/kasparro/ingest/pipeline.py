"""One run of one source.

    claim -> [ fetch -> parse -> commit ]* -> finish -> release

Fetching and parsing go ahead of the commits by a few batches. A page is ONE transaction: the fence, the raw page, the
latest rows, the history, the rejects, the drift, the checkpoint and the run's counters become visible together or not
at all, so that a run may be killed at any instant and the next one goes on behind the last committed page.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import date

from kasparro.domain import Closing, Kind, Ledger, Page, Refusal, Rejection, RunStatus, Trigger
from kasparro.errors import Malformed
from kasparro.ingest import budget, history, snapshots
from kasparro.ingest.ahead import ahead
from kasparro.ingest.batches import Batch, Part, batches, join
from kasparro.ingest.cancel import cancellable
from kasparro.ingest.claim import Claim, Follow, claim, nothing_follows
from kasparro.ingest.drift_watch import Sightings, freeze, kept
from kasparro.ingest.ending import told_to, words
from kasparro.ingest.lease import hold
from kasparro.ingest.ledger import settle
from kasparro.ingest.quota import allowance
from kasparro.ingest.reader import Reader
from kasparro.ingest.snapshots import Findings
from kasparro.ingest.unchanged import Memory
from kasparro.log import bind, logger
from kasparro.metrics import Metrics
from kasparro.settings import Budget
from kasparro.store import checkpoints, contracts, leases, raw, rejects, runs, states, tickers
from kasparro.store.pool import ERRORS, Connection, Pool, explain
from kasparro.store.runs import Traffic
from kasparro.store.tickers import Effect, Origin

AHEAD = 6  # batches that wait, parsed, while another is committed

log = logger("pipeline")


@dataclass(slots=True)
class Summary:
    """What a run came to so far. `error` is what ended it, if anything did."""

    source: str
    run_id: int
    trigger: Trigger = "manual"
    status: RunStatus = "running"
    pages: int = 0
    ledger: Ledger = field(default_factory=Ledger)
    traffic: Traffic = field(default_factory=Traffic)
    simulated: bool = False
    findings: Findings = field(default_factory=Findings)
    error: BaseException | None = None
    sightings: Sightings = field(init=False)

    def __post_init__(self) -> None:
        self.sightings = Sightings(self.source, self.run_id)


@dataclass(slots=True)
class Pipeline:
    """Runs one source, again and again.

    `watch` is told of every committed page; `follow` decides when the source runs next, in the transaction that closes
    a run, under its lease; `months` are those that history is known to have a place for, `memory` holds what the run
    before has committed.
    """

    reader: Reader
    pool: Pool
    metrics: Metrics
    owner: str
    history_days: int = history.AGES
    watch: Callable[[Summary], None] = lambda _: None
    follow: Follow = nothing_follows
    reject_budget: Budget = budget.UNLIMITED
    months: set[date] = field(default_factory=set)
    memory: Memory = field(default_factory=Memory)

    async def run(self, trigger: Trigger) -> Summary:
        """One run: now, or what the schedule has due. What is wrong with the source ends in the summary.

        Raises Busy, NotDue, and what the database raises.
        """
        async with self.pool.acquire() as conn:
            taken = await claim(conn, self.reader, owner=self.owner, trigger=trigger, metrics=self.metrics)
            with bind(source=taken.source, run_id=taken.run_id):
                async with hold(conn, self.pool, taken.source, taken.fence):
                    return await self._run(conn, taken, Summary(taken.source, taken.run_id, taken.due.trigger))

    async def _run(self, conn: Connection, taken: Claim, summary: Summary) -> Summary:
        started = time.monotonic()
        log.debug("run started")
        try:
            with told_to(summary):
                async with cancellable(self.pool, taken.source, taken.run_id):
                    await self._commit_all(conn, taken, summary)
                self._judge(summary, resumed=self.reader.resumes(taken.found) is not None)
        finally:
            await self._finish(taken, summary)
            self._report(summary, time.monotonic() - started)
        return summary

    def _judge(self, summary: Summary, *, resumed: bool) -> None:
        """No record, or none that could be read, is no success; what was committed stays."""
        ledger, name = summary.ledger, summary.source
        if ledger.rejected and ledger.rejected == ledger.fetched:
            raise Malformed(name, f"none of {ledger.fetched} records could be read; /rejects says why")
        if not ledger.fetched and not resumed and self.reader.kind is Kind.SNAPSHOT:
            raise Malformed(name, "the answer is an empty list: a market without coins is a mistake")
        summary.status = "partial" if ledger.rejected else "success"

    async def _finish(self, taken: Claim, summary: Summary) -> None:
        """Close the run, on a connection of its own: the run's may be what broke. The next run closes an orphan."""
        try:
            async with asyncio.timeout(5), self.pool.acquire() as conn, conn.transaction():
                is_ours = await leases.still_holds(conn, taken.source, taken.fence)
                await self._close(conn, taken, summary)
                if is_ours:  # else the process that has taken the source over decides
                    await self.follow(conn, taken.due, summary.error)
        except ERRORS as trouble:
            log.warning("run not closed", reason=explain(trouble))

    async def _close(self, conn: Connection, taken: Claim, summary: Summary) -> None:
        if self._found_nothing(summary) and taken.due.requested_at is None:
            await runs.forget(conn, summary.run_id)
            await states.mark_checked(conn, summary.source)
        else:
            kind = type(summary.error).__name__ if summary.error else None
            text = words(summary.error)
            await runs.finish(conn, summary.run_id, summary.status, summary.traffic, kind, text)
        if summary.pages:
            await states.mark_simulated(conn, summary.source, summary.simulated)

    def _found_nothing(self, summary: Summary) -> bool:
        """Whether files were looked at and none was new: that is no run, but a success."""
        return self.reader.kind is Kind.SERIES and not summary.pages and summary.status == "success"

    def _report(self, summary: Summary, seconds: float) -> None:
        if summary.status in ("success", "partial"):
            self.metrics.last_success(summary.source, time.time())
        if self._found_nothing(summary):
            return
        self.metrics.run_finished(summary.source, summary.status, seconds, summary.ledger)
        line = log.error if summary.status == "failed" else log.info
        line(
            f"run {summary.status}",
            pages=summary.pages,
            fetched=summary.ledger.fetched,
            rejected=summary.ledger.rejected,
            seconds=round(seconds, 3),
            error=words(summary.error),
        )

    async def _commit_all(self, conn: Connection, taken: Claim, summary: Summary) -> None:
        account = self.reader.account
        allowed = account and allowance(account, summary.trigger, self.pool, self.metrics)
        with self.memory.recalled(taken.fence) as known:
            deliveries = self.reader.deliveries(taken.found, summary.traffic, allowed, known)
            stream = ahead(batches(deliveries, self._make_room), AHEAD, join)
            async with kept(conn, taken.fence, summary.sightings, self.metrics), aclosing(stream):
                await self._commit_each(conn, taken, stream, summary)

    async def _commit_each(self, conn: Connection, taken: Claim, stream: AsyncIterator[Part], summary: Summary) -> None:
        async for item in stream:
            async with conn.transaction():
                await leases.renew(conn, taken.source, taken.fence)
                if isinstance(item, Refusal):
                    ledger = await _write_refusal(conn, item, summary)
                else:
                    assert isinstance(item, Page)  # noqa: S101 - a page's batches follow it, and are written with it
                    ledger = await self._write_page(conn, item, stream, summary)
                await runs.progress(
                    conn, summary.source, summary.run_id, ledger, summary.traffic, simulated=summary.simulated
                )
            summary.pages += 1
            summary.ledger.add(ledger)
            summary.sightings.tell(self.metrics)
            summary.findings.tell(summary.source, self.metrics)
            self.watch(summary)
            await budget.check(conn, self.reject_budget, summary.ledger, source=summary.source, run_id=summary.run_id)

    async def _write_page(self, conn: Connection, page: Page, rest: AsyncIterator[Part], summary: Summary) -> Ledger:
        """Write a page and all its batches, which follow it; returns where its records went."""
        ledger, closing = Ledger(), None
        summary.simulated |= page.simulated
        raw_id = await raw.insert(conn, summary.source, summary.run_id, page)
        while closing is None:
            batch = await anext(rest)
            assert isinstance(batch, Batch)  # noqa: S101 - up to the one that closes the page
            ledger.add(await self._write_batch(conn, batch, raw_id, summary))
            closing = batch.closing
        ledger.unchanged += closing.unchanged
        await self._close_page(conn, page, closing, summary)
        self.memory.keep(page, raw_id, closing, ledger)
        return ledger

    async def _write_batch(self, conn: Connection, batch: Batch, raw_id: int, summary: Summary) -> Ledger:
        if batch.rejections:
            await quarantine(conn, batch, raw_id, source=summary.source, run_id=summary.run_id)
        effects = await self._merge(conn, batch, raw_id, summary) if batch.records else []
        if batch.closing is None:
            await tickers.clear(conn)  # for the next one; behind the last, the commit does it
        return settle(
            self.reader.kind,
            effects,
            staged=batch.records,
            rejected=len(batch.rejections),
            duplicates=batch.duplicates,
        )

    async def _merge(self, conn: Connection, batch: Batch, raw_id: int, summary: Summary) -> list[Effect]:
        is_series, since = self.reader.kind is Kind.SERIES, history.since(self.history_days)
        origin = Origin(summary.source, summary.run_id, raw_id, batch.page.fetched_at, is_series, since)
        return await tickers.merge(conn, origin, bytes(batch.staged))

    async def _close_page(self, conn: Connection, page: Page, closing: Closing, summary: Summary) -> None:
        waiting = await summary.sightings.take(conn, closing)
        if self.reader.freezes:
            freeze(summary.source, waiting)
        await checkpoints.move(
            conn,
            summary.source,
            stream=page.stream,
            cursor=closing.cursor,
            run_id=summary.run_id,
            page=page.number,
        )
        if closing.contracts:
            await contracts.tell(conn, summary.source, closing.contracts)
        if closing.census:
            summary.findings = await snapshots.settle(conn, summary.source, summary.run_id, closing.census)

    async def _make_room(self, months: set[date]) -> None:
        """Partitions for months that have none."""
        self.months |= await history.make_room(self.pool, months - self.months, history.since(self.history_days))


async def _write_refusal(conn: Connection, refusal: Refusal, summary: Summary) -> Ledger:
    """A refused file is one rejected record; its checkpoint remembers it, so that it is refused once."""
    log.warning("file refused", file=refusal.stream, reasons=[fault.message for fault in refusal.faults])
    rejection = Rejection(0, refusal.stream, refusal.faults)
    await rejects.insert(
        conn, summary.source, [rejection], run_id=summary.run_id, raw_id=None, stream=refusal.stream, fetched_at=None
    )
    await checkpoints.move(
        conn, summary.source, stream=refusal.stream, cursor=refusal.cursor, run_id=summary.run_id, page=0
    )
    return Ledger(rejected=1)


async def quarantine(conn: Connection, batch: Batch, raw_id: int, *, source: str, run_id: int) -> None:
    """Keep the records of a batch that are no tickers."""
    await rejects.insert(
        conn,
        source,
        batch.rejections,
        run_id=run_id,
        raw_id=raw_id,
        stream=batch.page.stream,
        fetched_at=batch.page.fetched_at,
    )
