"""Connections on a listening socket. What is no HTTP ends here, as a problem: no handler ever sees it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from secrets import token_hex
from time import perf_counter
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from kasparro import log
from kasparro.api import problems
from kasparro.api.keys import METRICS, REQUEST_ID, STARTED
from kasparro.api.middleware import put_on
from kasparro.api.problems import Problem
from kasparro.metrics import Metrics

LONGEST_LINE = 8 * 1024
LONGEST_HEADER = 16 * 1024  # another number than that of the line: by it the parser's complaints are told apart
MOST_HEADERS = 128
_BACKLOG = 1024  # connections that wait to be taken
_GRACE = 3.0  # seconds for requests in flight at the end

_log = log.logger("api")


@asynccontextmanager
async def site(application: web.Application, listening: socket.socket) -> AsyncIterator[None]:
    """The application on the socket, meanwhile."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_GRACE)
    await runner.setup()
    assert runner.server  # noqa: S101 - it is set up
    connect = partial(Connection, runner.server, metrics=application[METRICS])
    try:
        server = await asyncio.get_running_loop().create_server(connect, sock=listening, backlog=_BACKLOG)
        try:
            yield
        finally:
            server.close()
    finally:
        await runner.cleanup()


class Connection(web.RequestHandler):
    """aiohttp's, but for what it would answer in plain text, because that has not come as far as the middlewares."""

    __slots__ = ("_metrics",)

    def __init__(self, manager: web.Server, *, metrics: Metrics) -> None:
        super().__init__(
            manager,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # which is how it is switched off
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_HEADER,
            max_headers=MOST_HEADERS,
        )
        self._metrics = metrics

    def handle_error(
        self, request: Any, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """What to answer to a request that cannot be read, or whose handling broke outside of all handlers."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun, there cannot be another one")
        if not isinstance(exc, HttpProcessingError):
            _log.error("unforeseen error", exc_info=exc)
        return self._refused(request, _refusal(exc))

    async def finish_response(
        self, request: Any, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """An expectation that nobody can meet is refused before the middlewares, too."""
        if isinstance(resp, web.HTTPException):
            resp = self._refused(request, problems.from_aiohttp(resp, request))
        return await super().finish_response(request, resp, start_time)

    def _refused(self, request: web.Request, problem: Problem) -> web.Response:
        request[REQUEST_ID], request[STARTED] = token_hex(16), perf_counter()
        response = problems.reply(request, problem)
        put_on(request, response)
        response.force_close()
        self._metrics.http_request("other", "malformed", problem.status, 0.0)
        _log.info("request", route="malformed", status=problem.status, detail=problem.detail)
        return response


def _refusal(error: BaseException | None) -> Problem:
    match error:
        case LineTooLong(args=(_, limit, *_)) if limit == LONGEST_LINE:
            return Problem(414, f"the address is longer than {LONGEST_LINE} bytes")
        case LineTooLong():
            return Problem(431, f"a header is longer than {LONGEST_HEADER} bytes")
        case HttpProcessingError(message="Too many headers received"):
            return Problem(431, f"there are more than {MOST_HEADERS} headers")
        case HttpProcessingError(message=message):
            return Problem(400, f"this is no HTTP: {_brief(message)}")
    return Problem(500, "an error that we did not foresee; the log tells more")


def _brief(message: str) -> str:
    """The parser's complaint without the bytes at fault, which follow it."""
    return " ".join(message.partition("\n\n")[0].split())[:100].rstrip(":")
