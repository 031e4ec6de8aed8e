"""Which version of the data this process serves: known while it hears of every change, and else unknown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from hashlib import blake2b

from aiohttp import web

from kasparro import log
from kasparro.store import versions
from kasparro.store.pool import ERRORS, Connection, Pool, explain
from kasparro.store.versions import Version

_log = log.logger("api")
_CHECK = 5.0  # seconds between looks: a connection that went silent, or a pooler that swallows LISTEN, is found out
_AGAIN = 1.0  # seconds before a lost connection is sought again


class Versions:
    """`token` names the data of all sources as they are now; None while changes would not be heard."""

    def __init__(self, pool: Pool) -> None:
        self.token: str | None = None
        self._pool = pool
        self._moved = asyncio.Event()
        self._was_heard = False

    async def keep(self, _: web.Application) -> AsyncIterator[None]:
        """Listens as long as the application runs: a cleanup context."""
        task = asyncio.create_task(self._listen())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _listen(self) -> None:
        while True:
            try:
                async with versions.listening(self._pool, self._moved.set) as conn:
                    await self._follow(conn)
            except ERRORS as error:
                if self._was_heard:
                    _log.warning("nothing is kept: changes of the data are not heard", reason=explain(error))
                    self._was_heard = False
            await asyncio.sleep(_AGAIN)

    async def _follow(self, conn: Connection) -> None:
        """Keeps the token right until the connection fails."""
        try:
            while True:
                self._moved.clear()
                async with asyncio.timeout(_CHECK):
                    self.token = _token(await versions.current(conn))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._moved.wait(), _CHECK)
        finally:
            self._was_heard, self.token = self.token is not None, None


def _token(known: Sequence[Version]) -> str:
    text = ";".join(f"{source} {version} {changed_at.isoformat()}" for source, version, changed_at in known)
    return blake2b(text.encode(), digest_size=12).hexdigest()
