"""What a client likes best, after the weights in its Accept headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, get_args

from aiohttp import web

from kasparro.store.exports import Form

Coding = Literal["zstd", "br", "gzip"]
CODINGS: tuple[Coding, ...] = get_args(Coding)
"""The first is sent to who likes several as well."""
SMALLEST = 1024
"""Bytes below which packing saves nothing: they fit into a packet as they are."""

MEDIA_TYPES: Mapping[Form, str] = {"csv": "text/csv", "ndjson": "application/x-ndjson"}

_QUALITY = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?", re.ASCII)


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


def coding(request: web.Request, size: int | None = None) -> Coding | None:
    """How to pack an answer of so many bytes; None for one that is sent as it is. A stream has no size.

    What is small is sent as it is, unless the client takes nothing that is not packed.
    """
    chosen, may_be_plain = _codings(request.headers.get("Accept-Encoding", ""))
    return None if size is not None and size < SMALLEST and may_be_plain else chosen


def takes_plain(request: web.Request) -> bool:
    """Whether an answer may be sent as it is."""
    return _codings(request.headers.get("Accept-Encoding", ""))[1]


@lru_cache(maxsize=256)
def _codings(header: str) -> tuple[Coding | None, bool]:
    """The best way to pack, unless plain text is liked better, and whether plain text is taken (RFC 9110, 12.5.3)."""
    liked = weights(header)
    others = liked.get("*", 0.0)
    known = {coding: liked.get(coding, others) for coding in CODINGS}
    known["gzip"] = max(known["gzip"], liked.get("x-gzip", 0.0))
    best = max(CODINGS, key=lambda coding: known[coding])  # of several, the first
    plain = liked.get("identity", liked.get("*", 1.0))
    is_packed = known[best] > 0 and known[best] >= liked.get("identity", 0.0)
    return best if is_packed else None, plain > 0


def _weight(part: str) -> tuple[str, float]:
    name, *parameters = (each.strip() for each in part.split(";"))
    quality = next((each[2:] for each in parameters if each.startswith("q=")), "1")
    return name, float(quality) if _QUALITY.fullmatch(quality) else 0.0
