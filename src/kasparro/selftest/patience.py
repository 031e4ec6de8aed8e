"""Waiting that ends: who waits in vain says for what."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable

LONGEST = 60.0  # seconds
_POLL = 0.01  # seconds between looks


async def until(what: str, holds: Callable[[], Awaitable[bool] | bool]) -> None:
    """Wait until it holds; raises TimeoutError that names `what`."""
    try:
        async with asyncio.timeout(LONGEST):
            while True:
                answer = holds()
                if await answer if isawaitable(answer) else answer:
                    return
                await asyncio.sleep(_POLL)
    except TimeoutError:
        raise TimeoutError(f"waited {LONGEST:g} s in vain: {what}") from None
