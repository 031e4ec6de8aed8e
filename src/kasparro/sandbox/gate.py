"""What every request to a vendor passes: the record of calls, the limit, the fault that is due, the key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from kasparro.sandbox.calls import Call, call
from kasparro.sandbox.exchange import Exchange
from kasparro.sandbox.faults import RateLimited
from kasparro.sandbox.limit import PerMinute
from kasparro.sandbox.script import Script
from kasparro.sandbox.vendor import Vendor

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gate:
    """Stands before one vendor's routes."""

    def __init__(self, vendor: Vendor, *, calls: list[Call], script: Script, limit: PerMinute | None) -> None:
        self._vendor = vendor
        self._calls = calls
        self._script = script
        self._limit = limit
        self._answered: dict[str, bytes] = {}

    def application(self) -> web.Application:
        """The vendor's routes behind this gate."""
        application = web.Application(middlewares=[self._pass])
        application.add_routes(self._vendor.routes())
        return application

    @web.middleware
    async def _pass(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        made = call(self._vendor.name, self._vendor.prefix, request)
        self._calls.append(made)
        self._vendor.calls_made += 1
        earlier = self._answered.get(request.path_qs)
        exchange = Exchange(request, self._vendor, lambda: self._honest(request, handler), earlier)
        wait = self._limit.wait() if self._limit else 0
        if wait:
            return await RateLimited(wait if self._vendor.tells_retry_after else None).answer(exchange)
        fault = self._script.due(made)
        return await (fault.answer(exchange) if fault else exchange.honest())

    async def _honest(self, request: web.Request, handler: Handler) -> web.Response:
        refusal = self._vendor.admit(request)
        if refusal is not None:
            return refusal
        try:
            response = await handler(request)
        except web.HTTPNotFound:
            return self._vendor.not_found()
        assert isinstance(response, web.Response)  # noqa: S101 - every route of a vendor returns a whole response
        if isinstance(response.body, bytes):
            self._answered[request.path_qs] = response.body
        return response
