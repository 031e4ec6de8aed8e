"""CoinPaprika as https://docs.coinpaprika.com and recorded answers show it: `/tickers` and its neighbours."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice

from aiohttp import web

from kasparro.sandbox import wire
from kasparro.sandbox.coinpaprika_past import days_back, historical_query, history
from kasparro.sandbox.coinpaprika_records import coin_entry, contract_entries, overview, ticker
from kasparro.sandbox.currencies import PER_DOLLAR
from kasparro.sandbox.market import Coin, Market
from kasparro.sandbox.past import DAY
from kasparro.sandbox.vendor import Vendor

_MOST_QUOTES = 3
_NOT_IN_PLAN = "is not allowed in this plan. Check plans on coinpaprika.com/api"
_PLATFORMS = ("eth-ethereum", "bnb-binance-coin", "matic-polygon", "avax-avalanche", "sol-solana", "trx-tron")
_CACHED = {
    "Cache-Control": "public, max-age=60, s-maxage=60, stale-while-revalidate=10, stale-if-error=600",
    "Vary": "Accept-Encoding,Origin",
}


class CoinPaprika(Vendor):
    """Without a key the free plan: the largest `free_cap` coins, and no circulating supply."""

    name = "coinpaprika"
    prefix = "/coinpaprika/v1"
    tells_retry_after = False

    def __init__(self, market: Market, *, keys: Collection[str], free_cap: int | None) -> None:
        super().__init__(market)
        self._keys = keys
        self._free_cap = free_cap

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/tickers", self.tickers),
            web.get("/tickers/{id}", self.ticker),
            web.get("/tickers/{id}/historical", self.historical),
            web.get("/coins", self.coins),
            web.get("/contracts/{platform}", self.contracts),
            web.get("/global", self.overview),
            web.get("/key/info", self.key_info),
            web.get("/{path:.+}/", self.redirect),
        ]

    def admit(self, request: web.Request) -> web.Response | None:
        return self.unauthorized() if _key(request) not in ("", *self._keys) else None

    async def tickers(self, request: web.Request) -> web.Response:
        currencies, keyed = _currencies(request), bool(_key(request))
        if not currencies:
            return self.refuse(400, "invalid parameters")
        return self.once_a_tick(
            ("tickers", currencies, keyed),
            lambda: [ticker(coin, currencies, keyed) for coin in self._listed(keyed)],
        )

    async def ticker(self, request: web.Request) -> web.Response:
        currencies, wanted = _currencies(request), request.match_info["id"]
        if not currencies:
            return self.refuse(400, "invalid parameters")
        coin = self.market.coin(self.name, wanted)
        if coin is None:
            return self.refuse(404, "id not found")
        return self.json(ticker(coin, currencies, bool(_key(request))))

    async def historical(self, request: web.Request) -> web.Response:
        """The past of a coin, as far back as the plan allows: the free one, or with a key the starter's."""
        coin = self.market.coin(self.name, request.match_info["id"])
        if coin is None:
            return self.refuse(404, "id not found")
        try:
            query = historical_query(request.query, self.market.now())
        except ValueError as error:
            return self.refuse(400, str(error))
        oldest = self.market.now() - days_back(query.step, is_paid=bool(_key(request))) * DAY
        if query.since < oldest:
            before = f"{wire.seconds(oldest)[:-1].replace('T', ' ')} +0000 UTC"
            return self.refuse(402, f"Getting historical data before {before} {_NOT_IN_PLAN}")
        return self.json(list(islice(history(coin, query), query.limit)))

    async def coins(self, _: web.Request) -> web.Response:
        return self.once_a_tick("coins", lambda: [coin_entry(coin) for coin in self._listed(True)])

    async def contracts(self, request: web.Request) -> web.Response:
        """All on one platform; of the others the sandbox knows the names."""
        platform = request.match_info["platform"]
        if platform not in _PLATFORMS:
            return self.refuse(404, "id not found")
        coins = self.market.listed(self.name) if platform == _PLATFORMS[0] else []
        return self.once_a_tick(("contracts", platform), lambda: list(contract_entries(coins)))

    async def overview(self, _: web.Request) -> web.Response:
        return self.once_a_tick("global", lambda: overview(self._listed(True)))

    async def key_info(self, request: web.Request) -> web.Response:
        if not _key(request):
            return self.payment_required()
        usage = {"requests_made": self.calls_made, "requests_left": -1}
        return self.json({"plan": "simulated", "plan_status": "active", "usage": {"current_month": usage}})

    async def redirect(self, request: web.Request) -> web.Response:
        """A trailing slash is redirected away, with a page for browsers that nobody asked for."""
        bare = str(request.rel_url.with_path(request.path.rstrip("/"), keep_query=True))
        page = f'<a href="{bare.replace("&", "&amp;")}">Moved Permanently</a>.\n\n'
        return web.Response(
            status=301,
            text=page,
            content_type="text/html",
            charset="utf-8",
            headers={**_CACHED, "Location": bare},
        )

    def reply(self, body: bytes) -> web.Response:
        return web.Response(body=body, headers={**_CACHED, "Content-Type": "application/json; charset=UTF-8"})

    def refuse(self, status: int, message: str) -> web.Response:
        return web.json_response({"error": message}, status=status, headers=_CACHED)

    def unauthorized(self) -> web.Response:
        return self.refuse(403, "invalid API key")

    def payment_required(self) -> web.Response:
        return self.refuse(402, f"this {_NOT_IN_PLAN}")

    def rate_limited(self) -> web.Response:
        return self.refuse(429, "you have reached maximum request limit")

    def _listed(self, keyed: bool) -> list[Coin]:
        return self.market.listed(self.name)[: None if keyed else self._free_cap]


def _key(request: web.Request) -> str:
    """The key sent, raw or as a bearer token: the vendor's documents say one and the other."""
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


def _currencies(request: web.Request) -> tuple[str, ...]:
    """The currencies asked for; none where they are too many, or one is unknown."""
    asked = tuple(dict.fromkeys(request.query.get("quotes", "USD").upper().split(",")))
    return asked if PER_DOLLAR.keys() >= set(asked) and len(asked) <= _MOST_QUOTES else ()
