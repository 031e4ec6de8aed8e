"""What may be asked of candles; see `queries`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, WithJsonSchema, model_validator

from kasparro.api.data_query import Format
from kasparro.api.queries import SOURCE_FORMAT, Moment, Query, known
from kasparro.store.ohlcv import Fill

Interval = Literal["5m", "15m", "1h", "4h", "1d"]
STEPS: dict[Interval, timedelta] = {
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "1d": timedelta(days=1),
}
CONSENSUS = "consensus"


def _voice(name: str, info: ValidationInfo) -> str:
    return name if name == CONSENSUS else known(name, info)


Voice = Annotated[
    str,
    AfterValidator(_voice),
    WithJsonSchema({"oneOf": [{"const": CONSENSUS}, {"type": "string", "format": SOURCE_FORMAT}]}),
]


class CandlesFilter(Query):
    interval: Interval = "1d"
    """How long a candle is. Days are of UTC, and all other candles are parts of one."""
    source: Voice = CONSENSUS
    """Whose candles, or all sources together."""
    since: Annotated[Moment | None, Field(alias="from")] = None
    """Only candles that open at or after this time, such as 2026-01-31T12:00:00Z."""
    until: Annotated[Moment | None, Field(alias="to")] = None
    """Only candles that open before this time."""
    fill: Fill | None = None
    """previous: a gap becomes a candle that repeats the close before it, labelled `filled`. Without, it stays a gap."""
    format: Format = "json"
    """json: a page. csv and ndjson: all candles at once; `page_size` does not go with them. The header Accept may say
    it instead."""

    @model_validator(mode="after")
    def _has_a_span(self) -> Self:
        if self.since and self.until and self.since >= self.until:
            raise ValueError("`from` has to be before `to`")
        return self

    @property
    def step(self) -> timedelta:
        return STEPS[self.interval]


class CandlesQuery(CandlesFilter):
    page_size: Annotated[int, Field(ge=1, le=1000)] = 100
    """Candles on a page, gaps too."""
