"""What follows a run: its next tick, a retry, a wait that the vendor asked for, a parked source. Pure."""

from __future__ import annotations

from asyncio import CancelledError
from dataclasses import dataclass

from kasparro.errors import Cancelled, PlanLimit, QuotaSpent, SourceError, Transient, Unauthorized
from kasparro.ingest.quota import PARKED, Pace
from kasparro.store.states import Due, Wait

FIRST_RETRY = 30.0  # seconds after a first failure; doubled with each, up to the interval


@dataclass(frozen=True, slots=True)
class Course:
    """What decides: what a run was for, the interval of its source, and the pace that its credits allow."""

    due: Due
    interval: float
    pace: Pace

    def after(self, error: BaseException | None) -> Wait | None:
        """How long the source waits after a run that ended with `error`; None: what was decided before it stands.

        A run between two ticks decides that all is well, or that no more calls may be made, and nothing else.
        """
        wait = self._after(error)
        is_tick = self.due.scheduled_for is not None
        decides = wait is not None and (is_tick or wait.seconds is None or wait.binding or wait.parked)
        return wait if decides else None

    def _after(self, error: BaseException | None) -> Wait | None:
        retry = min(self.pace.interval, FIRST_RETRY * 2.0 ** min(self.due.failures, 20))
        failures = self.due.failures + 1
        match error:
            case Cancelled():
                return None
            case CancelledError():  # our process stops: another, or the next one, goes on at once
                return Wait(0.0, failures=self.due.failures)
            case Unauthorized() | PlanLimit():
                return Wait(max(PARKED, self.interval), parked=True, reason=error.reason, failures=failures)
            case QuotaSpent(resets_in=seconds):
                return Wait(seconds, parked=True, reason=error.reason)
            case _ if spent := out_of_credits(self.pace):
                return spent
            case None:
                return self._next()
            case Transient(retry_after=float() as asked):
                return Wait(max(asked, retry), binding=True, reason=error.reason, failures=failures)
            case SourceError():
                return Wait(retry, reason=error.reason, failures=failures)
            case _:
                return Wait(retry, failures=failures)

    def _next(self) -> Wait:
        """The next tick, which lies on the grid unless the credits would not last: then the pace says when it is."""
        is_slower = self.pace.interval > self.interval and self.due.scheduled_for is not None
        return Wait(self.pace.interval if is_slower else None)


def out_of_credits(pace: Pace) -> Wait | None:
    """The wait for the next month, where this one's credits pay for no run."""
    return Wait(pace.interval, parked=True, reason=pace.spent) if pace.spent else None
