"""What a client likes best, after the weights in its Accept headers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from aiohttp import web

from kasparro.store.exports import Form

MEDIA_TYPES: Mapping[Form, str] = {"csv": "text/csv", "ndjson": "application/x-ndjson"}


@lru_cache(maxsize=256)
def weights(header: str) -> Mapping[str, float]:
    """The weight of each thing that an Accept header names; one that cannot be read is 0."""
    return dict(_weight(part) for part in header.lower().split(","))


def export_form(request: web.Request) -> Form | None:
    """In which form the request wants all rows; None for a page of JSON. `format` counts more than Accept."""
    if "format" in request.rel_url.raw_query_string:
        given = request.query.get("format")
        return next((form for form in MEDIA_TYPES if form == given), None)
    liked = weights(request.headers.get("Accept", ""))
    best = liked.get("application/json", liked.get("*/*", 0.0))
    form: Form | None = None
    for candidate, media_type in MEDIA_TYPES.items():
        if liked.get(media_type, 0.0) > best:
            form, best = candidate, liked[media_type]
    return form


def accepts_gzip(request: web.Request) -> bool:
    """Whether gzip is allowed, and plain text not liked better."""
    liked = weights(request.headers.get("Accept-Encoding", ""))
    gzip = liked.get("gzip", liked.get("x-gzip", liked.get("*", 0.0)))
    return gzip > 0 and gzip >= liked.get("identity", 0.0)


def _weight(part: str) -> tuple[str, float]:
    name, _, rest = part.partition(";")
    _, _, quality = rest.partition("q=")
    try:
        return name.strip(), float(quality.partition(";")[0] or 1)
    except ValueError:
        return name.strip(), 0.0
