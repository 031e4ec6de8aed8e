"""Where each source stands: its schedule, and why it waits. The API reads it; ingestion writes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from kasparro.domain import Trigger
from kasparro.store import notices
from kasparro.store.pool import Connection
from kasparro.store.sql import statement
from kasparro.store.text import storable

_DECLARE = statement("state_declare")
_RETIRE = statement("state_retire")
_DUE = statement("state_due")
_TAKE = statement("tick_take")
_SETTLE = statement("state_settle")
_CHECKED = statement("state_checked")
_SIMULATED = statement("state_simulated")


class Due(NamedTuple):
    """What a run is for: a tick, a request, both, or neither where it was started by hand.

    `failures` is how many runs before it have failed in a row.
    """

    scheduled_for: datetime | None = None
    requested_at: datetime | None = None
    failures: int = 0

    @property
    def trigger(self) -> Trigger:
        return "manual" if self.scheduled_for is None else "schedule"


class Wait(NamedTuple):
    """For how many seconds a source is not run (None: until its next tick), and why.

    A parked source waits for a person. `failures` is how many of its latest runs have failed.
    """

    seconds: float | None
    parked: bool = False
    reason: str | None = None
    failures: int = 0


async def declare(conn: Connection, source: str, interval: float, *, pace: float, scope: str | None) -> None:
    """The service runs this source every `interval` seconds, or at a slower `pace`, and asks it for `scope`.

    It is due at once where its last tick was not run well, or not for this scope; always, where `scope` is None.
    """
    await conn.execute(_DECLARE, source, interval, pace, scope)
    await notices.announce(conn)


async def retire_others(conn: Connection, enabled: Sequence[str]) -> None:
    """The service runs no source but these."""
    await conn.execute(_RETIRE, list(enabled))
    await notices.announce(conn)


async def due_in(conn: Connection, source: str) -> float | None:
    """In how many seconds the source is to be run, by the database's clock; None while somebody runs it."""
    seconds: float | None = await conn.fetchval(_DUE, source)
    return seconds


async def take(conn: Connection, source: str) -> Due | None:
    """Take what the source is due for, inside the transaction that takes its lease; None where it is not due."""
    row = await conn.fetchrow(_TAKE, source)
    return Due(*row) if row else None


async def settle(conn: Connection, source: str, wait: Wait) -> None:
    """A run of the source has ended, and this follows. Called under the lease."""
    reason = wait.reason and storable(wait.reason)
    await conn.execute(_SETTLE, source, wait.seconds, wait.parked, reason, wait.failures)
    await notices.announce(conn)


async def mark_checked(conn: Connection, source: str) -> None:
    """The source was looked at, and had nothing new."""
    await conn.execute(_CHECKED, source)
    await notices.announce(conn)


async def mark_simulated(conn: Connection, source: str, simulated: bool) -> None:
    """Whether the source's upstream says that its figures are simulated."""
    await conn.execute(_SIMULATED, source, simulated)
    await notices.announce(conn)
