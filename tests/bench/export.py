"""All coins at once, next to psql copying the same rows."""

from __future__ import annotations

import asyncio
import socket
import time

from . import psql
from .databases import Databases
from .many_coins import api, filled
from .process import Server, peak_of
from .report import Figure, Most, best, ratio

COINS = 1_000_000
ROUNDS = 3
_ROOM = 1 << 20  # bytes


async def measure(made: Databases) -> list[Figure]:
    """Rows a second of `GET /data?format=csv`, and the memory it takes."""
    dsn = await filled(made, COINS)
    limit, ours, script = [], [], psql.export("coin_export")
    with api(dsn) as server:
        for _ in range(ROUNDS):
            limit.append(COINS / await asyncio.to_thread(psql.run, dsn, script))
            ours.append(COINS / await asyncio.to_thread(_exported, server))
        peak = peak_of(server.pid)
    figures = [
        Figure("psql: \\copy of 1,000,000 coins", best(limit), "rows/s"),
        Figure("GET /data?format=csv: the same", best(ours), "rows/s", ratio(ours, limit, 0.8)),
    ]
    return [*figures, Figure("    its memory at the peak", peak, "MiB", Most(peak, 200))] if peak else figures


def _exported(server: Server) -> float:
    """Seconds until the last row is here. HTTP/1.0 has no chunks: the end of the connection is that of the rows."""
    started, lines, room = time.perf_counter(), 0, bytearray(_ROOM)
    with socket.create_connection(("127.0.0.1", server.port)) as connection, connection.makefile("rb") as answer:
        connection.sendall(b"GET /data?format=csv HTTP/1.0\r\n\r\n")
        assert b" 200 " in answer.readline()
        while answer.readline().strip():
            pass
        while size := answer.readinto(room):
            lines += room.count(b"\n", 0, size)
    seconds = time.perf_counter() - started
    assert lines == COINS + 1, f"{lines:,} lines came"
    return seconds
