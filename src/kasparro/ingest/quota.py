"""What a source may spend: who pays, a credit reserved before each call, and the pace at which the credits last.

Nothing here asks a vendor. What other programs spend under the same key is not known to us: tell it by `_CREDITS`.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import NamedTuple

from kasparro.errors import PlanLimit, QuotaSpent, RateLimited, SourceError, Transient, Unauthorized
from kasparro.log import logger
from kasparro.metrics import Metrics
from kasparro.settings import ApiOptions
from kasparro.sources.base import ApiSource
from kasparro.store import quotas
from kasparro.store.pool import ERRORS, Connection, Pool, explain
from kasparro.store.quotas import Account, Hold, Standing

PARKED = 3600.0  # seconds between looks at a key or a plan that has to be mended by a person
_TURN = 60.0  # seconds into a month before its credits are counted on: the vendor's clock is not the database's

log = logger("quota")


def account(source: ApiSource, options: ApiOptions) -> Account:
    """Who pays for the calls of a source with these options."""
    plan = source.plan(options)
    match options.credits:
        case None:
            most = plan.credits
        case "unlimited":
            most = None
        case given:
            most = given
    return Account(source.name, _fingerprint(source.name, options), plan.name, most)


def _fingerprint(source: str, options: ApiOptions) -> str:
    """16 hex digits that tell keys apart. Slow to compute on purpose, so that no weak key is found by trying."""
    if options.api_key is None:
        return ""
    key = options.api_key.get_secret_value().encode()
    return hashlib.scrypt(key, salt=f"kasparro/{source}".encode(), n=2**14, r=8, p=1, dklen=8).hex()


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one run may ask of a vendor: at most `most` calls a month, together with all that were made before."""

    account: Account
    most: int | None
    pool: Pool
    metrics: Metrics

    async def reserve(self) -> None:
        """Pay for the next call. Raises QuotaSpent, or what the account is held for: then it must not be made."""
        async with self.pool.acquire() as conn:
            used = await quotas.reserve(conn, self.account, self.most)
            if used is None:
                raise await self._refusal(conn)
        self.metrics.credits_known(self.account.source, used, self.account.credits)

    async def _refusal(self, conn: Connection) -> SourceError:
        account, source = self.account, self.account.source
        match await quotas.held(conn, account):
            case Hold(parked=True, reason=reason):
                return PlanLimit(source, reason)
            case Hold(seconds=seconds, reason=reason):
                return RateLimited(source, reason, seconds)
        standing = await quotas.standing(conn, account)
        if self.most is None or standing.used < self.most:  # what forbade the call ended between the two looks
            return Transient(source, "calls are allowed again", 0.0)
        return QuotaSpent(source, _spent(account, standing), standing.resets_in + _TURN)

    async def settle(self, error: SourceError) -> None:
        """Hold the account where an answer asks for it, at once: the process may be killed before the run ends."""
        if wanted := hold_after(error):
            try:
                async with self.pool.acquire() as conn:
                    await quotas.hold(conn, self.account, wanted)
            except ERRORS as away:  # the run ends with `error` all the same, and this process keeps the wait
                log.warning("hold not written", source=self.account.source, reason=explain(away))


class Modest(Allowance):
    """For calls beside the cycles. That a plan does not have them is no reason to hold back the prices that it has."""

    async def settle(self, error: SourceError) -> None:
        if isinstance(error, Transient):
            await super().settle(error)


def allowance(account: Account, trigger: str, pool: Pool, metrics: Metrics) -> Allowance:
    """What a run may spend: the schedule leaves a rest to runs that somebody asks for."""
    left = _spendable(account) if trigger == "schedule" else account.credits
    return Allowance(account, left, pool, metrics)


def hold_after(error: BaseException | None) -> Hold | None:
    """For how long no call may be made after a run or a call that ended with `error`, if its answer forbids any."""
    match error:
        case Unauthorized() | PlanLimit():
            return Hold(PARKED, True, error.reason)
        case Transient(retry_after=float() as seconds):
            return Hold(seconds, False, error.reason)
    return None


class Pace(NamedTuple):
    """Seconds from one cycle to the next. `spent` says why there is none before the next month, where that is so."""

    interval: float
    spent: str | None = None


def paced(interval: float, account: Account, standing: Standing) -> Pace:
    """The pace at which what is left of the credits lasts to the end of the month; never faster than `interval`.

    The last cycle that can be paid for is run; a cycle that was never seen is taken to cost a call.
    """
    spendable = _spendable(account)
    if spendable is None:
        return Pace(interval)
    left, resets_in = spendable - standing.used, standing.resets_in
    lasting = resets_in * (standing.cost or 1.0) / left if left > 0 else math.inf
    if interval >= min(lasting, resets_in):
        return Pace(interval)
    return Pace(lasting) if lasting <= resets_in else Pace(resets_in + _TURN, _spent(account, standing))


async def plan(conn: Connection, account: Account, interval: float, metrics: Metrics) -> Pace:
    """Set the pace of a source by what is left of the month, and tell others."""
    standing = await quotas.standing(conn, account)
    pace = paced(interval, account, standing)
    await quotas.declare(conn, account, pace.interval)
    metrics.credits_known(account.source, standing.used, account.credits)
    metrics.source_paced(account.source, interval if pace.spent else pace.interval)
    return pace


def spare(account: Account, standing: Standing, *, interval: float, daily: int) -> int | None:
    """How many credits of the month may be used before a call beside the cycles takes one that they are going to need.

    `interval` is theirs, in seconds, `daily` what else is asked each day.
    """
    spendable = _spendable(account)
    if spendable is None:
        return None
    cycles, days = math.ceil(standing.resets_in / interval), math.ceil(standing.resets_in / 86_400)
    return max(0, spendable - math.ceil(cycles * (standing.cost or 1.0)) - days * daily)


def _spendable(account: Account) -> int | None:
    """Credits of a month that the schedule may spend."""
    return None if account.credits is None else account.credits - account.kept


def _spent(account: Account, standing: Standing) -> str:
    kept = f" ({account.kept} are kept for runs that somebody asks for)" if account.kept else ""
    more = f"set {account.source.upper()}_CREDITS if the plan has more"
    return f"{standing.used} of the month's {account.credits} credits are used{kept}; {more}"
