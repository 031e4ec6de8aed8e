"""Answers that change only when the data does: told by their ETag before anything is read, and kept until then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial, wraps
from hashlib import blake2b
from time import perf_counter

from aiohttp import web
from aiohttp.typedefs import Handler

from kasparro.api import swift
from kasparro.api.accept import Coding, coding, export_form
from kasparro.api.cache import Body, Face
from kasparro.api.keys import CACHE, METRICS, REQUEST_ID, STARTED, VERSIONS
from kasparro.api.middleware import READS
from kasparro.metrics import CacheOutcome

VARY = "Accept, Accept-Encoding"
Maker = Callable[[web.Request], Awaitable[Body]]


@web.middleware
async def recall(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What is kept needs no handler, and nobody to check what is asked for: that was right when it was made."""
    version = request.app[VERSIONS].token
    if version is None or request.method not in READS or export_form(request):
        return await handler(request)
    if body := request.app[CACHE].find(version, request.raw_path):
        return _sent(request, body, version, "hit")
    return await handler(request)


def versioned(maker: Maker) -> Handler:
    """A handler that sends what `maker` makes, with the request's id and how long it took.

    The ETag names the version of the data, the address and the encoding. It is a weak one: of two answers that are
    the same, the id and the time differ.
    """

    @wraps(maker)
    async def answer(request: web.Request) -> web.StreamResponse:
        version = request.app[VERSIONS].token
        if version is None:
            return _sent(request, await maker(request), None, "off")
        if unchanged := unmodified(request, tag(request, version, coding(request))):
            return unchanged
        body = await request.app[CACHE].make(version, request.raw_path, partial(maker, request))
        return _sent(request, body, version, "miss")

    return answer


def whole(maker: Maker) -> Handler:
    """The same for bodies that are whole: they are sent as they are."""

    @wraps(maker)
    async def made(request: web.Request) -> Body:
        body = await maker(request)
        body.is_whole = True
        return body

    return versioned(made)


def tag(request: web.Request, version: str | None, chosen: Coding | None, form: str = "") -> str | None:
    """The ETag in its quotes, and without the W/ of a weak one, which does not count in comparisons.

    None while changes of the data are not heard.
    """
    if version is None:
        return None
    place = blake2b(request.raw_path.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    return f'"{version}-{place}{form}{f"-{chosen}" if chosen else ""}"'


def unmodified(request: web.Request, etag: str | None) -> web.StreamResponse | None:
    """The 304, where the client has what the tag names."""
    if not _has(request, etag):
        return None
    request.app[METRICS].cache_asked("not_modified")
    return not_modified(request, etag)


def not_modified(request: web.Request, etag: str | None) -> web.StreamResponse:
    """The 304."""
    return swift.answer(request, _unchanged(etag))


@web.middleware
async def spare(request: web.Request, handler: Handler) -> web.StreamResponse:
    """`If-None-Match: *` asks for nothing that exists: only now it is known whether it does."""
    response = await handler(request)
    if not isinstance(response, web.Response) or response.status != 200 or not wants_nothing(request):
        return response
    kept = {name: response.headers[name] for name in ("ETag", "Vary", "Link") if name in response.headers}
    return web.Response(status=304, headers=kept)


def wants_nothing(request: web.Request) -> bool:
    """Whether the client has whatever there is."""
    return request.headers.get("If-None-Match", "").strip() == "*" and request.method in READS


def _has(request: web.Request, etag: str | None) -> bool:
    return etag is not None and etag in request.headers.get("If-None-Match", "")


def _unchanged(etag: str | None) -> swift.Head:
    return swift.head(304, {"Vary": VARY} | ({"ETag": f"W/{etag}"} if etag else {}))


def _sent(request: web.Request, body: Body, version: str | None, outcome: CacheOutcome) -> web.StreamResponse:
    liked, chosen = coding(request), coding(request, len(body.beginning))
    face = body.faces.get((liked, chosen)) or _face(request, body, version, liked, chosen)
    is_known = _has(request, face.etag) or wants_nothing(request)
    request.app[METRICS].cache_asked("not_modified" if is_known else outcome)
    if is_known:
        return swift.answer(request, face.unchanged)
    tail = b"" if body.is_whole else _signature(request)
    if chosen:
        return swift.answer(request, face.whole, body.packed(chosen).ended(tail))
    return swift.answer(request, face.whole, body.beginning, tail)


def _signature(request: web.Request) -> bytes:
    took = (perf_counter() - request[STARTED]) * 1000
    return f',"request_id":"{request[REQUEST_ID]}","api_latency_ms":{took:.2f}}}'.encode()


def _face(request: web.Request, body: Body, version: str | None, liked: Coding | None, chosen: Coding | None) -> Face:
    """How the body shows itself in a coding, from now on. Its tag is known before its size is."""
    etag = tag(request, version if body.lasts else None, liked)
    headers = {**body.headers, "Content-Type": "application/json", "Vary": VARY}
    if etag:
        headers["ETag"] = f"W/{etag}"
    if chosen:
        headers["Content-Encoding"] = chosen
    face = body.faces[liked, chosen] = Face(etag, swift.head(200, headers), _unchanged(etag))
    return face
