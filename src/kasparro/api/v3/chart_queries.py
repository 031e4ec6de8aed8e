"""What may be asked of a coin's history; see `queries`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from kasparro.api.queries import Query
from kasparro.api.v3 import spans
from kasparro.api.v3.queries import Currency, Precision

Moment = Annotated[
    datetime,
    BeforeValidator(lambda value: spans.moment(value) if isinstance(value, str) else value),
    WithJsonSchema({"type": "string"}),
]
_DAYS_OF = {"daily": {1, 7, 14, 30, 90, 180}, "hourly": {1, 7, 14, 30, 90}}


class CoinPath(Query):
    id: str
    """CoinGecko's id of the coin."""


class InUnit(Query):
    vs_currency: Currency
    """What amounts are told in: see `/simple/supported_vs_currencies`; at the rate of each time."""
    precision: Precision = "full"
    """Digits of prices behind the point; `full` is all that there are."""


class ChartQuery(InUnit):
    days: Annotated[float, Field(gt=0, le=36_500)] | Literal["max"]
    """How far back; `max` is all."""
    interval: Literal["5m", "hourly", "daily"] | None = None
    """5m up to 10 days, hourly up to 100."""


class RangeQuery(InUnit):
    since: Annotated[Moment, Field(alias="from")]
    """Unix seconds, or an ISO date."""
    until: Annotated[Moment, Field(alias="to")]
    """Unix seconds, or an ISO date."""
    interval: Literal["5m", "hourly", "daily"] | None = None
    """5m up to 10 days, hourly up to 100."""


class OhlcQuery(InUnit):
    days: Literal["1", "7", "14", "30", "90", "180", "365"]
    """How far back."""
    interval: Literal["daily", "hourly"] | None = None
    """daily up to 180 days, hourly up to 90."""

    @model_validator(mode="after")
    def _is_told(self) -> Self:
        if self.interval and int(self.days) not in _DAYS_OF[self.interval]:
            raise ValueError(f"interval={self.interval} is for {sorted(_DAYS_OF[self.interval])} days")
        return self
