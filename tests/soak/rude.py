"""What rude clients do, on bare sockets: they read slowly, not at all, vanish, and leave their sentences half said.

None of them is owed an answer; what they leave behind in the service is looked for at the end.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random
from urllib.parse import urlsplit

from .visits import Visitor

_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: closing is a reset
_LONGEST = 5.0  # seconds that one of them keeps a connection
_HISTORY = "/coins/csv/simulated-coin-1/history?format=ndjson"  # larger than all buffers on the way
_PATHS = (
    "/data?format=csv",
    "/data?format=ndjson",
    "/data?page_size=100",
    "/docs",
    "/assets?limit=100",
    "/events",
    _HISTORY,
)


@asynccontextmanager
async def _connection(visitor: Visitor, room: int = 65_536) -> AsyncIterator[socket.socket]:
    """A connection with so little room for what comes; it ends in order, or as if the cable had been cut."""
    url = urlsplit(visitor.url)
    with socket.socket() as connection:
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        if visitor.random.random() < 0.5:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        with suppress(ConnectionError, TimeoutError):  # the service may be as rude
            async with asyncio.timeout(2 * _LONGEST):
                await asyncio.get_running_loop().sock_connect(connection, (url.hostname, url.port))
                yield connection


async def _say(connection: socket.socket, text: str) -> None:
    await asyncio.get_running_loop().sock_sendall(connection, text.encode())


def _request(random: Random, path: str | None = None) -> str:
    return f"GET {path or random.choice(_PATHS)} HTTP/1.1\r\nHost: soak\r\n\r\n"


async def slow(visitor: Visitor) -> None:
    """Reads a kilobyte now and then, and leaves before the end."""
    async with _connection(visitor, room=4096) as connection:
        await _say(connection, _request(visitor.random))
        for _ in range(visitor.random.randint(1, 20)):
            if not await asyncio.get_running_loop().sock_recv(connection, 1024):
                return
            await asyncio.sleep(visitor.random.uniform(0, _LONGEST / 20))


async def vanishing(visitor: Visitor) -> None:
    """Leaves at any moment of an answer, or before it."""
    async with _connection(visitor) as connection:
        await _say(connection, _request(visitor.random))
        if visitor.random.random() < 0.7:
            await asyncio.get_running_loop().sock_recv(connection, visitor.random.randint(1, 65_536))


async def half_said(visitor: Visitor) -> None:
    """Half a head, or a body that never comes; then silence."""
    whole = visitor.random.choice((
        _request(visitor.random),
        "POST /runs HTTP/1.1\r\nHost: soak\r\nX-API-Key: soak\r\nContent-Type: application/json\r\n"
        'Content-Length: 1000\r\n\r\n{"source": ',
        "POST /runs HTTP/1.1\r\nHost: soak\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
    ))  # fmt: skip
    async with _connection(visitor) as connection:
        await _say(connection, whole[: visitor.random.randint(0, len(whole) - 1)])
        await asyncio.sleep(visitor.random.uniform(0, _LONGEST))


async def half_open(visitor: Visitor) -> None:
    """Asks for several things at once and says no more; reads until the service has said all that it wants to."""
    async with _connection(visitor) as connection:
        await _say(connection, "".join(_request(visitor.random, "/data?page_size=20") for _ in range(3)))
        connection.shutdown(socket.SHUT_WR)
        while await asyncio.get_running_loop().sock_recv(connection, 65_536):
            pass


async def following(visitor: Visitor) -> None:
    """Follows events for a while."""
    async with _connection(visitor) as connection:
        await _say(connection, _request(visitor.random, "/events"))
        with suppress(TimeoutError):
            async with asyncio.timeout(visitor.random.uniform(0, _LONGEST)):
                while await asyncio.get_running_loop().sock_recv(connection, 65_536):
                    pass
