"""A whole service as a worker: it is asked over HTTP, watched in its database, and stopped in order."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from kasparro.background import Service
from kasparro.home import last_lines
from kasparro.ingest.scheduler import Schedule
from kasparro.selftest.ground import Ground, Market
from kasparro.selftest.patience import until
from kasparro.selftest.worker import Worker, working
from kasparro.store.pool import ERRORS
from kasparro.store.sql import statement

_SUCCESSES = statement("selftest_successes")
_HASTY: Mapping[str, Any] = {
    "kasparro.app.shop:Schedule": partial(Schedule, poll=0.05),
    "kasparro.ingest.waits:FIRST_RETRY": 0.1,
}
"""What a schedule waits for, in seconds, cut short: a trial need not last minutes."""


@dataclass(slots=True)
class Running:
    """A service that runs."""

    ground: Ground
    worker: Worker
    http: Service

    async def until(self, what: str, holds: Callable[[], Awaitable[bool] | bool]) -> None:
        """Wait until it holds; raises RuntimeError where the service ends instead."""
        await until(f"{what}, or the service ends", lambda: not self.worker.is_alive or holds())
        if not self.worker.is_alive:
            raise RuntimeError(f"the service has ended instead: {what}\n{last_lines(self.ground.log, 5)}")

    async def has_run(self, runs: Mapping[str, int], since: Mapping[str, int] | None = None) -> None:
        """Wait until each of these sources has had so many good runs, after those of `since`."""

        async def has() -> bool:
            found = await successes(self.ground)
            return all(found[source] - (since or {}).get(source, 0) >= more for source, more in runs.items())

        await self.until(f"good runs {dict(runs)}", has)

    async def get(self, path: str) -> tuple[int, bytes]:
        """Status and body; 0 where nobody answers."""
        with suppress(OSError):
            return await asyncio.to_thread(self.http.get, path)
        return 0, b""

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.worker.send(signal.SIGTERM)
        return await self.worker.ended()


async def successes(ground: Ground) -> Counter[str]:
    """How many good runs each source has had; none where the database cannot be asked."""
    with suppress(*ERRORS):
        return Counter({row["source"]: row["runs"] for row in await ground.fetch(_SUCCESSES)})
    return Counter()


@asynccontextmanager
async def serving(
    market: Market, *, interval: float = 1.0, constants: Mapping[str, Any] | None = None, **environ: str
) -> AsyncIterator[Running]:
    """A service on this market, listening on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    hasty = {**_HASTY, **(constants or {})}
    environ |= {"API_PORT": str(port)}
    async with working(market.job("serve", constants=hasty, interval=interval, environ=environ)) as worker:
        yield Running(market.ground, worker, Service(None, "127.0.0.1", port))
