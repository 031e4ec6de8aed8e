"""JSON on its way out."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from aiohttp import web


def as_json(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """The value as a JSON response."""
    return passed_on(orjson.dumps(value), status=status, headers=headers)


def passed_on(text: str | bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Text that is JSON already, untouched."""
    body = text.encode() if isinstance(text, str) else text
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


def figure(value: Decimal | None, form: str = "f") -> orjson.Fragment | None:
    """A number with every digit, or in the form asked for."""
    return None if value is None else orjson.Fragment(format(value, form))
