"""Pages of other origins: told nothing, unless CORS_ORIGINS names them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

Signal = Callable[[web.Request, web.StreamResponse], Awaitable[None]]
_ASKED = "Access-Control-Request-Method"
_ALLOWED = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match, X-API-Key, X-Request-ID",
    "Access-Control-Max-Age": "7200",
}
_EXPOSED = "ETag, Link, RateLimit, RateLimit-Policy, Retry-After, Server-Timing, X-Request-ID"


def cors(origins: Collection[str]) -> Middleware:
    """A middleware that lets pages of these origins (`*`: of any) read what is answered. No cookies: there are none."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin", "")
        if _is_known(origin, origins) and request.method == "OPTIONS" and _ASKED in request.headers:
            return web.Response(status=204, headers=_ALLOWED)
        return await handler(request)

    return middleware


def tell_origin(origins: Collection[str]) -> Signal:
    """A signal for every answer, also one that is streamed: who may read it."""

    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        origin = request.headers.get("Origin", "")
        response.headers["Vary"] = ", ".join(filter(None, [response.headers.get("Vary"), "Origin"]))
        if _is_known(origin, origins):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = _EXPOSED
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"

    return prepare


def _is_known(origin: str, origins: Collection[str]) -> bool:
    return bool(origin) and (origin in origins or "*" in origins)
