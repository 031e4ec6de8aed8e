"""How many requests a vendor takes in any minute."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

_MINUTE = 60.0


class PerMinute:
    """Lets `most` requests through in any 60 seconds of the clock `now`."""

    def __init__(self, most: int, now: Callable[[], float]) -> None:
        self._most = most
        self._now = now
        self._passed: deque[float] = deque()

    def wait(self) -> int:
        """0 for a request that passes; else the seconds until the next one may."""
        now = self._now()
        while self._passed and self._passed[0] <= now - _MINUTE:
            self._passed.popleft()
        if len(self._passed) < self._most:
            self._passed.append(now)
            return 0
        return math.ceil(self._passed[0] + _MINUTE - now)
