"""Where a worker is struck: the product's functions are wrapped at named points, in that worker's memory only.

The product knows nothing of it. A worker that reaches the n-th call of its point sends itself the signal there.
"""

from __future__ import annotations

import inspect
import os
import pkgutil
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from functools import wraps
from itertools import count
from typing import Any, Literal, NamedTuple

When = Literal["before", "after", "amid"]

POINTS: Mapping[str, tuple[str, When]] = {
    "before fetch": ("kasparro.ingest.transport:Transport._get", "before"),
    "after fetch": ("kasparro.ingest.transport:Transport._get", "after"),
    "before renewing the lease": ("kasparro.store.leases:renew", "before"),
    "after renewing the lease": ("kasparro.store.leases:renew", "after"),
    "after the raw page": ("kasparro.store.raw:insert", "after"),
    "in mid-COPY": ("kasparro.store.tickers:_stream", "amid"),
    "after the merge": ("kasparro.store.tickers:merge", "after"),
    "after the checkpoint": ("kasparro.store.checkpoints:move", "after"),
    "before COMMIT": ("asyncpg.transaction:Transaction._Transaction__commit", "before"),
    "after COMMIT": ("asyncpg.transaction:Transaction._Transaction__commit", "after"),
    "before closing the run": ("kasparro.store.runs:finish", "before"),
    "after closing the run": ("kasparro.store.runs:finish", "after"),
}
"""Points of a run -> the function, and where in it."""

MIGRATING = "in mid-migration"
_MIGRATING: tuple[str, When] = ("yoyo.backends.base:DatabaseBackend.execute", "before")


class Strike(NamedTuple):
    """A signal at the n-th call of a point."""

    point: str
    nth: int
    signal: int = signal.SIGKILL


def arm(strike: Strike, tell: Callable[[str], None]) -> None:
    """Wrap the function of the point; `tell` is called right before the signal."""
    path, when = POINTS.get(strike.point, _MIGRATING)
    owner, name = place(path)
    calls = count(1)

    def hit() -> None:
        if next(calls) == strike.nth:
            tell(strike.point)
            os.kill(os.getpid(), strike.signal)

    setattr(owner, name, _wrapped(getattr(owner, name), when, hit))


def place(path: str) -> tuple[Any, str]:
    """Where `package.module:Class.name` stands: the class or the module, and the name."""
    owner, _, name = path.replace(":", ".").rpartition(".")
    return pkgutil.resolve_name(owner), name


def _wrapped(function: Any, when: When, hit: Callable[[], None]) -> Any:
    if when == "amid":
        return _amid(hit)
    if inspect.iscoroutinefunction(function):
        return _around(function, when, hit)

    @wraps(function)
    def struck(*args: Any, **kwargs: Any) -> Any:
        hit()
        return function(*args, **kwargs)

    return struck


def _around(function: Any, when: When, hit: Callable[[], None]) -> Any:
    @wraps(function)
    async def struck(*args: Any, **kwargs: Any) -> Any:
        if when == "before":
            hit()
        result = await function(*args, **kwargs)
        if when == "after":
            hit()
        return result

    return struck


def _amid(hit: Callable[[], None]) -> Any:
    async def struck(data: bytes) -> AsyncIterator[bytes]:
        """A COPY of which one half is on its way."""
        yield data[: len(data) // 2]
        hit()
        yield data[len(data) // 2 :]

    return struck
