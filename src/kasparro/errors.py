"""Every error Kasparro raises. The class says what the caller does; the instance carries the data.

`Transient` is retried by the transport, `Fatal` ends one run of one source, `Rejected` costs one record,
`ConfigurationError` ends the process with its sentence and no traceback.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kasparro.domain import Drift, Fault


class KasparroError(Exception):
    """Something went wrong that Kasparro has a name for."""


class ConfigurationError(KasparroError):
    """A setting, file or environment that a person has to change; its text is all they are shown."""


@dataclass
class DatabaseAway(KasparroError):
    """The database cannot be read now. `reason` may be shown to anybody: no address and no password is in it."""

    reason: str


@dataclass
class NotThere(KasparroError):
    """What somebody named does not exist; `what` says so."""

    what: str

    def __str__(self) -> str:
        return self.what


@dataclass
class SourceError(KasparroError):
    """A source could not be read. `reason` is safe to store and to show: it never holds a key."""

    source: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"


@dataclass
class Transient(SourceError):
    """It may work when tried again, after `retry_after` seconds where the vendor says so: the transport retries it."""

    retry_after: float | None = None


class RateLimited(Transient):
    """The vendor asks us to slow down."""


class Unavailable(Transient):
    """The vendor answers 5xx or 408, or cannot be reached, or its answer breaks off."""


class Timeout(Transient):
    """The vendor did not answer within the time-out."""


class Fatal(SourceError):
    """Trying again at once cannot help: the run ends."""


@dataclass
class Unauthorized(Fatal):
    """The key is missing, wrong, or of the wrong kind for this host: the source is parked."""

    setting: str | None = None


class PlanLimit(Fatal):
    """The plan does not include the call, or its credits are used up: the source is parked."""


@dataclass
class QuotaSpent(Fatal):
    """No credit of the month is left for the call, so it was not made; there are new ones in `resets_in` seconds."""

    resets_in: float = 0.0


class Refused(Fatal):
    """The vendor refuses the request as such: 4xx, or a redirect that we do not follow."""


class Malformed(Fatal):
    """The answer is not what the endpoint promises: not JSON, an error envelope, HTML, too large."""


class TooManyRejected(Fatal):
    """More records were rejected than the budget allows: the mapping or the source is broken, not a record."""


class Cancelled(Fatal):
    """Somebody has asked for the end of the run."""


@dataclass
class Drifted(Fatal):
    """The vendor's answers have changed, and the setting of the source says to stop then: the source is parked.

    `drifts` are those of the page that was not written.
    """

    drifts: tuple[Drift, ...] = ()


class FenceLost(Fatal):
    """Another process has taken this source over; nothing more may be written under the old lease."""


@dataclass
class Rejected(KasparroError):
    """One record cannot be a ticker; the page goes on without it."""

    faults: tuple[Fault, ...]


@dataclass
class NotDue(KasparroError):
    """The source is not due, or is no more: another process has run it."""

    source: str


@dataclass
class Busy(KasparroError):
    """The source is being run already, by `owner`, until `expires_at` unless it renews."""

    source: str
    owner: str
    run_id: int | None
    expires_at: datetime

    def __str__(self) -> str:
        work = f"run {self.run_id}" if self.run_id else "a replay, a rebuild, or a run that begins"
        return f"{self.source} is busy with {work} ({self.owner})"
