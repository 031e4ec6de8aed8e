"""One request on its way through the sandbox, and what a fault is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import cast

from aiohttp import web

from kasparro.sandbox.vendor import Vendor


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, whom it is for, and `honest`, which asks the vendor for its true answer.

    `earlier` is the true answer that the same request got the last time; None where it is the first.
    """

    request: web.Request
    vendor: Vendor
    honest: Callable[[], Awaitable[web.Response]]
    earlier: bytes | None = None

    async def body(self) -> bytes:
        """The body of the true answer."""
        return cast(bytes, (await self.honest()).body)

    async def begin(self, *, length: int | None = None, headers: Mapping[str, str] | None = None) -> web.StreamResponse:
        """A 200 whose headers are sent; the body is the caller's to write."""
        response = web.StreamResponse(headers={"Content-Type": "application/json; charset=utf-8", **(headers or {})})
        response.content_length = length
        await response.prepare(self.request)
        return response


class Fault(ABC):
    """One way to fail."""

    @abstractmethod
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        """The answer to send; a fault that streams returns the response it has sent."""
