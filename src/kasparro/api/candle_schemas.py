"""What is answered about candles; see `schemas`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from kasparro.api.candle_queries import Interval
from kasparro.api.schemas import Count, Figure, Reply


class Candle(Reply):
    """A step of time: what the price did in it, or why that is not known."""

    opened_at: AwareDatetime
    open_usd: Figure | None
    """The first price in the step, the highest, the lowest, the last: null in a gap, and where sources disagree."""
    high_usd: Figure | None
    low_usd: Figure | None
    close_usd: Figure | None
    volume_24h_usd: Figure | None
    """What was traded in the 24 hours before the close, as the source says: of a day its volume, and else not to be
    added up."""
    kind: Literal["native", "derived", "filled"] | None
    """native: the source gave the candle itself. derived: from its single prices. filled: nothing is known, and the
    close before is repeated, because `fill` asked for it. Null where there is no candle."""
    coverage: Annotated[float, Field(ge=0, le=1)]
    """In which share of its five-minute steps there was a price; 1 for a native one. A step that is not over yet has
    less."""
    ticks: Count
    """How many prices it is made of."""
    sources: list[str]
    """Whose."""
    missing: Literal["gap", "disagree"] | None
    """Why there is no candle. gap: no source gave a price. disagree: no close has most of the sources behind it."""
    is_closed: bool
    """Whether the step is over. What comes late, or is corrected, changes it even then."""


class CandlePage(Reply):
    """Candles without a hole from the first to the last day of which anything is known, the newest first."""

    data: list[Candle]
    asset_id: str
    source: str
    interval: Interval
    page_size: int
    next: str | None
    """Where the next page is; null on the last."""
    request_id: str
    api_latency_ms: float
