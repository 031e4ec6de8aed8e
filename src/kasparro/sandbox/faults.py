"""What can go wrong with an upstream, on demand: a fault answers in place of the vendor, or after asking it.

Give one to `Sandbox.fail`, or name its class to `POST /control/faults`.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from aiohttp import web

from kasparro.sandbox import tampering, wire
from kasparro.sandbox.exchange import Exchange, Fault

_PAGE = "<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head></html>"
_MEGABYTE = b" " * 1_000_000


@dataclass(frozen=True)
class Honest(Fault):
    """The true answer: what a plan holds where nothing is to go wrong."""

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        return await exchange.honest()


@dataclass(frozen=True)
class Latency(Fault):
    """The true answer, late."""

    seconds: float

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        await asyncio.sleep(self.seconds)
        return await exchange.honest()


@dataclass(frozen=True)
class RateLimited(Fault):
    """429, with `Retry-After` if given, in the vendor's words or as the page of the network before it."""

    retry_after: float | str | None = None
    html: bool = False

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        response = _html(429) if self.html else exchange.vendor.rate_limited()
        if self.retry_after is not None:
            response.headers["Retry-After"] = str(self.retry_after)
        return response


@dataclass(frozen=True)
class ServerError(Fault):
    """5xx, or any other status, in the vendor's shape."""

    status: int = 503

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        return exchange.vendor.refuse(self.status, "internal server error")


@dataclass(frozen=True)
class Unauthorized(Fault):
    """The key is not known."""

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        return exchange.vendor.unauthorized()


@dataclass(frozen=True)
class PaymentRequired(Fault):
    """The plan does not include the call."""

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        return exchange.vendor.payment_required()


@dataclass(frozen=True)
class Envelope(Fault):
    """The vendor's 429, delivered with status 200."""

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        response = exchange.vendor.rate_limited()
        response.set_status(200)
        return response


@dataclass(frozen=True)
class Html(Fault):
    """A page for people, with status 200."""

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        return _html(200)


@dataclass(frozen=True)
class Empty(Fault):
    """200 and `[]`."""

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        return exchange.vendor.json([])


@dataclass(frozen=True)
class Redirect(Fault):
    """Go elsewhere."""

    to: str
    status: int = 302

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        return web.Response(status=self.status, headers={"Location": self.to})


@dataclass(frozen=True)
class Literal(Fault):
    """Exactly this."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    body: bytes | str = b""

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        body = self.body.encode() if isinstance(self.body, str) else self.body
        return web.Response(status=self.status, headers=self.headers, body=body)


@dataclass(frozen=True)
class Truncated(Fault):
    """`Content-Length` promises the whole body; the connection is closed after a `part` of it."""

    part: float = 0.5

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        body = await exchange.body()
        response = await exchange.begin(length=len(body))
        response.force_close()
        await response.write(body[: int(len(body) * self.part)])
        return response


@dataclass(frozen=True)
class Reset(Fault):
    """The connection is reset after a `part` of the body."""

    part: float = 0.5

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        body = await exchange.body()
        response = await exchange.begin(length=len(body))
        await response.write(body[: int(len(body) * self.part)])
        if exchange.request.transport is not None:
            exchange.request.transport.abort()
        return response


@dataclass(frozen=True)
class SlowDrip(Fault):
    """The true body, `size` bytes at a time with `pause` seconds between."""

    pause: float = 0.1
    size: int = 1024

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        body = await exchange.body()
        response = await exchange.begin(length=len(body))
        for at in range(0, len(body), self.size):
            await response.write(body[at : at + self.size])
            await asyncio.sleep(self.pause)
        return response


@dataclass(frozen=True)
class GzipBomb(Fault):
    """A small gzip body that unpacks to an empty list of `megabytes` of blanks."""

    megabytes: int = 100

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        response = await exchange.begin(headers={"Content-Encoding": "gzip"})
        gzip = zlib.compressobj(wbits=31)
        await response.write(gzip.compress(b"["))
        for _ in range(self.megabytes):
            await response.write(gzip.compress(_MEGABYTE))
        await response.write(gzip.compress(b"]") + gzip.flush())
        return response


@dataclass(frozen=True)
class Drift(Fault):
    """Every record in a new shape. Keys are dotted paths; `types` tells JSON types, `rename` bare names."""

    rename: Mapping[str, str] = field(default_factory=dict)
    drop: Collection[str] = ()
    add: Mapping[str, Any] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        return await _reshaped(exchange, self._reshape)

    def _reshape(self, record: tampering.Record) -> None:
        for path, kind in self.types.items():
            tampering.retyped(record, path, kind)
        for path in self.drop:
            tampering.dropped(record, path)
        for path, added in self.add.items():
            tampering.put(record, path, added)
        for old, new in self.rename.items():
            tampering.renamed(record, old, new)


@dataclass(frozen=True)
class Flip(Fault):
    """The other variant of CoinGecko's records, which its keyless API began to flip to on 2026-07-23."""

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        return await _reshaped(exchange, tampering.flipped)


@dataclass(frozen=True)
class Poison(Fault):
    """Malformed records in place of those at `positions` or of each `every`-th, `kinds` taking turns."""

    every: int = 0
    positions: Collection[int] = ()
    kinds: Sequence[str] = tuple(tampering.POISONS)

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        records = wire.loads(await exchange.body())
        first = dict(records[0]) if records else {}
        spoiled = [
            at
            for at in range(len(records))
            if at in self.positions or (self.every and at % self.every == self.every - 1)
        ]
        for turn, at in enumerate(spoiled):
            kind = self.kinds[turn % len(self.kinds)]
            records[at] = tampering.POISONS[kind](exchange.vendor.name, records[at], first)
        return exchange.vendor.json(records)


@dataclass(frozen=True)
class Repeated(Fault):
    """The first `records` of the page come again at its end, as when ranks move while somebody pages."""

    records: int = 5

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        records = wire.loads(await exchange.body())
        return exchange.vendor.json(records + records[: self.records])


@dataclass(frozen=True)
class Shuffled(Fault):
    """The records of the page in another order, decided by `seed`."""

    seed: int = 7

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        records = wire.loads(await exchange.body())
        Random(self.seed).shuffle(records)  # noqa: S311 - nothing here is secret
        return exchange.vendor.json(records)


@dataclass(frozen=True)
class Stale(Fault):
    """What the same request was answered the last time: a cache that lags behind."""

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        return await exchange.honest() if exchange.earlier is None else exchange.vendor.reply(exchange.earlier)


BY_NAME: Mapping[str, type[Fault]] = {kind.__name__: kind for kind in Fault.__subclasses__()}


async def _reshaped(exchange: Exchange, reshape: Callable[[tampering.Record], None]) -> web.Response:
    """The true answer, each of its records reshaped."""
    value = wire.loads(await exchange.body())
    for record in value if isinstance(value, list) else [value]:
        reshape(record)
    return exchange.vendor.json(value)


def _html(status: int) -> web.Response:
    return web.Response(status=status, text=_PAGE, content_type="text/html", charset="UTF-8")
