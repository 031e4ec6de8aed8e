"""Backfill: the past of some coins, asked of their source where nothing is held of it.

    lease -> [ gap map -> its first part -> ask -> ONE transaction: fence, raw page, ticks, rejects, what was asked ]*

The gap map is drawn again before each call, and what was asked is committed with what it brought. So a backfill that is
killed is gone on with by the next, one that is repeated asks for nothing, and no other place knows how far it has come.

It runs beside the cycles of its source, under a lease of its own. It takes half of the rate, waits while the source is
being run, and leaves the credits that cycles are going to need. The latest rows are none of its business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from kasparro.domain import Coin, Kind, Ledger, Page, Part, Response, RunStatus, Span
from kasparro.errors import PlanLimit, QuotaSpent, RateLimited, Refused
from kasparro.ingest import budget, gap_map, history, past, quota
from kasparro.ingest.batches import Batch, slices
from kasparro.ingest.cancel import cancellable
from kasparro.ingest.claim import close_orphans
from kasparro.ingest.ending import told_to, words
from kasparro.ingest.gap_map import Missing
from kasparro.ingest.lease import taken
from kasparro.ingest.ledger import settle
from kasparro.ingest.pipeline import quarantine
from kasparro.ingest.reader import ApiReader
from kasparro.ingest.transport import Transport, limiter
from kasparro.log import bind, logger
from kasparro.metrics import Metrics
from kasparro.settings import Budget, Rate
from kasparro.sources.base import ApiSource
from kasparro.store import backfills, leases, quotas, raw, runs
from kasparro.store.pool import ERRORS, Connection, Pool, explain
from kasparro.store.quotas import Account, Standing
from kasparro.store.runs import Traffic
from kasparro.store.tickers import Origin

_LOOK = 0.5  # seconds between looks whether the source is still being run
_PATIENCE = 900.0  # seconds: a longer pause ends the backfill, and the next one goes on from there
_PAUSES = 5  # in a row

log = logger("backfill")


@dataclass(slots=True)
class Filled:
    """What became of one coin."""

    coin: Coin
    calls: int = 0
    ledger: Ledger = field(default_factory=Ledger)
    error: str | None = None


@dataclass(slots=True)
class Summary:
    """What a backfill came to so far. `error` is what ended it, if anything did."""

    source: str
    run_id: int
    coins: list[Filled]
    status: RunStatus = "running"
    pages: int = 0
    traffic: Traffic = field(default_factory=Traffic)
    error: BaseException | None = None

    @property
    def ledger(self) -> Ledger:
        total = Ledger()
        for filled in self.coins:
            total.add(filled.ledger)
        return total


@dataclass(slots=True)
class Backfill:
    """Fills in the past of coins of one source. `watch` is told of every committed page."""

    reader: ApiReader
    pool: Pool
    metrics: Metrics
    owner: str
    history_days: int = history.AGES
    reject_budget: Budget = budget.UNLIMITED
    all_credits: bool = False
    watch: Callable[[Summary], None] = lambda _: None
    transport: Transport = field(init=False)

    def __post_init__(self) -> None:
        options, plan = self.reader.options, self.source.plan(self.reader.options)
        self.transport = replace(self.reader.transport, limiter=limiter(_half(options.rate or plan.rate)))

    @property
    def source(self) -> ApiSource:
        return self.reader.source

    async def missing(self, conn: Connection, coin: Coin, within: Span) -> Missing:
        """The gap map of a coin, as far back as history is kept."""
        kept = Span(max(within.since, self._since()), within.until)
        return await gap_map.missing(conn, self.reader, coin, kept)

    async def spare(self) -> int | None:
        """How many calls are free beside the cycles until the month turns; None where no number is promised."""
        async with self.pool.acquire() as conn:
            standing = await quotas.standing(conn, self.reader.account)
        most = self._most(standing)
        return None if most is None else max(0, most - standing.used)

    async def run(self, coins: Sequence[Coin], within: Span) -> Summary:
        """Fill in what is missing; what is wrong with the source ends in the summary.

        Raises Busy, and what the database raises.
        """
        name = self.source.name
        lease = leases.beside(name)
        async with self.pool.acquire() as conn, taken(conn, self.pool, lease, self.owner) as fence:
            await close_orphans(conn, self.metrics, name)
            run_id = await runs.start_backfill(conn, name, owner=self.owner, fence=fence)
            await leases.name_run(conn, lease, fence, run_id)
            summary = Summary(name, run_id, [Filled(coin) for coin in coins])
            with bind(source=name, run_id=run_id):
                await self._run(conn, fence, summary, within)
        return summary

    async def _run(self, conn: Connection, fence: int, summary: Summary, within: Span) -> None:
        self.transport.traffic = summary.traffic
        try:
            with told_to(summary):
                async with cancellable(self.pool, summary.source, summary.run_id):
                    await self._fill_all(conn, fence, summary, within)
                is_whole = not summary.ledger.rejected and not any(filled.error for filled in summary.coins)
                summary.status = "success" if is_whole else "partial"
        finally:
            await self._finish(summary)

    async def _fill_all(self, conn: Connection, fence: int, summary: Summary, within: Span) -> None:
        calls = [len((await self.missing(conn, filled.coin, within)).parts) for filled in summary.coins]
        log.info("backfill begins", coins=len(calls), calls=sum(calls), free_calls=await self.spare())
        for filled in summary.coins:
            await self._fill(conn, fence, summary, filled, within)

    async def _finish(self, summary: Summary) -> None:
        """Close the run, on a connection of its own: the run's may be what broke."""
        kind = type(summary.error).__name__ if summary.error else None
        try:
            async with asyncio.timeout(5), self.pool.acquire() as conn:
                if summary.status == "success" and not summary.pages:
                    await runs.forget(conn, summary.run_id)  # nothing was missing, and that is no run
                else:
                    await runs.finish(conn, summary.run_id, summary.status, summary.traffic, kind, words(summary.error))
        except ERRORS as trouble:
            log.warning("run not closed", reason=explain(trouble))

    async def _fill(self, conn: Connection, fence: int, summary: Summary, filled: Filled, within: Span) -> None:
        """Ask for one part after the other, until nothing is missing that was not asked for."""
        pauses = 0
        while parts := (await self.missing(conn, filled.coin, within)).parts:
            try:
                response = await self._ask(conn, filled.coin, parts[0])
            except Refused as error:  # a coin that the vendor knows no longer keeps no other from its past
                filled.error = error.reason
                return
            except RateLimited as error:
                pauses += 1
                await self._pause(error, pauses)
                continue
            pauses = 0
            await self._commit(conn, fence, summary, filled, parts[0], response)

    async def _ask(self, conn: Connection, coin: Coin, part: Part) -> Response:
        while await leases.is_held(conn, self.source.name):  # noqa: ASYNC110 - another process's run has no event
            await asyncio.sleep(_LOOK)
        standing, account = await quotas.standing(conn, self.reader.account), self.reader.account
        most = self._most(standing)
        self.transport.allowance = quota.Modest(account, most, self.pool, self.metrics)
        try:
            return await self.transport.send(self.source.past(self.reader.options, coin.coin_id, part))
        except QuotaSpent as error:
            raise QuotaSpent(error.source, _spent(account, standing.used, most), error.resets_in) from None
        except PlanLimit as error:
            back = f"{self.source.name.upper()}_REACH tells how many days back the plan goes"
            raise PlanLimit(
                error.source, f"{coin.coin_id} since {part.since:%Y-%m-%d}: {error.reason}; {back}"
            ) from None

    async def _pause(self, error: RateLimited, pauses: int) -> None:
        """Wait as long as the vendor asks; raises the error where that is too long, or no end comes of it."""
        seconds = error.retry_after or quota.PARKED
        if seconds > _PATIENCE or pauses > _PAUSES:
            raise error
        log.warning("the vendor asks for a pause", seconds=round(seconds), reason=error.reason)
        await self.transport.wait(seconds)

    async def _commit(
        self, conn: Connection, fence: int, summary: Summary, filled: Filled, part: Part, response: Response
    ) -> None:
        """One page, whole or not at all."""
        summary.pages += 1
        page = past.page(summary.pages, response, filled.coin)
        batch = await self._read(page, response, filled.coin)
        async with conn.transaction():
            await leases.renew(conn, leases.beside(summary.source), fence)
            raw_id = await raw.insert(conn, summary.source, summary.run_id, page)
            ledger = await self._write(conn, batch, raw_id, summary, filled.coin, part)
            simulated = page.simulated
            await runs.progress(conn, summary.source, summary.run_id, ledger, summary.traffic, simulated=simulated)
        filled.calls += 1
        filled.ledger.add(ledger)
        self.watch(summary)
        await budget.check(conn, self.reject_budget, summary.ledger, source=summary.source, run_id=summary.run_id)

    async def _read(self, page: Page, response: Response, coin: Coin) -> Batch:
        batch = Batch(page)
        for items in slices(past.points(self.source, response, coin)):
            batch.take(items)
            await asyncio.sleep(0)
        await history.make_room(self.pool, batch.months, self._since())
        return batch

    async def _write(
        self, conn: Connection, batch: Batch, raw_id: int, summary: Summary, coin: Coin, part: Part
    ) -> Ledger:
        origin = Origin(summary.source, summary.run_id, raw_id, batch.page.fetched_at, True, self._since())
        if batch.rejections:
            await quarantine(conn, batch, raw_id, source=summary.source, run_id=summary.run_id)
        effects = await backfills.merge(conn, origin, bytes(batch.staged)) if batch.records else []
        await backfills.note(conn, origin, coin.coin_id, part, batch.records)
        return settle(Kind.SERIES, effects, staged=batch.records, rejected=len(batch.rejections), duplicates=0)

    def _most(self, standing: Standing) -> int | None:
        """How many credits of the month may be used before the next call."""
        options, account = self.reader.options, self.reader.account
        if self.all_credits:
            return account.credits
        daily = len(self.source.contract_requests(options))
        return quota.spare(account, standing, interval=options.interval, daily=daily)

    def _since(self) -> datetime:
        return history.since(self.history_days)


def _half(rate: Rate) -> Rate:
    """The other half is the cycles'."""
    return Rate(rate.requests // 2, rate.seconds) if rate.requests > 1 else Rate(1, 2 * rate.seconds)


def _spent(account: Account, used: int, most: int | None) -> str:
    kept = (account.credits or 0) - (most or 0)
    need = f", and {kept} are left to the cycles of the source; --all-credits takes those too" if kept else ""
    return f"{used} of the month's {account.credits} credits are used{need}; the same command goes on from here later"
