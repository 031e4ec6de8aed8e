"""All clients at once, each kind at its own work until the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from time import monotonic

import aiohttp

from . import rude, visits
from .tally import Tally
from .visits import Visitor

_PAUSE = 0.05  # seconds between two visits of a client, at most
_PATIENCE = 30.0  # seconds for one answer
_CROWD: Mapping[Callable[[Visitor], Awaitable[None]], int] = {
    visits.kept: 4,
    visits.anew: 4,
    visits.walk: 2,
    visits.assets: 2,
    visits.coin: 2,
    visits.overview: 2,
    visits.export: 2,
    visits.mistake: 1,
    visits.order: 1,
    rude.slow: 3,
    rude.vanishing: 3,
    rude.half_said: 3,
    rude.half_open: 1,
    rude.following: 4,
}
"""What is done -> by how many."""


async def visit(url: str, seconds: float, seed: int, tally: Tally) -> None:
    """Every client visits again and again; what each chooses is decided by the seed."""
    end = monotonic() + seconds
    timeout, connector = aiohttp.ClientTimeout(total=_PATIENCE), aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http, asyncio.TaskGroup() as group:
        for kind, clients in _CROWD.items():
            for number in range(clients):
                name = kind.__name__
                visitor = Visitor(name, url, http, Random(f"{seed} {name} {number}"), tally)  # noqa: S311 - no secret
                group.create_task(_again(kind, visitor, end))


async def _again(kind: Callable[[Visitor], Awaitable[None]], visitor: Visitor, end: float) -> None:
    while monotonic() < end:
        with visitor.tally.visit(visitor.kind):
            await kind(visitor)
        await asyncio.sleep(visitor.random.uniform(0, _PAUSE))
