"""What is answered about all coins together; see `schemas`."""

from __future__ import annotations

from pydantic import AwareDatetime

from kasparro.api.schemas import Count, Figure, Reply
from kasparro.totals import Reason


class Share(Reply):
    """An asset, and how much of the total it is."""

    asset_id: str | None
    """Null until the run that brought it has ended."""
    name: str
    symbol: str | None
    market_cap_usd: Figure
    percent: Figure


class SourceTotal(Reply):
    """What a source says of all that count."""

    source: str
    market_cap_usd: Figure
    volume_24h_usd: Figure
    coins: Count


class Omission(Reply):
    """A listing that does not count."""

    asset_id: str | None
    source: str
    coin_id: str
    reason: Reason
    """delisted: two whole snapshots missed it. stale: not observed in the day before the newest observation. no_trade:
    from 1e8 USD, less than a millionth of it changes hands in a day. unconfirmed: larger than 1 % of
    all that two sources know (at least 100 assets), and known to one. ambiguous: it may be a coin that
    counts already."""
    market_cap_usd: Figure
    volume_24h_usd: Figure | None


class Global(Reply):
    """What all coins come to."""

    market_cap_usd: Figure
    volume_24h_usd: Figure
    """As told by the sources whose market caps count."""
    assets: Count
    """How many count."""
    market_cap_change_24h_percent: Figure | None
    """Of the prices, at the supplies of now."""
    observed_at: AwareDatetime | None
    """The newest observation."""
    dominance: list[Share]
    """The ten largest."""
    sources: list[SourceTotal]
    left_out: list[Omission]
    """The hundred largest."""
    left_out_by_reason: dict[Reason, Count]
    """How many listings."""
    request_id: str
    api_latency_ms: float
