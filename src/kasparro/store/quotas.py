"""Credits: reserved in a ledger before each call, by whichever process makes it; and the holds that forbid calls."""

from __future__ import annotations

from typing import NamedTuple

from kasparro.store.pool import Connection
from kasparro.store.sql import statement
from kasparro.store.text import storable

_RESERVE = statement("quota_reserve")
_STANDING = statement("quota_standing")
_HOLD = statement("hold_open")
_HELD = statement("hold_find")
_DECLARE = statement("plan_declare")
_KEPT = 20  # the 20th part of the credits is left for runs that somebody asks for


class Account(NamedTuple):
    """Who pays for the calls of a source: a key, known by its fingerprint alone (empty: no key), on a plan.

    `credits` are calls in a month; None where no number is promised.
    """

    source: str
    key: str
    plan: str
    credits: int | None

    @property
    def kept(self) -> int:
        """Credits that the schedule leaves for runs that somebody asks for."""
        return (self.credits or 0) // _KEPT


class Standing(NamedTuple):
    """Credits used in this month, seconds to the next, and what a cycle costs (None: none has been seen)."""

    used: int
    resets_in: float
    cost: float | None


class Hold(NamedTuple):
    """For how many seconds no call is made, and why. A parked account waits for a person, any other for the vendor."""

    seconds: float
    parked: bool
    reason: str


async def reserve(conn: Connection, account: Account, most: int | None) -> int | None:
    """Reserve the credit of one call and return how many of the month are used now, at most `most`.

    None where there is none left or the account is held. Outside a transaction: what is reserved stays so.
    """
    used: int | None = await conn.fetchval(_RESERVE, account.source, account.key, account.plan, most)
    return used


async def standing(conn: Connection, account: Account) -> Standing:
    """How the account stands in this month."""
    return Standing(*await conn.fetchrow(_STANDING, account.source, account.key))


async def hold(conn: Connection, account: Account, wanted: Hold) -> None:
    """Forbid calls for a time, to every process and across restarts."""
    seconds, parked, reason = wanted
    await conn.execute(_HOLD, account.source, account.key, account.plan, seconds, parked, storable(reason))


async def held(conn: Connection, account: Account) -> Hold | None:
    """What is left of a hold on the account; a key or a plan that was changed since is another account."""
    row = await conn.fetchrow(_HELD, account.source, account.key, account.plan)
    return Hold(*row) if row else None


async def declare(conn: Connection, account: Account, interval: float) -> None:
    """Tell others what the source may spend, and at what interval it does."""
    await conn.execute(
        _DECLARE, account.source, account.plan, account.key, account.credits, account.kept, float(interval)
    )
