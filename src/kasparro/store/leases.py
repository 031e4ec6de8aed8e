"""Leases: who may write for a source. The database's clock decides; a fence number proves."""

from __future__ import annotations

from kasparro.errors import Busy, FenceLost
from kasparro.store.pool import Connection
from kasparro.store.sql import statement

TTL = 30.0  # seconds; renewed by every page, and by a heartbeat at a third of it
FROZEN = 15.0  # seconds in which a COPY, of a batch that is in memory, has not ended: its process does not run

_EVICT = statement("lease_evict")
_ACQUIRE = statement("lease_acquire")
_RENEW = statement("lease_renew")
_NAME_RUN = statement("lease_name_run")
_RELEASE = statement("lease_release")
_HOLDER = statement("lease_holder")
_WAIT = statement("lease_wait")
_IS_HELD = statement("lease_is_held")


async def acquire(conn: Connection, source: str, owner: str) -> int:
    """Take the source and return the fence; raises Busy with its holder.

    The lease belongs to the session of `conn`: when that ends without a word, the source is free at once.
    """
    await conn.execute(_EVICT, source, FROZEN)
    fence: int | None = await conn.fetchval(_ACQUIRE, source, owner, TTL)
    if fence is None:
        holder = await conn.fetchrow(_HOLDER, source)
        raise Busy(source, holder["owner"], holder["run_id"], holder["expires_at"])
    return fence


async def renew(conn: Connection, source: str, fence: int) -> None:
    """Prolong the lease and, inside a transaction, hold it until the end; raises FenceLost when another has it."""
    if not await still_holds(conn, source, fence):
        raise FenceLost(source, "another process has taken the source over; this run ends")


async def still_holds(conn: Connection, source: str, fence: int) -> bool:
    """As `renew`, for those whom a lost fence does not end."""
    return await conn.fetchval(_RENEW, source, fence, TTL) is not None


def beside(source: str) -> str:
    """The lease of a backfill of the source: as the function lease_of of the schema says it."""
    return f"{source} backfill"


async def wait(conn: Connection, source: str) -> None:
    """Wait for whoever commits a page of the source, and keep others from it until the transaction ends."""
    await conn.execute(_WAIT, source)


async def is_held(conn: Connection, source: str) -> bool:
    """Whether somebody holds the source."""
    return bool(await conn.fetchval(_IS_HELD, source))


async def name_run(conn: Connection, source: str, fence: int, run_id: int) -> None:
    """Tell others which run holds the source."""
    await conn.execute(_NAME_RUN, source, fence, run_id)


async def release(conn: Connection, source: str, fence: int) -> None:
    """Give the source back."""
    await conn.execute(_RELEASE, source, fence)
