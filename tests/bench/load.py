"""What a server bears: a client in a process of its own asks it, and we look who is busy meanwhile."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

from .process import Server

_CLIENT = str(Path(__file__).with_name("client.py").resolve())
_NONE: Mapping[str, str] = {}


class Load(NamedTuple):
    """Answers a second, the milliseconds that they took, and which part of a processor each side used."""

    rate: float
    p50: float
    p99: float
    p999: float
    busy: Mapping[str, float]


class Wish(NamedTuple):
    """What is asked for: paths that take turns, and the status of every answer."""

    paths: Sequence[str]
    status: int = 200
    headers: Mapping[str, str] = _NONE

    def requests(self) -> list[str]:
        headers = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "127.0.0.1", **self.headers}.items())
        return [f"GET {path} HTTP/1.1\r\n{headers}\r\n" for path in self.paths]


async def load(server: Server, wish: Wish, *, connections: int, seconds: float) -> Load:
    """Ask on every connection, again as soon as it was answered; raises CalledProcessError for any other status."""
    asked = {"port": server.port, "connections": connections, "seconds": seconds}
    text = json.dumps(asked | {"status": wish.status, "requests": wish.requests()})
    before, started = _used(server), time.perf_counter()
    client = await asyncio.create_subprocess_exec(
        sys.executable, _CLIENT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await client.communicate(text.encode())
    if client.returncode:
        raise RuntimeError(f"the client of {wish.paths[0]} ended with {client.returncode}")
    lasted, after, found = time.perf_counter() - started, _used(server), json.loads(printed)
    busy = {name: (after[name] - before.get(name, 0.0)) / lasted for name in after}
    return Load(found["rate"], *found["took"], busy | {"client": found["busy"]})


def _used(server: Server) -> dict[str, float]:
    """Seconds of processor time so far, of the server and of PostgreSQL."""
    backends = [child for child in psutil.Process().children(recursive=True) if "postgres" in child.name()]
    return {"server": _seconds([psutil.Process(server.pid)]), "PostgreSQL": _seconds(backends)}


def _seconds(processes: Sequence[psutil.Process]) -> float:
    return sum(sum(times[:2]) for times in _times(processes))


def _times(processes: Sequence[psutil.Process]) -> Iterator[tuple[float, ...]]:
    for process in processes:
        try:
            yield process.cpu_times()
        except psutil.NoSuchProcess:  # a backend may end meanwhile
            continue
