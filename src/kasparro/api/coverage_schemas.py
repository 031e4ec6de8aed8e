"""What is answered about the history that is held; see `schemas`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field

from kasparro.api.schemas import Count, Reply

Share = Annotated[float, Field(ge=0, le=1)]


class Stretch(Reply):
    since: Annotated[AwareDatetime, Field(alias="from")]
    until: Annotated[AwareDatetime, Field(alias="to")]


class HeldSpan(Stretch):
    """From an observation to another, without a gap between them."""

    ticks: Annotated[int, Field(ge=1)]
    """Observations, both included."""


class Gap(Stretch):
    """Longer than one and a half times the cadence, or the steps in which a backfill has asked here."""

    asked_at: AwareDatetime | None
    """When a backfill asked for it; the vendor knew nothing, or nothing so fine. Null where none has."""


class ListingCoverage(Reply):
    """What is held of the history of a listing. Of the gaps and the spans the 100 longest are listed, in order."""

    source: str
    coin_id: str
    name: str
    ticks: Count
    """Observations in the time that was asked for."""
    first_at: AwareDatetime | None
    last_at: AwareDatetime | None
    cadence_seconds: Annotated[float, Field(gt=0)] | None
    """The usual time between two observations: the median of the latest 500 that no backfill brought, and no less than
    the pace at which the source is asked; the finest step of a backfill where neither is known. Null where it cannot be
    told, and then there are no gaps."""
    covered: Share | None
    """The share of the time that is in no gap; null where the cadence is not known, or the time has no beginning."""
    gaps_total: Count
    gaps: list[Gap]
    spans_total: Count
    spans: list[HeldSpan]


class AssetCoverage(Reply):
    """How much of a time the history of a coin covers, by each of its listings."""

    asset_id: str
    since: Annotated[AwareDatetime | None, Field(alias="from")]
    """Null: each listing is looked at from its first observation on."""
    until: Annotated[AwareDatetime, Field(alias="to")]
    listings: list[ListingCoverage]
    request_id: str
    api_latency_ms: float
