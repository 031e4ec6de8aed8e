"""One that follows events, and what it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from typing import NamedTuple

from kasparro.store.events import EndedRun

_QUEUE = 256  # events that a follower may be behind


class Event(NamedTuple):
    """`data` is JSON on one line. Only an event with an id moves the Last-Event-ID of whoever receives it."""

    kind: str
    source: str | None
    data: bytes
    id: str | None = None

    def frame(self) -> bytes:
        """As it is sent."""
        head = f"event: {self.kind}\n" + (f"id: {self.id}\n" if self.id else "")
        return b"%sdata: %s\n\n" % (head.encode(), self.data)


def run_event(run: EndedRun) -> Event:
    """Its id is when it ended, in microseconds, and the run."""
    moment = int(run.finished_at.timestamp() * 1_000_000)
    return Event("run", run.source, run.told.encode(), f"{moment}-{run.run_id}")


class Follower:
    """A client that follows some sources, or all. One that falls behind by a whole queue is cut: its connection is
    closed at once, so that it notices that it has missed something."""

    def __init__(self, client: str, sources: Collection[str] | None, transport: asyncio.BaseTransport | None) -> None:
        self.client = client
        self.told: set[str | None] = set()
        """Ids of the events that it has got in another way."""
        self._sources = sources
        self._transport = transport
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(_QUEUE)

    def wants(self, event: Event) -> bool:
        """Whether it is about a source that is followed; what is about none is for everybody."""
        return self._sources is None or event.source is None or event.source in self._sources

    def offer(self, event: Event) -> None:
        """Puts the event into the queue, if it is wanted."""
        if self.wants(event):
            self._put(event)

    def end(self) -> None:
        """No event comes any more."""
        self._put(None)

    def cut(self) -> None:
        """Close the connection at once."""
        if isinstance(self._transport, asyncio.WriteTransport):
            self._transport.abort()

    async def frames(self, beat: float) -> AsyncIterator[bytes]:
        """What is to be sent: events as they come, and a comment after every `beat` seconds without one."""
        while True:
            try:
                async with asyncio.timeout(beat):
                    event = await self._queue.get()
            except TimeoutError:
                yield b":\n\n"
                continue
            if event is None:
                return
            if event.id not in self.told:
                yield event.frame()

    def _put(self, event: Event | None) -> None:
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self.cut()
