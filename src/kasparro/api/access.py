"""Who may do what: writing is for the holder of ADMIN_API_KEY, reading for all, or for the holders of READ_API_KEYS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from hmac import compare_digest
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import SecretStr

from kasparro.api.keys import ADMIN_KEY, METRICS_TOKEN, READ_KEYS
from kasparro.api.openapi import documented
from kasparro.api.problems import Problem
from kasparro.api.queries import NoQuery
from kasparro.api.v3 import errors, queries

Answers = Mapping[int, Any]  # status -> the name of a problem, or what `documented` takes
_OPEN = frozenset({"/health", "/health/live", "/health/ready", "/docs", "/static/{name}", "/openapi.json"})
"""Routes that tell nothing of the data, and must answer balancers and browsers that hold no key."""
_REFUSALS: Answers = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 503: "Unavailable"}
_HOW = "as `X-API-Key: ...` or as `Authorization: Bearer ...`"


def admin(*, description: str, responses: Answers, **operation: Any) -> Callable[[Handler], Handler]:
    """Documents a route that writes, and lets only requests with the admin key through to it."""
    answers = {**_REFUSALS, **({413: "TooLarge"} if "body" in operation else {}), **responses}

    def decorate(handler: Handler) -> Handler:
        return documented(
            description=f"{description} Needs the key in ADMIN_API_KEY.",
            query=NoQuery,
            security=[{"key": []}, {"bearer": []}],
            responses=dict(sorted(answers.items())),
            **operation,
        )(_guarded(handler))

    return decorate


def _guarded(handler: Handler) -> Handler:
    @wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        expected = known(request.app[ADMIN_KEY])
        if not expected:
            raise Problem(403, "this route is closed; set ADMIN_API_KEY and restart the service to open it")
        _require(request, expected, f"send the admin key {_HOW}")
        return await handler(request)

    return guarded


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lets only requests with a key through: what opens a route is set for reading, for writing, or for /metrics."""
    resource = request.match_info.route.resource
    route = resource.canonical if resource else None
    token = request.app[METRICS_TOKEN]
    if route == "/metrics" and token:
        _require(request, token, "send METRICS_TOKEN as `Authorization: Bearer ...`")
    elif route not in _OPEN and (keys := request.app[READ_KEYS]):
        _require(request, [*keys, *known(request.app[ADMIN_KEY])], f"send a key {_HOW}")
    return await handler(request)


def known(secret: SecretStr | None) -> Sequence[bytes]:
    """The keys in a setting, which are parted by commas."""
    text = secret.get_secret_value() if secret else ""
    return [key.strip().encode() for key in text.split(",") if key.strip()]


def _require(request: web.Request, expected: Sequence[bytes], how: str) -> None:
    """Raises Problem unless the request holds one of the keys. How long it takes does not tell which, or how much."""
    given = _given_key(request).encode("utf-8", "surrogateescape")
    if not any([compare_digest(given, key) for key in expected]):  # noqa: C419 - all are compared
        raise Problem(401, how, headers={"WWW-Authenticate": 'Bearer realm="kasparro"'})


def _given_key(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return request.headers.get("X-API-Key", bearer) or _vendor_key(request)


def _vendor_key(request: web.Request) -> str:
    """The key where CoinGecko's clients put theirs: in a header, or in the query."""
    if not request.path.startswith(errors.PREFIX):
        return ""
    sent = [request.headers.get(name.replace("_", "-"), request.query.get(name, "")) for name in queries.KEYS]
    return next(filter(None, sent), "")
