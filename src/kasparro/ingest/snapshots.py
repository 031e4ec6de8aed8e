"""Whether a snapshot can be whole, judged by its census and by the snapshots before it.

Ranks move while a list is read page by page, and coins move with them: one that is seen on two pages tells that
another may have passed unseen. Nothing is lost by it but evidence: a coin is missing only where a whole snapshot
does not list it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median_high
from typing import NamedTuple

from kasparro.domain import Census, Flag, Share
from kasparro.log import logger
from kasparro.metrics import Metrics
from kasparro.store import snapshots
from kasparro.store.pool import Connection

REMEMBERED = 20  # snapshots that tell how many coins are usual: half of them, and a smaller list is the new normal
ENOUGH = 5  # snapshots, before a coin can be said to be missing
_BREAK = 120.0  # seconds from page to page: the vendors' caches alone make up one minute of it
_DROP = 0.10  # of the usual coins: a market of thousands does not lose so many from one cycle to the next

log = logger("snapshots")


class Findings(NamedTuple):
    """What is wrong with a snapshot, and the names of what was wrong with the one before it."""

    flags: Sequence[Flag] = ()
    before: Sequence[str] = ()

    def tell(self, source: str, metrics: Metrics) -> None:
        """When the last page of the snapshot is committed. What the one before it had too is no warning any more."""
        for flag in self.flags:
            metrics.snapshot_flagged(source, flag.name)
            line = log.info if flag.name in self.before else log.warning
            line(f"snapshot is {flag.name}", reason=flag.reason)
        for name in set(self.before).difference(flag.name for flag in self.flags):
            log.info(f"snapshot is {name} no longer")


async def settle(conn: Connection, source: str, run_id: int, census: Census) -> Findings:
    """Note what a snapshot came to and, if it is whole, which coins it misses. Inside the last page's transaction."""
    if not census.listed:
        return Findings()  # an empty list is a mistake, not a snapshot: the run fails
    earlier = await snapshots.earlier(conn, source, scope=census.scope, before=run_id, limit=REMEMBERED)
    flags = [*torn(census), *shrunken(census, [each.coins for each in earlier])]
    coins = None if census.is_resumed else census.listed
    await snapshots.note(conn, run_id, scope=census.scope, coins=coins, flags=flags)
    await snapshots.welcome(conn, source, census.coins)
    if len(earlier) >= ENOUGH and not flags and not census.unnamed:
        await snapshots.miss(conn, source, census.coins, run_id)
    return Findings(flags, earlier[0].flags if earlier else ())


def torn(census: Census) -> Iterator[Flag]:
    """The flag of a snapshot that may have missed coins, with every reason."""
    # a page without a fresh coin ended the list, perhaps by repeating it: it says nothing of the pages before
    shares = [share for share in census.shares if share.fresh]
    reasons = [*_resumed(census), *_repeated(shares), *_short(shares), *_apart(shares)]
    if reasons:
        yield Flag("torn", "; ".join(reasons))


def shrunken(census: Census, earlier: Sequence[int]) -> Iterator[Flag]:
    """The flag of a snapshot that lists clearly fewer coins than the `earlier` ones did."""
    if census.is_resumed or not earlier:
        return
    usual = median_high(earlier)
    if census.listed < usual * (1 - _DROP):
        yield Flag("shrunken", f"{census.listed} coins where {usual} are usual")


def _resumed(census: Census) -> Iterator[str]:
    if census.is_resumed:
        yield "an earlier run brought its first pages"


def _repeated(shares: Sequence[Share]) -> Iterator[str]:
    if count := sum(share.repeated for share in shares):
        yield f"coins that came on two pages: {count}"


def _short(shares: Sequence[Share]) -> Iterator[str]:
    full = max((share.records for share in shares), default=0)
    if short := [share.records for share in shares[:-1] if share.records < full]:
        yield f"pages before the last that are shorter than {full} records: {len(short)}, down to {min(short)}"


def _apart(shares: Sequence[Share]) -> Iterator[str]:
    gaps = [(after.fetched_at - before.fetched_at).total_seconds() for before, after in pairwise(shares)]
    if (longest := max(gaps, default=0.0)) > _BREAK:
        yield f"{longest:.0f} s passed between two pages"
