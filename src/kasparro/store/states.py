"""Where each source stands: its schedule, and why it waits. The API reads it; ingestion writes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kasparro.store.pool import Connection
from kasparro.store.sql import statement
from kasparro.store.text import storable

_DECLARE = statement("state_declare")
_RETIRE = statement("state_retire")
_SCHEDULE = statement("state_schedule")
_CHECKED = statement("state_checked")
_SIMULATED = statement("state_simulated")
_WAITING = statement("state_waiting")


class Wait(NamedTuple):
    """For how many seconds a source is not run, and why, where that is not the usual interval.

    A binding wait was asked for by the vendor: a restart does not cut it short. A parked source waits for a person.
    """

    seconds: float
    parked: bool = False
    binding: bool = False
    reason: str | None = None


async def declare(conn: Connection, source: str, interval: float) -> None:
    """The service runs this source every `interval` seconds."""
    await conn.execute(_DECLARE, source, interval)


async def retire_others(conn: Connection, enabled: Sequence[str]) -> None:
    """The service runs no source but these."""
    await conn.execute(_RETIRE, list(enabled))


async def schedule(conn: Connection, source: str, wait: Wait) -> None:
    """When the source runs next."""
    reason = wait.reason and storable(wait.reason)
    await conn.execute(_SCHEDULE, source, wait.seconds, wait.parked, wait.binding, reason)


async def mark_checked(conn: Connection, source: str) -> None:
    """The source was looked at, and had nothing new."""
    await conn.execute(_CHECKED, source)


async def mark_simulated(conn: Connection, source: str, simulated: bool) -> None:
    """Whether the source's upstream says that its figures are simulated."""
    await conn.execute(_SIMULATED, source, simulated)


async def waiting(conn: Connection, source: str) -> Wait | None:
    """What is left of the wait that was last scheduled, perhaps by an earlier process."""
    row = await conn.fetchrow(_WAITING, source)
    return Wait(*row) if row else None
