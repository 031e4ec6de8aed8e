"""What is answered about assets; see `schemas`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from kasparro.api.coin_schemas import none_required
from kasparro.api.price_schemas import Price
from kasparro.api.schemas import Count, Figure, Reply

Method = Literal["manual", "contract", "name_symbol", "other_name", "name", "figures", "alone"]
Confidence = Annotated[float, Field(ge=0, le=1)]


class Place(Reply):
    source: str
    coin_id: str
    method: Method
    confidence: Confidence


class AssetHead(Reply):
    """A coin, whoever lists it."""

    asset_id: str
    """The same for ever."""
    name: str
    symbol: str | None
    former_names: list[str]
    """Names that its listings had before."""
    sources: Count
    """How many listings it has."""
    ambiguous: bool
    """One of the listings is in doubt."""


class Asset(AssetHead):
    listings: list[Place]


class SomeAssetFields(Asset):
    """The fields of an asset that were asked for."""

    model_config = ConfigDict(json_schema_extra=none_required)
    price: Price


class AssetPage(Reply):
    """Assets in the order of their ids."""

    data: list[Asset] | list[SomeAssetFields]
    """With `fields`, only those."""
    next: str | None
    """Where the next page is."""
    request_id: str


class Evidence(Reply):
    """What was compared with another listing. Ratios tell how often the larger figure holds the smaller."""

    source: str
    coin_id: str
    name: str
    symbol: str | None
    names: Literal["none", "core", "plain", "other", "same"]
    """plain: the same without words such as Network or Token. core: also without Finance or DAO. other: one is called
    what the other was."""
    symbols: Literal["differs", "unknown", "same"]
    figures: Literal["contradict", "unknown", "doubtful", "price", "all"]
    price_ratio: float | None = None
    market_cap_ratio: float | None = None
    circulating_supply_ratio: float | None = None
    total_supply_ratio: float | None = None
    max_supply_ratio: float | None = None
    seconds_apart: float | None = None
    variants_differ: bool = False
    """One says that it is wrapped, bridged, staked, leveraged, replaced or a share, and the other does not."""
    contracts_differ: bool = False
    contracts: list[str] | None = None
    """Those that both have, as `chain:address`."""


class Candidate(Evidence):
    score: Confidence
    """0.75 links, where no other comes near it."""


class Latest(Reply):
    """What the source said last."""

    price_usd: Figure | None
    market_cap_usd: Figure | None
    volume_24h_usd: Figure | None
    price_change_24h_percent: Figure | None
    rank: Count | None
    circulating_supply: Figure | None
    total_supply: Figure | None
    max_supply: Figure | None
    updated_at: AwareDatetime
    observed_at: AwareDatetime


class PlacedListing(Reply):
    """A listing, and why it is here."""

    source: str
    coin_id: str
    name: str
    symbol: str | None
    method: Method
    """manual: a person said so. alone: nothing else is known to be the same coin."""
    confidence: Confidence
    evidence: Evidence | None
    ambiguous: bool
    """Alone though it may be one of the candidates, or linked though its figures now speak against it."""
    candidates: list[Candidate]
    decided_at: AwareDatetime
    gone_since: AwareDatetime | None
    """When a second whole snapshot in a row missed it."""
    contracts: list[str]
    """Where the token lives, as far as the source tells: `chain:address`; `unknown:address` where it tells no chain."""
    latest: Latest | None


class AssetEvent(Reply):
    event_id: int
    kind: Literal["linked", "unlinked", "renamed", "flagged", "cleared", "merged"]
    source: str | None
    coin_id: str | None
    actor: Literal["rules", "person"]
    details: dict[str, Any]
    created_at: AwareDatetime


class AssetDetails(AssetHead):
    """Everything about a coin: who lists it, why these are the same, and what changed."""

    merged_into: str | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    listings: list[PlacedListing]
    events: list[AssetEvent]
    """The last 100 changes, the latest first."""


class Curated(Reply):
    asset_id: str
    """Where the listings are now."""
    request_id: str
