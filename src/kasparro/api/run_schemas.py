"""What is answered about runs; see `schemas`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AwareDatetime, Field, RootModel

from kasparro.api.schemas import Count, Reply
from kasparro.domain import FlagName, RunStatus, Trigger

Percent = Annotated[float, Field(ge=0, le=100)]


class SourceStats(Reply):
    """What a source has done over all its runs."""

    source: str
    records_processed: Count
    records_failed: Count
    last_success: AwareDatetime | None
    last_failure: AwareDatetime | None
    last_run_duration_seconds: float | None
    total_runs: Count
    success_rate: Percent | None
    """Percent of the finished runs that ended success or partial; null before the first has finished."""


class Stats(RootModel[list[SourceStats]]):
    """Every source, by name."""


class RunFlag(Reply):
    """Why the snapshot that a run ended is no evidence of what it does not list; its coins are kept all the same."""

    name: FlagName
    """torn: coins moved, or may have moved, from page to page. shrunken: clearly fewer coins than usual."""
    reason: str


class Run(Reply):
    """One run of one source."""

    run_id: int
    source_name: str
    status: RunStatus
    """abandoned: its process died; a later run goes on from its last committed page."""
    records_processed: Count
    """Records fetched and understood."""
    records_failed: Count
    """Records quarantined."""
    duration_seconds: float | None
    started_at: AwareDatetime
    completed_at: AwareDatetime | None
    error_message: str | None
    simulated: bool
    flags: list[RunFlag]


class Runs(RootModel[list[Run]]):
    """The latest first."""


class RunLedger(Reply):
    """Where every fetched record went; `fetched` is the sum of the others."""

    fetched: int
    inserted: int
    updated: int
    unchanged: int
    stale: int
    """Older than what is held already."""
    rejected: int
    duplicate: int


class RunWaits(Reply):
    """What it waited for; the two are `waited_seconds`."""

    rate_limit_seconds: float
    """Our own limit of requests."""
    backoff_seconds: float
    """Before retries, a Retry-After included."""


class RunCheckpoint(Reply):
    """Where the source goes on in one of its streams."""

    stream: str
    page: int
    cursor: Any
    updated_at: AwareDatetime


class RunDetails(Run):
    """Everything about a run."""

    error_kind: str | None
    trigger: Trigger
    """schedule: for a tick of its source. manual: between two ticks, because somebody asked."""
    scheduled_for: AwareDatetime | None
    """The tick."""
    requested_at: AwareDatetime | None
    """When somebody asked for it through the API; a run may serve a tick and a request."""
    cancel_requested_at: AwareDatetime | None
    """When somebody asked for its end."""
    resumed_from: int | None
    """The run whose checkpoint it went on from."""
    coins: Count | None
    """Different coins that its snapshot listed; null where it ended none, or only ended what another run began."""
    pages: Count
    requests: Count
    retries: Count
    waited_seconds: float
    """Spent waiting, in all."""
    waits: RunWaits
    ledger: RunLedger
    checkpoints: list[RunCheckpoint]
    """Those that no later run has moved."""


class RunAccepted(Reply):
    """A run that has begun, or is about to end; `/runs/{run_id}` tells how it goes on."""

    run_id: int
    source: str
    request_id: str
