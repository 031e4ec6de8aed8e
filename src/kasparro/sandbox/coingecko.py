"""CoinGecko as https://docs.coingecko.com and recordings show it: `/coins/markets` and its neighbours."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from kasparro.sandbox import coingecko_records as records
from kasparro.sandbox.coingecko_past import PastQuery, chart_query, market_chart, range_query
from kasparro.sandbox.coingecko_query import BadQuery, MarketsQuery, currency, listed, markets_query, precision
from kasparro.sandbox.currencies import PER_DOLLAR
from kasparro.sandbox.market import Coin, Market
from kasparro.sandbox.past import DAY
from kasparro.sandbox.vendor import Vendor

_PRICING = "https://www.coingecko.com/en/api/pricing"
_EXCEEDED = (
    f"You've exceeded the Rate Limit. Please visit {_PRICING} to subscribe to our API plans for higher rate limits."
)
_FREE_DAYS = 365
_ALLOWED_RANGE = (
    "Your request exceeds the allowed time range. Public API users are limited to querying historical data within the "
    f"past {_FREE_DAYS} days. Upgrade to a paid plan to enjoy full historical data access: {_PRICING}. "
)
_TOO_OLD = 10012
_KEY_MISSING, _NOT_IN_PLAN, _WANTS_PRO_HOST, _WANTS_DEMO_HOST = 10002, 10005, 10010, 10011
_SIMPLE_EXTRAS = {
    "include_market_cap": ("market_cap", "market_cap"),
    "include_24hr_vol": ("24h_vol", "total_volume"),
    "include_24hr_change": ("24h_change", "price_change_percentage_24h"),
}


class CoinGecko(Vendor):
    """Answers without a key as with one; a key that it does not know is refused."""

    name = "coingecko"
    prefix = "/coingecko/api/v3"
    tells_retry_after = True

    def __init__(self, market: Market, *, demo_keys: Collection[str], pro_keys: Collection[str]) -> None:
        super().__init__(market)
        self._demo_keys = demo_keys
        self._pro_keys = pro_keys

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/ping", self.ping),
            web.get("/key", self.key),
            web.get("/coins/markets", self.markets),
            web.get("/coins/list", self.coins),
            web.get("/coins/{id}/market_chart", self.market_chart),
            web.get("/coins/{id}/market_chart/range", self.market_chart_range),
            web.get("/simple/price", self.simple_price),
            web.get("/global", self.overview),
        ]

    def admit(self, request: web.Request) -> web.Response | None:
        demo, pro = _key(request, "demo"), _key(request, "pro")
        if demo in self._pro_keys:
            return self._coded(400, _WANTS_PRO_HOST, "If you are using Pro API key, please change your root URL")
        if pro in self._demo_keys:
            return self._coded(400, _WANTS_DEMO_HOST, "If you are using Demo API key, please change your root URL")
        known = demo in ("", *self._demo_keys) and pro in ("", *self._pro_keys)
        return None if known else self.unauthorized()

    async def ping(self, _: web.Request) -> web.Response:
        return self.json({"gecko_says": "(V3) To the Moon!"})

    async def key(self, request: web.Request) -> web.Response:
        if not _key(request, "pro"):
            return self.payment_required()
        calls = {
            "current_total_monthly_calls": self.calls_made,
            "current_remaining_monthly_calls": 500_000 - self.calls_made,
        }
        return self.json(
            {
                "plan": "Simulated",
                "rate_limit_request_per_minute": 500,
                "monthly_call_credit": 500_000,
                **calls,
            }
        )

    async def markets(self, request: web.Request) -> web.Response:
        try:
            query = markets_query(request.query)
        except BadQuery as bad:
            return self.refuse(bad.status, bad.message)
        return self.once_a_tick(query, lambda: self._page(query))

    async def coins(self, request: web.Request) -> web.Response:
        with_platforms = request.query.get("include_platform") == "true"
        return self.once_a_tick(
            ("list", with_platforms),
            lambda: [records.list_entry(coin, with_platforms) for coin in self.market.listed(self.name)],
        )

    async def market_chart(self, request: web.Request) -> web.Response:
        return self._past(request, chart_query)

    async def market_chart_range(self, request: web.Request) -> web.Response:
        return self._past(request, range_query)

    async def simple_price(self, request: web.Request) -> web.Response:
        ids, names = listed(request.query.get("ids", "")), listed(request.query.get("vs_currencies", ""))
        try:
            currencies = [currency(name, "vs_currencies") for name in names or [""]]
        except BadQuery as bad:
            return self.refuse(bad.status, bad.message)
        wanted = dict(extra for name, extra in _SIMPLE_EXTRAS.items() if request.query.get(name) == "true")
        found = [coin for coin in self.market.listed(self.name) if _id(coin) in ids]
        told = {_id(coin): self._prices(coin, currencies, wanted, precision(request.query)) for coin in found}
        if request.query.get("include_last_updated_at") == "true":
            for coin in found:
                is_known = coin.listings[self.name].record["last_updated"] is not None
                told[_id(coin)]["last_updated_at"] = coin.updated // 1000 if is_known else None
        return self.json(told)

    async def overview(self, _: web.Request) -> web.Response:
        return self.once_a_tick("global", lambda: records.overview(self.market.listed(self.name)))

    def reply(self, body: bytes) -> web.Response:
        return web.Response(
            body=body,
            headers={
                "Content-Type": "application/json; charset=utf-8",
                "Cache-Control": "max-age=30, public, must-revalidate, s-maxage=30",
                "ETag": f'W/"{hashlib.blake2b(body, digest_size=16).hexdigest()}"',
                "Vary": "Accept-Encoding, Origin",
                "X-Request-Id": str(uuid.uuid4()),
            },
        )

    def refuse(self, status: int, message: str) -> web.Response:
        return self._error(status, {"error": message})

    def unauthorized(self) -> web.Response:
        return self._coded(401, _KEY_MISSING, "API Key Missing")

    def payment_required(self) -> web.Response:
        return self._coded(
            401, _NOT_IN_PLAN, f"This request is limited to Pro API subscribers. Please visit {_PRICING}"
        )

    def rate_limited(self) -> web.Response:
        return self._error(429, {"status": {"error_code": 429, "error_message": _EXCEEDED}})

    def _error(self, status: int, value: Any) -> web.Response:
        response = self.json(value)
        response.set_status(status)
        return response

    def _coded(self, status: int, code: int, message: str) -> web.Response:
        return self._error(status, self._status(code, message))

    def _status(self, code: int, message: str) -> dict[str, Any]:
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        return {"status": {"timestamp": moment, "error_code": code, "error_message": message}}

    def _past(self, request: web.Request, read: Callable[[Mapping[str, str], int], PastQuery]) -> web.Response:
        """The past of a coin; without the key of a paid plan, of 365 days."""
        now = self.market.now()
        try:
            query = read(request.query, now)
        except BadQuery as bad:
            return self.refuse(bad.status, bad.message)
        if query.since < now - _FREE_DAYS * DAY and not _key(request, "pro"):
            return self._error(401, {"error": self._status(_TOO_OLD, _ALLOWED_RANGE)})
        coin = self.market.coin(self.name, request.match_info["id"])
        return self.refuse(404, "coin not found") if coin is None else self.json(market_chart(coin, query, now))

    def _page(self, query: MarketsQuery) -> list[dict[str, Any]]:
        coins = [coin for coin in self._ordered(query) if not query.ids or _id(coin) in query.ids]
        units = PER_DOLLAR[query.currency]
        rows = [records.market_row(coin, units=units, precision=query.precision) for coin in coins[query.rows]]
        if query.with_sparkline:
            rows = [records.with_sparkline(row) for row in rows]
        return [records.with_changes(row, query.windows) for row in rows]

    def _ordered(self, query: MarketsQuery) -> list[Coin]:
        coins = self.market.listed(self.name)
        if query.order == "market_cap":
            return coins[::-1] if query.is_ascending else coins
        return sorted(coins, key=_id if query.order == "id" else _volume, reverse=not query.is_ascending)

    def _prices(self, coin: Coin, currencies: list[str], wanted: dict[str, str], precision: str) -> dict[str, Any]:
        prices: dict[str, Any] = {}
        for name in currencies:
            row = records.market_row(coin, units=PER_DOLLAR[name], precision=precision)
            prices |= records.simple_price(row, name.lower(), wanted)
        return prices


def _key(request: web.Request, kind: str) -> str:
    """The key sent, as the documents allow, in a header or in the query."""
    return request.headers.get(f"x-cg-{kind}-api-key") or request.query.get(f"x_cg_{kind}_api_key", "")


def _id(coin: Coin) -> str:
    return str(coin.listings["coingecko"].record["id"])


def _volume(coin: Coin) -> float:
    return float(coin.listings["coingecko"].record["total_volume"] or 0)
