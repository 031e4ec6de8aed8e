"""Drift inside a page's transaction: what the page shows is kept, what is usual is learned, what is new is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from kasparro.domain import Closing, Drift, Portrait
from kasparro.errors import Drifted
from kasparro.ingest.normals import judge
from kasparro.log import logger
from kasparro.metrics import Metrics
from kasparro.store import drifts, leases
from kasparro.store.pool import Connection

log = logger("drift")


@dataclass(slots=True)
class Sightings:
    """The drifts that a run saw: those that are news, and those that are over, since it was last told of them."""

    source: str
    run_id: int
    news: list[Drift] = field(default_factory=list)
    over: list[str] = field(default_factory=list)

    async def take(self, conn: Connection, closing: Closing) -> list[Drift]:
        """Keep every drift of a page, and learn what is usual. Returns those that nobody has acknowledged.

        The last page of a whole snapshot ends the drifts that none of its pages showed.
        """
        departures = await self._departures(conn, closing.portrait) if closing.portrait else []
        waiting = await self.keep(conn, [*closing.drifts, *departures])
        if not closing.cursor:
            self.over += await drifts.resolve(conn, self.source, self.run_id)
        return waiting

    async def keep(self, conn: Connection, found: Sequence[Drift]) -> list[Drift]:
        """Keep these drifts; returns those that nobody has acknowledged."""
        noted = [await drifts.note(conn, self.source, drift, self.run_id) for drift in found]
        self.news += [drift for drift, kept in zip(found, noted, strict=True) if kept.is_news]
        return [drift for drift, kept in zip(found, noted, strict=True) if kept.is_open]

    async def _departures(self, conn: Connection, portrait: Portrait) -> list[Drift]:
        memory = await drifts.recall(conn, self.source, portrait.part)
        found, learned = judge(portrait, memory.learned, memory.acknowledged)
        await drifts.learn(conn, self.source, portrait.part, learned)
        return found

    def tell(self, metrics: Metrics) -> None:
        """Once for each drift, when the page that showed it is committed; and when it is over."""
        for drift in self.news:
            metrics.drift_seen(self.source, drift.kind)
            log.warning("schema drift", **drifts.as_fields(drift))
        for name in self.over:
            log.info("drift is over", drift=name)
        self.forget()

    def forget(self) -> None:
        """Nothing of it happened: the page was not committed."""
        self.news.clear()
        self.over.clear()


@asynccontextmanager
async def kept(conn: Connection, fence: int, sightings: Sightings, metrics: Metrics) -> AsyncIterator[None]:
    """Of a page that was not written because of its drifts, these are kept and told all the same."""
    try:
        yield
    except Drifted as error:
        sightings.forget()
        async with conn.transaction():
            await leases.renew(conn, sightings.source, fence)
            await sightings.keep(conn, error.drifts)
        sightings.tell(metrics)
        raise


def freeze(source: str, waiting: Sequence[Drift]) -> None:
    """Raise Drifted if one of them is about a field that we use; those of severity info harm nobody."""
    if names := ", ".join(f"{drift.kind} {drift.path}" for drift in waiting if drift.severity != "info"):
        reason = (
            f"its answers have changed ({names}) and nothing of this page was written: look at GET /drift, then accept "
            f"the change with POST /drift/acknowledge, or set {source.upper()}_DRIFT=warn"
        )
        raise Drifted(source, reason, tuple(waiting))
