"""`/global`: what all coins come to, and what is left out of that."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from aiohttp import web

from kasparro.api import asked
from kasparro.api.cache import Body
from kasparro.api.keys import MARKET
from kasparro.api.openapi import documented
from kasparro.api.queries import NoQuery
from kasparro.api.replies import figure
from kasparro.api.total_schemas import Global
from kasparro.api.versioned import versioned
from kasparro.store.claims import claims
from kasparro.totals import Claim, LeftOut, Sum, Totals, totals

_LARGEST = 10  # assets whose share is told
_SHOWN = 100  # of what is left out, the largest


@documented(
    tags=["assets"],
    summary="What all coins come to, and what is left out of that, and why",
    description="Each asset counts once, with the market cap in the middle of what its sources say, of two the lower. "
    "Wrapped and staked coins count, as they do for the vendors.",
    query=NoQuery,
    responses={200: {"model": Global}, 400: "BadRequest", 503: "Unavailable"},
)
@versioned
async def market(request: web.Request) -> Body:
    asked.query(request, NoQuery)
    return Body(orjson.dumps(_told(await gathered(request)))[:-1], {})


async def gathered(request: web.Request) -> Totals:
    """The totals of the data as they are now; adding up tens of thousands of claims would hold up others."""
    async with request.app[MARKET].reading() as conn:
        found = await claims(conn)
    return await asyncio.to_thread(totals, found)


def share(claim: Claim, total: Sum) -> Decimal:
    """How much of the total it is, in percent."""
    return claim.cap / total.cap * 100


def _told(found: Totals) -> dict[str, Any]:
    return {
        **_sum(found.total, "assets"),
        "market_cap_change_24h_percent": figure(found.change_percent, ".6f"),
        "observed_at": found.observed_at,
        "dominance": [_largest(claim, found.total) for claim in found.counted[:_LARGEST]],
        "sources": [{"source": source, **_sum(each, "coins")} for source, each in found.sources.items()],
        "left_out": [_left_out(out) for out in found.left_out[:_SHOWN]],
        "left_out_by_reason": _by_reason(found),
    }


def _sum(each: Sum, of: str) -> dict[str, Any]:
    return {"market_cap_usd": figure(each.cap), "volume_24h_usd": figure(each.volume), of: each.number}


def _largest(claim: Claim, total: Sum) -> dict[str, Any]:
    return {
        "asset_id": claim.asset,
        "name": claim.name,
        "symbol": claim.symbol,
        "market_cap_usd": figure(claim.cap),
        "percent": figure(share(claim, total), ".6f"),
    }


def _left_out(out: LeftOut) -> dict[str, Any]:
    claim = out.claim
    told = {"asset_id": claim.asset, "source": claim.source, "coin_id": claim.coin_id, "reason": out.reason}
    return told | {"market_cap_usd": figure(claim.cap), "volume_24h_usd": figure(claim.volume)}


def _by_reason(found: Totals) -> Mapping[str, int]:
    return dict(sorted(Counter(out.reason for out in found.left_out).items()))
