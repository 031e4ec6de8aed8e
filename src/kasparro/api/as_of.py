"""`as_of`: what Kasparro knew at a moment, whatever it has learnt since."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import NamedTuple

from aiohttp import web

from kasparro.api.keys import MARKET, POOLS
from kasparro.api.problems import Problem, Wrong
from kasparro.store import knowledge
from kasparro.store import reading as primary
from kasparro.store.pool import Connection

_FOREVER = {"Cache-Control": "private, max-age=86400, immutable"}
"""A day: retention may take the moment away, and nothing else changes the answer."""


class AsOf(NamedTuple):
    """The moment that an answer is of; None is now. What was known at one that `is_final` is told the same for ever."""

    moment: datetime | None = None
    is_final: bool = True

    @property
    def told(self) -> dict[str, object]:
        """What the answer says of it: nothing, where nobody asked."""
        return {} if self.moment is None else {"as_of": self.moment, "is_final": self.is_final}

    @property
    def headers(self) -> Mapping[str, str]:
        return _FOREVER if self.moment and self.is_final else {}


PRESENT = AsOf()


def reading(
    request: web.Request, moment: datetime | None, *, held: float | None = None
) -> AbstractAsyncContextManager[Connection]:
    """A connection to ask on. Of the past only the primary can tell: it knows who is still writing."""
    if moment is None:
        return request.app[MARKET].reading(held=held)
    return primary.reading(request.app[POOLS].market, held=held)


async def knowable(conn: Connection, moment: datetime | None) -> AsOf:
    """The moment, if what was known then can be told; else raises Problem. To be asked before anything is read."""
    if moment is None:
        return PRESENT
    since, now, is_final = await knowledge.bounds(conn, moment)
    if moment > now:
        raise _refused(f"is yet to come: it is {now.isoformat()}")
    if moment < since:
        raise _refused(f"is too early: what was known is told from {since.isoformat()} on")
    return AsOf(moment, is_final)


def _refused(detail: str) -> Problem:
    return Problem(400, f"as_of: {detail}", wrong=[Wrong("as_of", "query", detail)])
