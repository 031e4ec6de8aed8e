"""Answers out of memory, each written in one piece.

For an answer that is there already, aiohttp takes longer over its sixteen headers than over all the rest: it keeps them
in a dictionary, takes them past every signal, and prints them one by one. Here those that do not change are text.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from aiohttp import HttpVersion11, web
from aiohttp.helpers import rfc822_formatted_time

from kasparro.api.keys import IS_PLAIN, REQUEST_ID, TOLD
from kasparro.api.middleware import HEADERS, SERVER, timing

_ALWAYS = {**HEADERS, "Server": SERVER}


class Head(NamedTuple):
    """A status and headers, and how both are written."""

    status: int
    headers: Mapping[str, str]
    text: str


def head(status: int, headers: Mapping[str, str]) -> Head:
    """What an answer begins with; `headers` go before those that every answer has."""
    written = "".join(f"{name}: {value}\r\n" for name, value in (_ALWAYS | dict(headers)).items())
    return Head(status, headers, f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{written}")


def answer(request: web.Request, begin: Head, *parts: bytes) -> web.StreamResponse:
    """The head, and the parts as one body.

    An ordinary response where a signal has more to say than `dress`, and for a client of HTTP/1.0.
    """
    if not request.app[IS_PLAIN] or request.version != HttpVersion11:
        return web.Response(status=begin.status, body=b"".join(parts), headers=begin.headers)
    shown = parts if request.method != "HEAD" else ()
    return _Swift(request, begin.status, b"".join((_written(request, begin, parts), *shown)))


def _written(request: web.Request, begin: Head, parts: tuple[bytes, ...]) -> bytes:
    more = "".join([f"{name}: {value}\r\n" for name, value in request[TOLD].items()]) if TOLD in request else ""
    if parts:
        more += f"Content-Length: {sum(map(len, parts))}\r\n"
    if not request.keep_alive:
        more += "Connection: close\r\n"
    return (
        f"{begin.text}{more}Date: {rfc822_formatted_time()}\r\nX-Request-ID: {request[REQUEST_ID]}\r\n"
        f"Server-Timing: {timing(request)}\r\n\r\n"
    ).encode()


class _Swift(web.StreamResponse):
    """Head and body leave together, past the signals; `headers` has nothing of what is sent."""

    def __init__(self, request: web.Request, status: int, data: bytes) -> None:
        super().__init__(status=status)
        self._asked = request
        self._data = data

    @property
    def keep_alive(self) -> bool:
        return self._asked.keep_alive

    async def prepare(self, request: web.BaseRequest) -> None:
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        await self._asked.writer.write(self._data)
