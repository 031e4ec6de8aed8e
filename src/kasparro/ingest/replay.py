"""Replay: quarantined records are read again, once a mapping is mended, and merged as what they were.

    lease -> [ some open records of one page -> read again -> ONE transaction: fence, merge, mark ]*

A record keeps its page and the time of its fetch: it takes nothing from what came later, but its tick joins the
history. One that is still bad stays open, with the reasons of now. What was marked is committed with what it brought,
so that a replay may be killed at any instant, and repeated.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple, cast, get_args

from kasparro.domain import Entry, Kind, Replayal, Ticker
from kasparro.errors import Busy, SourceError
from kasparro.ingest import history, past
from kasparro.ingest.lease import taken
from kasparro.ingest.ledger import outcome
from kasparro.ingest.reread import Read, read
from kasparro.log import logger
from kasparro.sources import SOURCES
from kasparro.sources.base import Source
from kasparro.store import backfills, checkpoints, knowledge, leases, rejects, tickers
from kasparro.store.pool import ERRORS, Connection, Pool, explain
from kasparro.store.rejects import Choice, Open
from kasparro.store.tickers import Origin

_BATCH = 500  # records of one transaction, at most
_LOOK = 2.0  # seconds between looks for what somebody asked for
_REST = 60.0  # seconds after a replay that broke

Unit = Callable[[Connection], AbstractAsyncContextManager[None]]

log = logger("replay")


class Replayed(NamedTuple):
    """What became of how many records of one source, `rejected` those still bad; or why there was no replay."""

    source: str
    counts: Mapping[str, int]
    error: str | None = None

    def row(self) -> dict[str, Any]:
        """The same, every outcome counted."""
        names = (*get_args(Replayal), "rejected")
        return {"source": self.source, **{name: self.counts.get(name, 0) for name in names}, "error": self.error}


@asynccontextmanager
async def applied(conn: Connection) -> AsyncIterator[None]:
    """A transaction that is committed."""
    async with conn.transaction():
        yield


@asynccontextmanager
async def tried(conn: Connection) -> AsyncIterator[None]:
    """A transaction that only shows what would become of it."""
    transaction = conn.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


@dataclass(frozen=True, slots=True)
class Replay:
    """Replays open records of one source. `unit` is `applied`, or `tried` for a dry run."""

    source: Source
    pool: Pool
    owner: str
    history_days: int = history.AGES
    unit: Unit = applied

    async def told(self, choice: Choice) -> Replayed:
        """Replay what is chosen, and say what came of it."""
        try:
            return Replayed(self.source.name, await self.run(choice))
        except (Busy, SourceError) as error:
            return Replayed(self.source.name, {}, str(error))

    async def run(self, choice: Choice) -> Counter[str]:
        """Replay what is chosen; raises Busy, and what the database raises."""
        name, after, counts = self.source.name, 0, Counter[str]()
        async with self.pool.acquire() as conn, taken(conn, self.pool, name, self.owner) as fence:
            while found := await rejects.following(conn, name, choice, after=after, limit=_BATCH):
                for _, records in groupby(found, attrgetter("raw_id")):
                    counts += await self._replay(conn, fence, list(records))
                after = found[-1].reject_id
        log.info("replayed", source=name, **counts)
        return counts

    async def _replay(self, conn: Connection, fence: int, records: list[Open]) -> Counter[str]:
        found = await read(conn, self.source, records)
        faults = {reject_id: item for reject_id, item in found.items() if item and not isinstance(item, Ticker)}
        good = [item for item in found.values() if isinstance(item, Ticker)]
        await history.make_room(self.pool, history.months(good), self._since())
        async with self.unit(conn):
            await leases.renew(conn, self.source.name, fence)
            outcomes = {
                record.reject_id: await self._settle(conn, record, found[record.reject_id])
                for record in records
                if record.reject_id not in faults
            }
            await knowledge.note(conn, self.source.name, [ticker.coin_id for ticker in good])
            await rejects.close(conn, outcomes)
            await rejects.leave_open(conn, faults)
        return Counter([*outcomes.values(), *("rejected" for _ in faults)])

    async def _settle(self, conn: Connection, record: Open, item: Read) -> Replayal:
        if not isinstance(item, Ticker):
            await checkpoints.reread(conn, self.source.name, record.stream)
            return "reread"
        is_series = self.source.kind is Kind.SERIES
        assert record.raw_id is not None  # noqa: S101 - only a refused file has none
        origin = Origin(self.source.name, record.run_id, record.raw_id, record.fetched_at, is_series, self._since())
        staged = tickers.copy_text([Entry(record.position, item)])
        if past.coin(record.stream):
            [effect], kind = await backfills.merge(conn, origin, staged), Kind.SERIES
        else:
            [effect], kind = await tickers.merge(conn, origin, staged), self.source.kind
        await tickers.clear(conn)
        return cast(Replayal, outcome(kind, effect))

    def _since(self) -> datetime:
        return history.since(self.history_days)


async def keep_replaying(pool: Pool, owner: str, history_days: int) -> None:
    """Replay for ever what the API was asked to replay."""
    while True:
        await asyncio.sleep(_LOOK)
        try:
            await replay_requested(pool, owner, history_days)
        except ERRORS as error:
            log.warning("replay put off", reason=explain(error))
        except Exception:  # the one place that keeps replays alive whatever happens
            log.exception("replay broke")
            await asyncio.sleep(_REST)


async def replay_requested(pool: Pool, owner: str, history_days: int) -> None:
    """Replay what the API was asked to replay; what is busy is left to the next time."""
    async with pool.acquire() as conn:
        wanted = await rejects.requested(conn)
    for name in wanted:
        if name in SOURCES:
            with suppress(Busy):
                await Replay(SOURCES[name], pool, owner, history_days).run(Choice(is_requested=True))
