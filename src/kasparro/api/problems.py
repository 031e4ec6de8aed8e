"""Errors as RFC 9457 problems: with the request's id, and each wrong parameter by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import NamedTuple

import orjson
from aiohttp import web

from kasparro.api.keys import REQUEST_ID

RETRY_AFTER = {"Retry-After": "5"}


class Wrong(NamedTuple):
    """One thing wrong with a request: the parameter, the part of the request it is in, and what is wrong."""

    name: str
    place: str
    detail: str


class Problem(Exception):
    """The request ends here, with this status and an explanation that the client may see."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        wrong: Sequence[Wrong] = (),
        run_id: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.wrong = wrong
        self.run_id = run_id
        self.headers = headers


def no_asset(asset_id: str, *, verb: str = "is") -> Problem:
    """Nobody has heard of it."""
    return Problem(404, f"there {verb} no asset {asset_id}; GET /assets?q=... finds one")


def reply(request: web.Request, problem: Problem) -> web.Response:
    """The problem as a response."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "request_id": request[REQUEST_ID],
    }
    if problem.run_id is not None:
        body["run_id"] = problem.run_id
    if problem.wrong:
        body["errors"] = [{"name": name, "in": place, "detail": detail} for name, place, detail in problem.wrong]
    return web.Response(
        body=orjson.dumps(body),
        status=problem.status,
        headers=problem.headers,
        content_type="application/problem+json",
    )


def from_aiohttp(error: web.HTTPException, request: web.Request) -> Problem:
    """What aiohttp raises by itself: no such path, no such method, body too large."""
    match error:
        case web.HTTPNotFound():
            return Problem(404, "there is nothing at this path; GET / lists what there is")
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(error.allowed_methods))
            detail = f"{request.method} is not possible here; {allowed} is"
            return Problem(405, detail, headers={"Allow": allowed})
        case _:
            return Problem(error.status, error.reason)
