"""Who may write: whoever holds the key in ADMIN_API_KEY."""

from __future__ import annotations

from functools import wraps
from hmac import compare_digest

from aiohttp import web
from aiohttp.typedefs import Handler

from kasparro.api.keys import ADMIN_KEY
from kasparro.api.problems import Problem

_HOW = "send the admin key as `X-API-Key: ...` or as `Authorization: Bearer ...`"


def admin(handler: Handler) -> Handler:
    """Lets only requests with the admin key through to `handler`."""

    @wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        _require_key(request)
        return await handler(request)

    return guarded


def _require_key(request: web.Request) -> None:
    """Raises Problem: 403 where no key is configured, 401 where the request does not hold it."""
    expected = request.app[ADMIN_KEY]
    if expected is None or not expected.get_secret_value():
        raise Problem(403, "this route is closed; set ADMIN_API_KEY and restart the service to open it")
    given = _given_key(request).encode("utf-8", "surrogateescape")
    if not compare_digest(given, expected.get_secret_value().encode()):
        raise Problem(401, _HOW, headers={"WWW-Authenticate": 'Bearer realm="kasparro"'})


def _given_key(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return request.headers.get("X-API-Key", bearer)
