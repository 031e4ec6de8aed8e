"""What a played vendor can do: answer with its own headers, and refuse in its own words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from typing import Any, ClassVar

from aiohttp import web

from kasparro.sandbox import wire
from kasparro.sandbox.market import Market, VendorName


class Vendor(ABC):
    """One vendor's API over the market. Its routes stand below `prefix`."""

    name: ClassVar[VendorName]
    prefix: ClassVar[str]
    tells_retry_after: ClassVar[bool]
    """Whether a 429 of this vendor says how long to wait."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.calls_made = 0
        self._answers: dict[Hashable, bytes] = {}
        self._answered_at = market.version

    @abstractmethod
    def routes(self) -> list[web.RouteDef]:
        """The endpoints, below the prefix."""

    @abstractmethod
    def admit(self, request: web.Request) -> web.Response | None:
        """The refusal of the key that came with the request; None where the key is good, or there is none."""

    @abstractmethod
    def reply(self, body: bytes) -> web.Response:
        """A 200 with JSON."""

    @abstractmethod
    def refuse(self, status: int, message: str) -> web.Response:
        """An error of this status, in the vendor's shape."""

    @abstractmethod
    def unauthorized(self) -> web.Response:
        """The key is not known."""

    @abstractmethod
    def payment_required(self) -> web.Response:
        """The plan does not include this."""

    @abstractmethod
    def rate_limited(self) -> web.Response:
        """Too many requests."""

    def not_found(self) -> web.Response:
        """There is no such endpoint."""
        return self.refuse(404, "not found")

    def json(self, value: Any) -> web.Response:
        return self.reply(wire.dumps(value))

    def once_a_tick(self, key: Hashable, make: Callable[[], Any]) -> web.Response:
        """A 200 with what `make` returns, made once for `key` until the market moves."""
        if self._answered_at != self.market.version:
            self._answers.clear()
            self._answered_at = self.market.version
        if key not in self._answers:
            self._answers[key] = wire.dumps(make())
        return self.reply(self._answers[key])
