"""Requests over connections kept alive, light enough that the server is what is measured. For loopback only."""

from __future__ import annotations

import asyncio
import time
from statistics import quantiles
from typing import NamedTuple

WARM_UP = 0.5  # seconds
_PATIENCE = 10.0  # seconds for the last answers
_SIZE = b"content-length:"


class Load(NamedTuple):
    """Answers a second, and milliseconds that half of them and all but one in a hundred took."""

    rate: float
    p50: float
    p99: float


async def load(port: int, path: str, *, connections: int, seconds: float) -> Load:
    """Ask for `path` on every connection, again as soon as it was answered; raises OSError for any answer but 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    begin = time.perf_counter() + WARM_UP
    end = begin + seconds
    callers = [_Caller(request, begin, end) for _ in range(connections)]
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(WARM_UP + seconds + _PATIENCE):
        for caller in callers:
            await loop.create_connection(lambda caller=caller: caller, "127.0.0.1", port)  # type: ignore[misc]
        await asyncio.gather(*(caller.finished for caller in callers))
    took = [latency * 1000 for caller in callers for latency in caller.took]
    percentiles = quantiles(took, n=100)
    return Load(len(took) / seconds, percentiles[49], percentiles[98])


class _Caller(asyncio.Protocol):
    """One connection: one request at a time, until the end. `took` holds the seconds of those answered in time."""

    def __init__(self, request: bytes, begin: float, end: float) -> None:
        self.took: list[float] = []
        self.finished = asyncio.get_running_loop().create_future()
        self._request, self._begin, self._end = request, begin, end

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._head = b""
        self._missing: int | None = None
        self._asked = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._missing is None:
            self._head += data
            if (end := self._head.find(b"\r\n\r\n")) >= 0:
                self._missing = end + 4 + _length(self._head[:end]) - len(self._head)
        else:
            self._missing -= len(data)
        if self._missing == 0:
            self._answered()

    def _answered(self) -> None:
        now = time.perf_counter()
        if self._begin <= now < self._end:
            self.took.append(now - self._asked)
        if now < self._end:
            self._ask()
        else:
            self.finished.set_result(None)
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(exc or ConnectionError("the server closed the connection"))


def _length(head: bytes) -> int:
    """The length of the body below this head."""
    if not head.startswith(b"HTTP/1.1 200 "):
        raise ConnectionError(head.decode(errors="replace"))
    _, _, rest = head.lower().partition(_SIZE)
    return int(rest.split(b"\r\n", 1)[0])
