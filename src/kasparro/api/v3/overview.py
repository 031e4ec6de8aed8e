"""`/api/v3/global`: what all coins of CoinGecko come to, without those that `/global` leaves out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
from aiohttp import web

from kasparro.api.cache import Body
from kasparro.api.keys import MARKET
from kasparro.api.queries import NoQuery
from kasparro.api.replies import figure
from kasparro.api.totals import gathered, share
from kasparro.api.v3 import queries
from kasparro.api.v3.answers import answers
from kasparro.api.v3.schemas import GlobalData
from kasparro.api.v3.units import SOURCE, UNITS
from kasparro.api.versioned import whole
from kasparro.store import gecko
from kasparro.totals import Sum, Totals

_LARGEST = 10
_NOTHING = Sum(Decimal(0), Decimal(0), 0)


@answers(
    GlobalData,
    summary="What all coins come to",
    description="What CoinGecko says of those that count in `/global`, in every unit with a price here; the shares and "
    "the change are those of `/global`. What is not known here is null: markets, ICOs, the change of the volume.",
)
@whole
async def market(request: web.Request) -> Body:
    queries.query(request, NoQuery)
    found = await gathered(request)
    async with request.app[MARKET].reading() as conn:
        rates = await gecko.rates(conn, SOURCE, list(UNITS.values()))
    return Body(orjson.dumps({"data": _told(found, rates)}), {})


def _told(found: Totals, rates: dict[str, Decimal]) -> dict[str, Any]:
    total = found.sources.get(SOURCE, _NOTHING)
    return {
        "active_cryptocurrencies": total.number,
        "upcoming_icos": None,
        "ongoing_icos": None,
        "ended_icos": None,
        "markets": None,
        "total_market_cap": {code: figure(total.cap / rate) for code, rate in rates.items()},
        "total_volume": {code: figure(total.volume / rate) for code, rate in rates.items()},
        "market_cap_percentage": _shares(found),
        "market_cap_change_percentage_24h_usd": figure(found.change_percent, ".6f"),
        "volume_change_percentage_24h_usd": None,
        "updated_at": int(found.observed_at.timestamp()) if found.observed_at else None,
    }


def _shares(found: Totals) -> dict[str, Any]:
    """By symbol, as CoinGecko has it; where two share one, that of the larger."""
    shares: dict[str, Any] = {}
    for claim in found.counted[:_LARGEST]:
        shares.setdefault((claim.symbol or claim.name).lower(), figure(share(claim, found.total), ".6f"))
    return shares
