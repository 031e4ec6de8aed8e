"""What happens to every request: an id, a log line, a count, safe headers, and errors as problems."""

from __future__ import annotations

import logging
import re
from random import getrandbits
from time import perf_counter

from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.typedefs import Handler

from kasparro import log
from kasparro.api import problems
from kasparro.api.accept import CODINGS, coding, takes_plain
from kasparro.api.keys import METRICS, REQUEST_ID, STARTED
from kasparro.api.problems import RETRY_AFTER, Problem
from kasparro.api.v3 import errors
from kasparro.errors import DatabaseAway

_log = log.logger("api")
_root = logging.getLogger()
_PROBES = {"/health/live", "/health/ready", "/metrics"}  # asked by machines, every few seconds
READS = frozenset({"GET", "HEAD"})
_SLOW = 1.0  # seconds; reading that goes well and fast is counted, and logged at DEBUG only
_REQUEST_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_SPOKEN = (HttpVersion11, HttpVersion10)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SERVER = "kasparro"
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Names the request, and tells log and metrics how it went."""
    started = request[STARTED] = perf_counter()
    given = request.headers.get("X-Request-ID")
    request_id = request[REQUEST_ID] = given if given and _REQUEST_ID.fullmatch(given) else f"{getrandbits(128):032x}"
    log.request_id.set(request_id)
    response = await handler(request)
    _report(request, response.status, perf_counter() - started)
    return response


async def dress(request: web.Request, response: web.StreamResponse) -> None:
    """A signal for every answer that is about to begin."""
    put_on(request, response)


def put_on(request: web.Request, response: web.StreamResponse) -> None:
    """Puts on the headers that every answer has."""
    headers = response.headers
    headers["X-Request-ID"] = request[REQUEST_ID]
    headers["Server-Timing"] = timing(request)
    headers["Server"] = SERVER
    own = headers.keys() & HEADERS.keys()
    headers.extend({name: value for name, value in HEADERS.items() if name not in own} if own else HEADERS)


def timing(request: web.Request) -> str:
    """How long the answer took so far, as Server-Timing has it."""
    return f"app;dur={(perf_counter() - request[STARTED]) * 1000:.2f}"


def _report(request: web.Request, status: int, seconds: float) -> None:
    method = request.method if request.method in _METHODS else "other"
    resource = request.match_info.route.resource
    route = resource.canonical if resource else "unmatched"
    request.app[METRICS].http_request(method, route, status, seconds)
    is_usual = status < 400 and (method in READS or route in _PROBES) and seconds < _SLOW
    if is_usual and not _root.isEnabledFor(logging.DEBUG):
        return
    line = _log.debug if is_usual else _log.info
    line("request", method=method, route=route, status=status, duration_ms=round(seconds * 1000, 2))


@web.middleware
async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns every error into a problem; only its log line tells what an unforeseen one was."""
    try:
        _require_possible(request)
        return await handler(request)
    except Problem as problem:
        return _reply(request, problem)
    except web.HTTPException as error:
        return _reply(request, problems.from_aiohttp(error, request))
    except DatabaseAway as away:
        _log.warning("database away", reason=away.reason)
        detail = f"the database is away: {away.reason}"
        return _reply(request, Problem(503, detail, headers=RETRY_AFTER))
    except ConnectionResetError:  # of the client: what the database raises is a DatabaseAway by now
        return _reply(request, Problem(400, "the connection broke off in the middle of the request"))
    except Exception:
        _log.exception("unforeseen error", path=request.path)
        detail = "an error that we did not foresee; the log tells more under this request_id"
        return _reply(request, Problem(500, detail))


def _reply(request: web.Request, problem: Problem) -> web.Response:
    if request.path.startswith(errors.PREFIX):
        return errors.reply(problem)
    return problems.reply(request, problem)


def _require_possible(request: web.Request) -> None:
    """Raises Problem where no answer can be what the client would understand."""
    if request.version not in _SPOKEN:  # the parser takes others, too
        raise Problem(505, "HTTP/1.1 is spoken here, and HTTP/1.0")
    if not (coding(request) or takes_plain(request)):
        raise Problem(406, f"Accept-Encoding leaves nothing over; there are {', '.join(CODINGS)} and identity")
