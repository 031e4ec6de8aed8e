"""Bodies that were made for a version of the data, within a bound of bytes; made once for all who ask together."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

from kasparro.api.accept import CODINGS, Coding
from kasparro.api.compression import Packed, pack

if TYPE_CHECKING:
    from kasparro.api.swift import Head

ROOM = 64 * 1024 * 1024
"""Bytes of all bodies together."""
_ENTRY = 12 * 1024  # bytes that an entry takes beside its text, with its heads in every encoding, generously


class Face(NamedTuple):
    """A body in an encoding: its ETag, and what stands before it, or in its place where the client has it."""

    etag: str | None
    whole: Head
    unchanged: Head


class Body:
    """A JSON object without its end, or a whole text, and the headers that belong to it."""

    def __init__(self, beginning: bytes, headers: dict[str, str], *, lasts: bool = True) -> None:
        self.beginning = beginning
        self.headers = headers
        self.lasts = lasts
        """False where the same data would make another body a second later."""
        self.is_whole = False
        """Whether nothing is added to its end."""
        self.faces: dict[tuple[Coding | None, Coding | None], Face] = {}
        """By the coding that the client likes best, and the one in which it is sent."""
        self._packed: dict[Coding, Packed] = {}

    def packed(self, coding: Coding) -> Packed:
        """The body packed; kept, however often it is asked for."""
        if coding not in self._packed:
            self._packed[coding] = pack(self.beginning, coding)
        return self._packed[coding]

    @property
    def size(self) -> int:
        """With each packed form and its head, made yet or not: none is larger by more than a little."""
        return (1 + len(CODINGS)) * (len(self.beginning) + sum(map(len, self.headers.values()))) + _ENTRY


class Cache:
    """The bodies of one version of the data at a time, by the address asked for; the least used go first."""

    def __init__(self, room: int = ROOM) -> None:
        self.size = 0
        self._room = room
        self._version: str | None = None
        self._kept: OrderedDict[str, Body] = OrderedDict()
        self._making: dict[tuple[str, str], asyncio.Task[Body]] = {}

    def find(self, version: str, address: str) -> Body | None:
        """The body of an address in this version, if it is kept."""
        if version != self._version:
            self._kept.clear()
            self.size = 0
            self._version = version
            return None
        if (body := self._kept.get(address)) is not None:
            self._kept.move_to_end(address)
        return body

    async def make(self, version: str, address: str, maker: Callable[[], Awaitable[Body]]) -> Body:
        """The body that `maker` makes; only one is at work for an address and a version."""
        key = version, address
        task = self._making.get(key)
        if task is None:
            task = self._making[key] = asyncio.ensure_future(self._made(version, address, maker))
            task.add_done_callback(lambda _: self._making.pop(key))
        return await asyncio.shield(task)

    async def _made(self, version: str, address: str, maker: Callable[[], Awaitable[Body]]) -> Body:
        body = await maker()
        size = len(address) + body.size
        if body.lasts and version == self._version and size <= self._room // 8:
            self._kept[address] = body
            self.size += size
            while self.size > self._room:
                forgotten, gone = self._kept.popitem(last=False)
                self.size -= len(forgotten) + gone.size
        return body
