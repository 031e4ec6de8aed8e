"""The sandbox's own endpoints, for people who run it by hand: `/control/faults`, `plan`, `tick` and `calls`."""

from __future__ import annotations

import ipaddress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from kasparro.sandbox import plan, wire
from kasparro.sandbox.calls import Call
from kasparro.sandbox.faults import BY_NAME

if TYPE_CHECKING:
    from kasparro.sandbox.server import Sandbox


class Control:
    """Steers one sandbox; answers this machine only."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def application(self) -> web.Application:
        application = web.Application(middlewares=[_from_here])
        application.add_routes(
            [
                web.post("/faults", self.fail),
                web.delete("/faults", self.heal),
                web.post("/plan", self.follow),
                web.post("/tick", self.tick),
                web.get("/calls", self.calls),
            ]
        )
        return application

    async def fail(self, request: web.Request) -> web.Response:
        """Order a fault: `{"vendor": "coingecko", "fault": "RateLimited"}`.

        Optional: `with`, the fault's values; `times`; `path` and `query`, which calls it is for.
        """
        wish = await request.json()
        path, query = wish.get("path"), wish.get("query", {})
        try:
            fault = BY_NAME[wish["fault"]](**wish.get("with", {}))
            times = wish.get("times", 1)
            self._sandbox.fail(wish["vendor"], fault, times=times, on=lambda call: _matches(call, path, query))
        except (KeyError, TypeError) as error:
            raise web.HTTPBadRequest(text=f"no such vendor or fault, or not with these values: {error}\n") from None
        return _json({"vendor": wish["vendor"], "fault": repr(fault), "times": times})

    async def follow(self, request: web.Request) -> web.Response:
        """Load a plan: `{"vendor": "coingecko", "seed": 7}`, or `"faults"`: a list of names, or of `[name, values]`.

        Optional with a seed: `calls`, `share` of them that goes wrong, `kinds` of faults.
        """
        wish = await request.json()
        try:
            vendor = wish.pop("vendor")
            faults = plan.listed(wish["faults"]) if "faults" in wish else plan.drawn(**wish)
            self._sandbox.follow(vendor, faults)
        except (KeyError, TypeError, ValueError) as error:
            raise web.HTTPBadRequest(text=f"no such vendor or fault, or not with these values: {error}\n") from None
        return _json({"vendor": vendor, "faults": [repr(fault) for fault in faults]})

    async def heal(self, _: web.Request) -> web.Response:
        self._sandbox.heal()
        return _json({"faults": []})

    async def tick(self, _: web.Request) -> web.Response:
        return _json({"moved": self._sandbox.tick()})

    async def calls(self, _: web.Request) -> web.Response:
        return _json([asdict(call) for call in self._sandbox.calls])


@web.middleware
async def _from_here(request: web.Request, handler: Any) -> web.StreamResponse:
    if not ipaddress.ip_address(request.remote or "0.0.0.0").is_loopback:  # noqa: S104  # an address that is not loopback
        raise web.HTTPForbidden(text="only from this machine\n")
    response: web.StreamResponse = await handler(request)
    return response


def _matches(call: Call, path: str | None, query: dict[str, str]) -> bool:
    return path in (None, call.path) and query.items() <= call.query.items()


def _json(value: Any) -> web.Response:
    return web.Response(body=wire.dumps(value), content_type="application/json")
