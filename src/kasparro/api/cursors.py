"""Cursors: the place of a row in an order, sealed, so that a torn, an altered or another query's cursor is refused."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import blake2b
from hmac import compare_digest

import orjson
from aiohttp import web

from kasparro.api.problems import Problem, Wrong
from kasparro.store.coins import Place

_SEAL = 9  # bytes


def write(place: Place, query: str) -> str:
    """The cursor of `place` in the answers to `query`."""
    body = orjson.dumps([place.is_backward, *place.keys])
    return urlsafe_b64encode(_seal(body, query) + body).decode().rstrip("=")


def read(cursor: str, query: str, *, keys: int) -> Place:
    """What `write` wrote for the same query, a place of so many keys; raises Problem."""
    try:
        data = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError:
        raise refused() from None
    seal, body = data[:_SEAL], data[_SEAL:]
    if not compare_digest(seal, _seal(body, query)):
        raise refused()
    try:
        is_backward, *values = orjson.loads(body)
    except (ValueError, TypeError):  # the seal is no secret
        raise refused() from None
    if len(values) != keys:
        raise refused()
    return Place(values, is_backward)


def refused() -> Problem:
    """The problem of a cursor that leads nowhere."""
    detail = "is torn, altered, or of a query with other filters or another order; take it as `next` gives it"
    return Problem(400, f"cursor: {detail}", wrong=[Wrong("cursor", "query", detail)])


def address(request: web.Request, query: str) -> str:
    """The same route, with another query."""
    return f"{request.rel_url.raw_path}?{query}" if query else request.rel_url.raw_path


def links(addresses: Mapping[str, str]) -> str:
    """The header Link, from addresses by relation."""
    return ", ".join(f'<{address}>; rel="{relation}"' for relation, address in addresses.items())


def _seal(body: bytes, query: str) -> bytes:
    return blake2b(body, key=blake2b(query.encode(), digest_size=32).digest(), digest_size=_SEAL).digest()
