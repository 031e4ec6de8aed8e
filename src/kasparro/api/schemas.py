"""What is answered, for the OpenAPI document. Tests hold replies against these models; no request does."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, RootModel, WithJsonSchema

from kasparro.domain import DriftKind, Kind, Replayal, Severity

Figure = Annotated[Decimal, WithJsonSchema({"type": "number"})]
"""A JSON number with every digit that the source gave: read it as a decimal."""
Count = Annotated[int, Field(ge=0)]


class Reply(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


LastRunStatus = Literal["never_run", "running", "success", "partial", "failed", "parked"]


class SourceHealth(Reply):
    """Where a source stands."""

    last_run_status: LastRunStatus
    """parked: a key or a plan has to be mended first. partial: some records were rejected."""
    last_run_time: AwareDatetime | None
    """When the last run ended; when it began, if it is running."""
    last_success: AwareDatetime | None
    """When the last good run (success or partial) ended."""
    last_attempt: AwareDatetime | None
    """When the last run began."""
    records_processed: Count
    """Of the last run."""
    next_run_at: AwareDatetime | None
    reason: str | None
    """Why the last run failed, or why the source waits."""
    enabled: bool
    """False once it is left out of SOURCES; it does not count then."""
    stale: bool
    """The last good run is longer ago than two intervals, or than two at the pace that its credits allow."""
    simulated: bool
    """Its figures are not real."""
    interval_seconds: float


class SourceQuota(Reply):
    """What a source may spend in this month (UTC) under the key that it was last run with. A call costs a credit,
    whatever it brings."""

    source: str
    plan: str
    key_fingerprint: str | None
    """Tells keys apart, and gives none away; null without a key."""
    month: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]
    limit: Count | None
    """Credits of the month; null where the plan promises no number."""
    used: Count
    """By all processes on this database, each before its call."""
    reserved: Count
    """Of the limit, what the schedule leaves for runs that somebody asks for."""
    remaining: Count | None
    """The limit without what is used."""
    calls_per_cycle: float | None
    """Mean of the last ten runs, retries included; null before the first."""
    interval_seconds: float
    """As configured."""
    effective_interval_seconds: float
    """The pace that is kept, so that the credits last: longer than configured where they would not."""
    runs_out_at: AwareDatetime | None
    """When nothing remains at the present pace, or since when; null if the credits last to the reset."""
    resets_at: AwareDatetime


class Quotas(RootModel[list[SourceQuota]]):
    """Every source that is run and makes calls, by name."""


class SourceStanding(SourceHealth):
    """Where a source stands, its schedule, how fresh it is, and what it may spend."""

    source: str
    kind: Kind | None
    """snapshot: the present state of each coin. series: dated observations. Null for a source that is known no more."""
    data_changed_at: AwareDatetime | None
    """When what is served of it last changed."""
    quota: SourceQuota | None
    """Null where it makes no calls."""


class SourceStandings(RootModel[list[SourceStanding]]):
    """Every source, by name."""


class DatabaseHealth(Reply):
    status: Literal["connected", "unreachable"]
    reason: str | None


OverallStatus = Literal["healthy", "degraded", "unhealthy"]


class Health(Reply):
    """healthy: every enabled source has fresh figures and its last run went well. degraded: some has not.
    unhealthy: the database is away (and the status is 503)."""

    status: OverallStatus
    simulated: bool
    """Some of the figures are not real."""
    database: DatabaseHealth
    etl_status: dict[str, SourceHealth]
    """Each source; while the database is away, as it was last seen."""
    workers: Annotated[int, Field(ge=1)]
    """Processes that serve here."""
    version: str
    timestamp: AwareDatetime


class Live(Reply):
    status: Literal["alive"]


class Ready(Reply):
    status: Literal["ready", "not_ready"]
    reason: str | None


class ServiceCard(Health):
    """What is running here, and where to go on."""

    name: Literal["kasparro"]
    links: dict[str, str]


class DriftEntry(Reply):
    """A difference between what a source is declared, or known by now, to send and what it sent."""

    source: str
    kind: DriftKind
    path: str
    severity: Severity
    confidence: Annotated[float, Field(ge=0, le=1)]
    """For renamed_field: how alike the two names are; else 1."""
    expected: str | None
    observed: str | None
    renamed_to: str | None
    sample: str | None
    pages: Count
    """On how many pages it was seen."""
    first_seen_at: AwareDatetime
    last_seen_at: AwareDatetime
    first_run_id: int
    last_run_id: int
    acknowledged_at: AwareDatetime | None
    """When somebody accepted it; null again once it has changed further."""
    resolved_at: AwareDatetime | None
    """Since when whole snapshots do not show it any more."""


class Drifts(RootModel[list[DriftEntry]]):
    """What waits for somebody first (neither acknowledged nor resolved), the latest first."""


class Acknowledged(Reply):
    acknowledged: Count
    """Drifts that were not acknowledged before."""
    request_id: str


class Reason(Reply):
    path: str
    message: str
    value: str


class RejectEntry(Reply):
    """A record that could not become a coin."""

    reject_id: int
    source: str
    run_id: int
    raw_id: int | None
    stream: str
    position: int
    record: str
    """Its exact text, cut after 2,000 characters."""
    is_shortened: bool
    reasons: list[Reason]
    """Of the last time that it was read."""
    created_at: AwareDatetime
    state: Literal["open", "replayed"]
    fetched_at: AwareDatetime | None
    requested_at: AwareDatetime | None
    """When somebody asked for a replay, until the service comes to it."""
    replayed_at: AwareDatetime | None
    outcome: Replayal | None
    """What the replay did to the coin's latest row. stale: a newer one is there, the history has it. reread: a whole
    file, which the next cycle reads again."""


class Rejects(RootModel[list[RejectEntry]]):
    """The latest first."""


class ReplayRequested(Reply):
    requested: Count
    """Records that will be read again."""
    request_id: str


class ProblemError(Reply):
    name: str
    place: Annotated[Literal["query", "path", "body"], Field(alias="in")]
    detail: str


class ProblemDetails(Reply):
    """An error, after RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    run_id: int | None = None
    """The run that stands in the way."""
    errors: list[ProblemError] = []
    """Each wrong parameter."""
