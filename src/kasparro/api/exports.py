"""All rows at once, as CSV or NDJSON: sent while they are read, at the client's pace, and never held."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

from aiohttp import web

from kasparro import log
from kasparro.api import as_of
from kasparro.api.accept import MEDIA_TYPES, Coding, coding
from kasparro.api.compression import press
from kasparro.api.keys import EXPORTS, METRICS, VERSIONS
from kasparro.api.problems import RETRY_AFTER, Problem
from kasparro.api.versioned import VARY, not_modified, tag, unmodified, wants_nothing
from kasparro.metrics import ExportOutcome
from kasparro.store.exports import Form, Sink
from kasparro.store.pool import Connection

AT_ONCE = 2
"""Exports under way: each holds a connection, and a snapshot that keeps VACUUM from tidying up."""
_STALL = 30.0  # seconds without a byte taken, after which a client is given up
_LONGEST = 3600.0
_PIECE = 128 * 1024  # bytes sent at once: PostgreSQL passes on a few kilobytes at a time, and each sending costs

_log = log.logger("api")


class ClientGone(Exception):
    """Nobody takes the answer any more."""


async def send(
    request: web.Request,
    form: Form,
    name: str,
    copy: Callable[[Connection, Sink], Awaitable[None]],
    *,
    lasts: bool = True,
    moment: datetime | None = None,
) -> web.StreamResponse:
    """What `copy` passes on, as a file of this name. After the first byte an error can only cut the answer off.

    It has no tag unless it `lasts`: where the same data would make another file a second later. `moment` is that of
    which it tells, if not the present.
    """
    chosen = coding(request)
    etag = tag(request, request.app[VERSIONS].token, chosen, f"-{form}") if lasts else None
    if unchanged := unmodified(request, etag):
        return unchanged
    if wants_nothing(request):
        return not_modified(request, etag)
    download = _Download(request, _response(form, name, chosen, etag), chosen)
    if request.method == "HEAD":
        return download.response
    async with _place(request), download:
        async with as_of.reading(request, moment, held=_LONGEST) as conn:
            await copy(conn, download.write)
        await download.end()
    return download.response


def _place(request: web.Request) -> AbstractAsyncContextManager[Any]:
    places = request.app[EXPORTS]
    if places.locked():
        request.app[METRICS].export_ended("refused")
        raise Problem(503, f"{AT_ONCE} exports are under way, and no more run at once", headers=RETRY_AFTER)
    return places


def _response(form: Form, name: str, chosen: Coding | None, etag: str | None) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={"Content-Disposition": f'attachment; filename="{name}.{form}"', "Vary": VARY}
    )
    response.content_type, response.charset = MEDIA_TYPES[form], "utf-8"
    if chosen:
        response.headers["Content-Encoding"] = chosen
    if etag:
        response.headers["ETag"] = f"W/{etag}"
    return response


class _Download:
    """An answer in the making. It begins with its first bytes, so that what fails before is told as a problem."""

    def __init__(self, request: web.Request, response: web.StreamResponse, chosen: Coding | None) -> None:
        self.response = response
        self._request = request
        self._press = press(chosen) if chosen else None
        self._rows = bytearray()

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, _: Any, error: BaseException | None, __: Any) -> bool:
        """Cuts off what has begun and cannot be ended: a client must not take a part for the whole."""
        transport = self._request.transport
        is_gone = isinstance(error, ClientGone) or transport is None or transport.is_closing()
        outcome: ExportOutcome = "done" if error is None else "gone" if is_gone else "broken"
        self._request.app[METRICS].export_ended(outcome)
        if error is None or not self.response.prepared:
            return False
        if transport:
            transport.abort()
        if outcome == "broken":
            _log.error("export cut off", exc_info=error)
        return isinstance(error, Exception)

    async def write(self, rows: bytes) -> None:
        """Send some rows, once there are enough of them."""
        self._rows += rows
        if len(self._rows) >= _PIECE:
            await self._send()

    async def _send(self) -> None:
        """Send the rows that are held, packed in a thread."""
        if not self.response.prepared:
            await self.response.prepare(self._request)
        rows, self._rows = bytes(self._rows), bytearray()
        data = await asyncio.to_thread(self._press.compress, rows) if self._press else rows
        await _taken(self.response.write(data))

    async def end(self) -> None:
        """Send what the press still holds: the answer is whole."""
        await self._send()
        if self._press:
            await _taken(self.response.write(self._press.finish()))
        await _taken(self.response.write_eof())


async def _taken(sending: Awaitable[None]) -> None:
    """Waits until the client takes what is sent; raises ClientGone."""
    try:
        async with asyncio.timeout(_STALL):
            await sending
    except (ConnectionError, TimeoutError):
        raise ClientGone from None
