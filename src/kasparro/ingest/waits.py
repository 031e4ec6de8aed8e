"""What follows a run: its next tick, a retry, a pause that an answer asked for, a parked source. Pure."""

from __future__ import annotations

from asyncio import CancelledError
from dataclasses import dataclass

from kasparro.errors import Cancelled, Drifted, QuotaSpent, SourceError, TooManyRejected
from kasparro.ingest.quota import Pace, hold_after
from kasparro.store.runs import Orphan
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
        hold, failures = hold_after(error), self.due.failures + 1
        retry = _retry(self.due.failures, self.pace.interval)
        match error:
            case Cancelled():
                return None
            case _ if hold:
                return Wait(max(hold.seconds, retry), parked=hold.parked, reason=hold.reason, failures=failures)
            case QuotaSpent(resets_in=seconds):
                return Wait(seconds, parked=True, reason=error.reason)
            case _ if spent := out_of_credits(self.pace):
                return spent
            case Drifted(reason=reason):
                return Wait(self._next_tick(), parked=True, reason=reason)
            case None:
                return Wait(self._next_tick())
            case _:
                return self._after_failure(error) if self._is_tick else None

    def _after_failure(self, error: BaseException) -> Wait:
        retry, failures = _retry(self.due.failures, self.pace.interval), self.due.failures + 1
        match error:
            case CancelledError():  # our process stops: another, or the next one, goes on at once
                return Wait(0.0, failures=self.due.failures)
            case TooManyRejected(reason=reason):  # trying sooner would only fill the quarantine
                return Wait(self.pace.interval, reason=reason, failures=failures)
            case SourceError(reason=reason):
                return Wait(retry, reason=reason, failures=failures)
            case _:
                return Wait(retry, failures=failures)

    @property
    def _is_tick(self) -> bool:
        return self.due.scheduled_for is not None

    def _next_tick(self) -> float | None:
        """The next tick lies on the grid, unless the credits would not last."""
        return self.pace.interval if self._is_tick and self.pace.interval > self.interval else None


def after_death(orphan: Orphan) -> Wait:
    """A run whose process died is carried on at once; one that again brought no page, as a failure is tried again."""
    if orphan.pages:
        return Wait(0.0)
    seconds = _retry(orphan.failures - 1, orphan.interval) if orphan.failures else 0.0
    return Wait(seconds, failures=orphan.failures + 1)


def out_of_credits(pace: Pace) -> Wait | None:
    """The wait for the next month, where this one's credits pay for no run."""
    return Wait(pace.interval, parked=True, reason=pace.spent) if pace.spent else None


def _retry(failures: int, most: float) -> float:
    return min(most, FIRST_RETRY * 2.0 ** min(failures, 20))
