"""Answers that change only when the data does: told by their ETag before anything is read, and kept until then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial, wraps
from hashlib import blake2b
from time import perf_counter

from aiohttp import web
from aiohttp.typedefs import Handler

from kasparro.api.accept import accepts_gzip
from kasparro.api.cache import Body
from kasparro.api.compression import SMALLEST
from kasparro.api.keys import CACHE, METRICS, REQUEST_ID, VERSIONS

VARY = "Accept, Accept-Encoding"
Maker = Callable[[web.Request], Awaitable[Body]]


def versioned(maker: Maker) -> Handler:
    """A handler that sends what `maker` makes, with the request's id and how long it took.

    The ETag names the version of the data, the address and the encoding. It is a weak one: of two answers that are
    the same, the id and the time differ.
    """

    @wraps(maker)
    async def answer(request: web.Request) -> web.StreamResponse:
        started = perf_counter()
        is_packed = accepts_gzip(request)
        etag = tag(request, is_packed=is_packed)
        if unchanged := unmodified(request, etag):
            return unchanged
        body = await _body(request, maker)
        return _reply(request, body, started, is_packed, etag=etag if body.lasts else None)

    return answer


def tag(request: web.Request, form: str = "", *, is_packed: bool) -> str | None:
    """The ETag in its quotes, and without the W/ of a weak one, which does not count in comparisons.

    None while changes of the data are not heard.
    """
    version = request.app[VERSIONS].token
    if version is None:
        return None
    place = blake2b(request.raw_path.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    return f'"{version}-{place}{form}{"-gzip" if is_packed else ""}"'


def unmodified(request: web.Request, etag: str | None) -> web.Response | None:
    """The 304, where the client has what the tag names."""
    if etag is None or etag not in request.headers.get("If-None-Match", ""):
        return None
    request.app[METRICS].cache_asked("not_modified")
    return web.Response(status=304, headers={"ETag": f"W/{etag}", "Vary": VARY})


async def _body(request: web.Request, maker: Maker) -> Body:
    version, address, cache = request.app[VERSIONS].token, request.raw_path, request.app[CACHE]
    if version is None:
        request.app[METRICS].cache_asked("off")
        return await maker(request)
    if body := cache.find(version, address):
        request.app[METRICS].cache_asked("hit")
        return body
    request.app[METRICS].cache_asked("miss")
    return await cache.make(version, address, partial(maker, request))


def _reply(request: web.Request, body: Body, started: float, is_packed: bool, etag: str | None) -> web.Response:
    headers = {**body.headers, "Content-Type": "application/json", "Vary": VARY}
    if etag:
        headers["ETag"] = f"W/{etag}"
    took = (perf_counter() - started) * 1000
    tail = f',"request_id":"{request[REQUEST_ID]}","api_latency_ms":{took:.2f}}}'.encode()
    if is_packed and len(body.beginning) >= SMALLEST:
        headers["Content-Encoding"] = "gzip"
        return web.Response(body=body.packed.ended(tail), headers=headers)
    return web.Response(body=body.beginning + tail, headers=headers)
