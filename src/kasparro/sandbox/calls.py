"""What the sandbox was asked, so that tests can count calls and look at keys."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from kasparro.sandbox.market import VendorName

_OF_INTEREST = ("authorization", "x-cg-", "user-agent", "accept", "if-none-match", "if-modified-since")


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its path below the vendor's base URL, and the headers of interest in lower case."""

    vendor: VendorName
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    at: float = field(default_factory=time.monotonic)


def call(vendor: VendorName, prefix: str, request: web.Request) -> Call:
    headers = {name.lower(): value for name, value in request.headers.items()}
    kept = {name: value for name, value in headers.items() if name.startswith(_OF_INTEREST)}
    return Call(vendor, request.path.removeprefix(prefix), dict(request.query), kept)
