"""What is answered about the price of an asset; see `schemas`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field

from kasparro.api.coin_schemas import Known
from kasparro.api.schemas import Figure, Reply
from kasparro.consensus import Missing, Refusal, Status

Weight = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(gt=0)]


class SourcePrice(Reply):
    """What a source says, and what became of it."""

    source: str
    coin_id: str | None
    """Its listing that was observed last, where it has several in the asset; null where it has none."""
    price_usd: Figure | None
    """What it said last; null with the reason in `missing`."""
    observed_at: AwareDatetime | None
    """When the source last updated the coin; the time of the fetch where it does not say."""
    age_seconds: float | None
    cadence_seconds: Seconds | None
    """The usual time between two updates of this coin here: the median of the last 20, and no less than the pace at
    which the source is asked. Null before there are three."""
    weight: Weight
    """Its share in the consensus."""
    kept: bool
    refusal: Refusal | None
    """Why it is not kept. missing: no price. stale: older than three times its cadence (at least 10 minutes; an hour
    where the cadence is not known). outlier: most others agree on another price. outrun: observed before a move that
    two newer ones agree on. disputed: there is no price that most agree on."""
    missing: Missing | None
    """Why there is no price, or no newer one. never_listed: the source has no listing in this asset. not_returned: it
    did not list the coin in its latest whole snapshot, or gave no price. rejected: the record of the coin in its latest
    run is in quarantine. source_down: its latest run failed, none is recent, or it is switched off. rate_limited: it
    keeps us waiting, or its credits are spent. delisted: two whole snapshots in a row missed the coin. Null where a
    stale source merely repeats itself."""


class Price(Reply):
    """What all sources come to. There is no price that is not theirs, and none is 0 because it is missing."""

    status: Status
    """agree: most fresh prices are within 2 %. single: one source is fresh. disagree: no price has most behind it, so
    there is no average. stale: every price is too old. none: no source gives a price."""
    price_usd: Figure | None
    """The median of what is kept; null unless they agree, or there is but one."""
    spread: Figure | None
    """(highest - lowest) / lowest of all fresh prices, kept or not; null without, or if the lowest is 0."""
    why: str
    """The same in words."""
    judged_at: AwareDatetime
    """Ages are counted to this moment."""
    sources: list[SourcePrice]


class AssetPrice(Price, Known):
    asset_id: str
    request_id: str
    api_latency_ms: Annotated[float, Field(ge=0)]
