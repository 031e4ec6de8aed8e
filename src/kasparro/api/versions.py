"""Which version of the data this process serves: known while it hears of every change, and else unknown.

One connection of the process listens, for the cache and for those who follow events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import blake2b
from time import monotonic

from kasparro import log
from kasparro.store import notices, versions
from kasparro.store.pool import ERRORS, Connection, Pool, explain
from kasparro.store.versions import Version

_log = log.logger("api")
_CHECK = 5.0  # seconds between looks: a connection that went silent, or a pooler that swallows LISTEN, is found out
_AGAIN = 1.0  # seconds before a lost connection is sought again
_LONG = 15.0  # seconds after which no request is left that began before the connection was lost
_NOTHING = ("",)  # before every version of a source


class Versions:
    """`token` names the data of all sources as they are now; None while changes would not be heard.

    `wake` is called after every look, when the token is right, and when there is no looking.
    """

    def __init__(self, pool: Pool, wake: Callable[[], None]) -> None:
        self.token: str | None = None
        self._known: Sequence[Version] = ()
        self._lost_at = float("-inf")
        self._pool = pool
        self._wake = wake
        self._heard = asyncio.Event()
        self._was_heard = False

    def is_ahead_of(self, others: Sequence[Version]) -> bool:
        """Whether a database with these versions lacks something that the token stands for, or did until lately."""
        if self.token is None and monotonic() > self._lost_at + _LONG:
            return False
        theirs = {version.source: version for version in others}
        return any(version > theirs.get(version.source, _NOTHING) for version in self._known)

    async def keep(self) -> None:
        """Listens, for ever."""
        while True:
            try:
                async with notices.listening(self._pool, self._heard.set) as conn:
                    await self._follow(conn)
            except ERRORS as error:
                if self._was_heard:
                    _log.warning("nothing is kept: changes of the data are not heard", reason=explain(error))
                    self._was_heard = False
            except Exception:  # the one place that keeps the listener alive whatever happens
                _log.exception("the listener broke")
            self._wake()
            await asyncio.sleep(_AGAIN)

    async def _follow(self, conn: Connection) -> None:
        """Keeps the token right until the connection fails."""
        try:
            while True:
                self._heard.clear()
                async with asyncio.timeout(_CHECK):
                    self._known = await versions.current(conn)
                self.token = _token(self._known)
                self._wake()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._heard.wait(), _CHECK)
        finally:
            self._was_heard, self.token, self._lost_at = self.token is not None, None, monotonic()


def _token(known: Sequence[Version]) -> str:
    text = ";".join(f"{source} {version} {changed_at.isoformat()}" for source, version, changed_at in known)
    return blake2b(text.encode(), digest_size=12).hexdigest()
