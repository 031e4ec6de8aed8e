"""The processes of one service: each tells its metrics at a socket of its own, and whoever is scraped tells them all.

Each series says whose it is, and none is added up: a process that starts again begins at zero, which Prometheus only
understands of a series of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from kasparro.metrics.text import merged

COLLECTOR = "ingestion"
"""The name of the process that does not serve."""
_PATIENCE = 1.0  # seconds for a process to tell its metrics


class Crew(NamedTuple):
    """One process that collects, and `workers` that serve. Their sockets are in `folder`, which only we may enter."""

    folder: Path
    workers: int

    @property
    def names(self) -> Sequence[str]:
        return [COLLECTOR, *(str(number) for number in range(1, self.workers + 1))]


class Siblings:
    """The crew as the process called `name` sees it, which tells what `render` gives."""

    def __init__(self, crew: Crew, name: str, render: Callable[[], bytes]) -> None:
        self._crew = crew
        self._name = name
        self._render = render

    @asynccontextmanager
    async def told(self) -> AsyncIterator[None]:
        """Meanwhile the others can ask this process."""
        async with await asyncio.start_unix_server(self._tell, self._socket(self._name)):
            yield

    async def metrics(self) -> bytes:
        """The metrics of all, and whether each answers."""
        others = [name for name in self._crew.names if name != self._name]
        answers = dict(zip(others, await asyncio.gather(*map(self._ask, others)), strict=True))
        answers[self._name] = self._render()
        return merged({name: answers[name] for name in self._crew.names})

    async def are_up(self) -> bool:
        """Whether all answer."""
        return all(await asyncio.gather(*map(self._ask, self._crew.names)))

    def _socket(self, name: str) -> Path:
        return self._crew.folder / name

    async def _tell(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):  # whoever asked has lost patience
            writer.write(self._render())
            await writer.drain()
        writer.close()

    async def _ask(self, name: str) -> bytes | None:
        """What a process tells; None where it does not, or breaks off."""
        try:
            async with asyncio.timeout(_PATIENCE):
                reader, writer = await asyncio.open_unix_connection(self._socket(name))
                try:
                    told = await reader.read()
                finally:
                    writer.close()
        except OSError:  # a time-out is one
            return None
        return told if told.endswith(b"\n") else None
