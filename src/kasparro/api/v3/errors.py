"""Errors below `/api/v3`, in the shapes that CoinGecko's clients know."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from kasparro.api.problems import Problem

PREFIX = "/api/v3/"
_KEY_MISSING = 10002  # CoinGecko's code
_COULD_NOT = (429, 500, 503)


def reply(problem: Problem) -> web.Response:
    """The problem as CoinGecko would tell it: flat where the question is wrong, with a code where the answer fails."""
    return web.Response(
        body=orjson.dumps(_told(problem)),
        status=problem.status,
        headers=problem.headers,
        content_type="application/json",
    )


def _told(problem: Problem) -> dict[str, Any]:
    if problem.status == 401:
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        return {"status": {"timestamp": moment, "error_code": _KEY_MISSING, "error_message": problem.detail}}
    if problem.status in _COULD_NOT:
        return {"status": {"error_code": problem.status, "error_message": problem.detail}}
    return {"error": problem.detail}
