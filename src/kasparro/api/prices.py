"""What a coin is worth by all its sources, and how that came about: for one asset, and for a page of them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from aiohttp import web

from kasparro.api import as_of, asked
from kasparro.api.asset_queries import ASSET_FIELDS, AssetField, AssetPath, PriceQuery
from kasparro.api.cache import Body
from kasparro.api.openapi import documented
from kasparro.api.price_schemas import AssetPrice
from kasparro.api.problems import no_asset
from kasparro.api.replies import figure
from kasparro.api.versioned import versioned
from kasparro.consensus import Consensus, Missing, Verdict, consensus
from kasparro.sources import SOURCES
from kasparro.sources.base import ApiSource
from kasparro.sources.records import upstream_path
from kasparro.store.pool import Connection
from kasparro.store.quotes import quotes

COIN_IDS = {
    name: upstream_path(source.record_type.model_fields["coin_id"])
    for name, source in SOURCES.items()
    if isinstance(source, ApiSource)
}
"""Source -> where its records tell the coin's id."""
_SLICE = 50  # assets judged before other requests get their turn: a few milliseconds


@documented(
    tags=["assets"],
    summary="What a coin is worth by all its sources, and why",
    description="The median of the prices that are fresh and agree; none where they disagree. An asset that was taken "
    "over is answered for by the one that did. Ages grow with time, so that there is no ETag. With "
    "`as_of`, what was known at that time, judged as it was then.",
    path=AssetPath,
    query=PriceQuery,
    responses={200: {"model": AssetPrice}, 400: "BadRequest", 404: "NotFound", 503: "Unavailable"},
)
@versioned
async def price(request: web.Request) -> Body:
    """Not kept: the same data is older a second later; but not what was known at a moment."""
    moment = asked.query(request, PriceQuery).as_of
    asset_id = asked.path(request, AssetPath).asset_id
    async with as_of.reading(request, moment) as conn:
        known = await as_of.knowable(conn, moment)
        found = await quotes(conn, [asset_id], COIN_IDS, as_of=known.moment)
    if not found:
        raise no_asset(asset_id, verb="was" if moment else "is")
    [(asset_id, told)] = found.items()
    now = moment or datetime.now(UTC)
    body = orjson.dumps({"asset_id": asset_id, **as_told(consensus(told, now), now), **known.told})
    return Body(body[:-1], {**known.headers}, lasts=moment is not None and known.is_final)


async def shown(conn: Connection, page: str, fields: Collection[AssetField]) -> str:
    """A page of assets, as JSON, with these fields only; the prices of all are read at once."""
    assets = orjson.loads(page)
    if "price" in fields:
        told = await quotes(conn, [asset["asset_id"] for asset in assets], COIN_IDS)
        now = datetime.now(UTC)
        for number, asset in enumerate(assets):
            asset["price"] = as_told(consensus(told.get(asset["asset_id"], ()), now), now)
            if number % _SLICE == 0:
                await asyncio.sleep(0)
    names = [name for name in ASSET_FIELDS if name in fields]
    return orjson.dumps([{name: asset[name] for name in names} for asset in assets]).decode()


def as_told(found: Consensus, now: datetime) -> dict[str, Any]:
    """A consensus as the API shows it; prices keep every digit."""
    return {
        "status": found.status,
        "price_usd": figure(found.price),
        "spread": figure(found.spread, ".6f"),
        "why": why(found),
        "judged_at": now,
        "sources": [_source(verdict) for verdict in found.verdicts],
    }


def why(found: Consensus) -> str:
    """How it came about, in a sentence."""
    kept = " and ".join(verdict.quote.source for verdict in found.verdicts if verdict.refusal is None)
    refused = ", ".join(_refusal(verdict) for verdict in found.verdicts if verdict.refusal)
    left_out = f"; {refused}" if refused else ""
    match found.status:
        case "agree":
            return f"the median of {kept}, which agree within 2 %{left_out}"
        case "single":
            return f"{kept} alone gives a fresh price{left_out}"
        case "disagree":
            return f"no price has most of the fresh sources behind it, so there is no average: {refused}"
        case "stale":
            return f"no source gives a fresh price: {refused}"
        case "none":
            return f"no source gives a price: {refused}"


def _refusal(verdict: Verdict) -> str:
    missing = _missing(verdict)
    return f"{verdict.quote.source} is {verdict.refusal}" + (f" ({missing})" if missing else "")


def _missing(verdict: Verdict) -> Missing | None:
    """Why there is no price, or no newer one; no matter while there is a fresh one."""
    return verdict.quote.missing if verdict.refusal in ("missing", "stale") else None


def _source(verdict: Verdict) -> dict[str, Any]:
    quote = verdict.quote
    return {
        "source": quote.source,
        "coin_id": quote.coin_id,
        "price_usd": figure(quote.price),
        "observed_at": quote.observed_at,
        "age_seconds": _seconds(verdict.age),
        "cadence_seconds": _seconds(quote.cadence),
        "weight": float(verdict.weight),
        "kept": verdict.refusal is None,
        "refusal": verdict.refusal,
        "missing": _missing(verdict),
    }


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()
