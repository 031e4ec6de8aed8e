"""Asks a server on loopback as fast as it answers: a process of its own, on bare sockets, so as not to be the slower.

Reads a JSON object from stdin: `port`, `connections`, `seconds`, `status`, and `requests`, whose texts take turns.
Prints one: `rate`, answers a second; `took`, the milliseconds that half of them took, and all but one in a hundred and
in a thousand; `busy`, its own part of a processor. Fails at any other status.
"""

from __future__ import annotations

import gc
import json
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from statistics import quantiles

WARM_UP = 0.5  # seconds
_PATIENCE = 10.0  # seconds for an answer
_SIZE = b"content-length:"
_room = memoryview(bytearray(1 << 18))


class _Caller:
    """One connection: one request at a time."""

    def __init__(self, port: int, requests: Iterator[bytes], status: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), _PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests, self._status = requests, status

    def ask(self) -> None:
        self._head = b""
        self._missing: int | None = None
        self.asked = time.perf_counter()
        self.socket.sendall(next(self._requests))

    def is_answered(self) -> bool:
        """Whether what has arrived ends the answer."""
        size = self.socket.recv_into(_room)
        if not size:
            raise ConnectionError("the server closed the connection")
        if self._missing is None:
            self._head += _room[:size]
            if (end := self._head.find(b"\r\n\r\n")) >= 0:
                self._missing = end + 4 + self._length(self._head[:end]) - len(self._head)
        else:
            self._missing -= size
        return self._missing == 0

    def _length(self, head: bytes) -> int:
        """The length of the body below this head."""
        if not head.startswith(self._status):
            raise ConnectionError(head.decode(errors="replace"))
        _, found, rest = head.lower().partition(_SIZE)
        return int(rest.split(b"\r\n", 1)[0]) if found else 0


def measure(callers: list[_Caller], seconds: float) -> list[float]:
    """The seconds of every answer that came in time, once all are warm."""
    begin = time.perf_counter() + WARM_UP
    end, took, now = begin + seconds, [], 0.0
    with selectors.DefaultSelector() as selector:
        for caller in callers:
            selector.register(caller.socket, selectors.EVENT_READ, caller)
            caller.ask()
        while now < end:
            ready = selector.select(_PATIENCE)
            if not ready:
                raise TimeoutError("no answer comes")
            for key, _ in ready:
                if key.data.is_answered():
                    now = time.perf_counter()
                    if begin <= now < end:
                        took.append(now - key.data.asked)
                    key.data.ask()
    return took


def main() -> None:
    wish = json.load(sys.stdin)
    requests = cycle([text.encode() for text in wish["requests"]])
    status = f"HTTP/1.1 {wish['status']} ".encode()
    callers = [_Caller(wish["port"], requests, status) for _ in range(wish["connections"])]
    gc.disable()
    started = time.process_time()
    took = measure(callers, wish["seconds"])
    busy = (time.process_time() - started) / (wish["seconds"] + WARM_UP)
    percentiles = [1000 * value for value in quantiles(took, n=1000)]
    print(json.dumps({
        "rate": len(took) / wish["seconds"],
        "took": [percentiles[499], percentiles[989], percentiles[998]],
        "busy": busy,
    }))  # fmt: skip


main()
