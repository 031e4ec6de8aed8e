"""The only way out to the network: one request at a time for a source, throttled, paid for, judged, retried.

send = throttle -> reserve a credit -> GET -> verdict
     -> data | Fatal | (Transient: wait with full jitter, or as the vendor asks; again)
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp
from aiolimiter import AsyncLimiter

from kasparro import __version__
from kasparro.domain import Request, Response
from kasparro.errors import Malformed, SourceError, Timeout, Transient, Unavailable
from kasparro.ingest.quota import Allowance
from kasparro.ingest.verdict import verdict
from kasparro.log import logger
from kasparro.metrics import Metrics
from kasparro.settings import Rate
from kasparro.store.runs import Traffic

ATTEMPTS = 4
PATIENCE = 10.0  # seconds: a longer Retry-After ends the run and is kept, across a restart too
LARGEST = 128 * 2**20  # bytes of a body, decompressed; 20,000 tickers of CoinPaprika are 15 MB
_BASE, _CAP = 1.0, 15.0  # seconds of back-off: doubled each time, at most the cap
_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=10, sock_read=20)
_HEADERS = {
    "User-Agent": f"kasparro/{__version__}",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",  # whatever else is installed
}

log = logger("transport")


@asynccontextmanager
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """The session that all sources share. Vendors set cookies that would tie us to one edge node: it keeps none."""
    async with aiohttp.ClientSession(
        headers=_HEADERS, timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar(), raise_for_status=False
    ) as shared:
        yield shared


def limiter(rate: Rate) -> AsyncLimiter:
    """At most `rate.requests` in ANY window of `rate.seconds`: half of them may come at once, the rest drip in.

    A leaky bucket of n would let 2n through the first window: its n at once, and n more as it leaks.
    """
    burst = max(1, rate.requests // 2)
    steady = max(1, rate.requests - burst)
    return AsyncLimiter(burst, rate.seconds * burst / steady)


@dataclass(slots=True)
class Transport:
    """Sends the requests of one source, and counts them into `traffic`."""

    source: str
    base_url: str
    session: aiohttp.ClientSession
    limiter: AsyncLimiter
    metrics: Metrics
    traffic: Traffic = field(default_factory=Traffic)
    allowance: Allowance | None = None

    async def send(self, request: Request) -> Response:
        """The answer to a request; raises Fatal, or the last Transient when patience is at an end."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._send_once(request)
            except Transient as error:
                pause = _pause(error, attempt)
                if pause is None:
                    raise
                log.warning("request failed, trying again", error=str(error), attempt=attempt, seconds=round(pause, 1))
                self.traffic.retries += 1
                self.traffic.backed_off += pause
                await self.wait(pause)
        raise AssertionError("the last attempt returns or raises")

    async def _send_once(self, request: Request) -> Response:
        before = time.monotonic()
        await self.limiter.acquire()
        self._waited(time.monotonic() - before)
        if self.allowance:
            await self.allowance.reserve()
        self.traffic.requests += 1
        try:
            response = await self._get(request)
            if error := verdict(self.source, response, has_key=bool(request.headers)):
                raise error
        except SourceError as error:
            error.reason = _without_secrets(error.reason, request)
            self.metrics.request_made(self.source, _outcome(error))
            if self.allowance:
                await self.allowance.settle(error)
            raise
        self.metrics.request_made(self.source, "ok")
        return response

    async def _get(self, request: Request) -> Response:
        url = self.base_url + request.path
        try:
            async with self.session.get(
                url, params=dict(request.query), headers=dict(request.headers), allow_redirects=False
            ) as answer:
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return Response(answer.status, headers, await self._body(answer), str(answer.url), datetime.now(UTC))
        except TimeoutError:
            raise Timeout(self.source, f"no answer within the time-out from {self.base_url}") from None
        except aiohttp.ClientPayloadError:
            raise Unavailable(self.source, "the answer breaks off") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(self.source, f"cannot reach {self.base_url} ({_cause(error)})") from None

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in answer.content.iter_chunked(1 << 16):
            body += chunk
            if len(body) > LARGEST:
                answer.close()
                raise Malformed(self.source, f"the body is larger than {LARGEST >> 20} MiB")
        return bytes(body)

    async def wait(self, seconds: float) -> None:
        """Rest, and count the rest."""
        self._waited(seconds)
        await asyncio.sleep(seconds)

    def _waited(self, seconds: float) -> None:
        self.traffic.waited += seconds
        self.metrics.throttled(self.source, seconds)


def _pause(error: Transient, attempt: int) -> float | None:
    """Seconds to wait before the next attempt; None when there is to be none."""
    if attempt == ATTEMPTS or (error.retry_after or 0) > PATIENCE:
        return None
    if error.retry_after is not None:
        return error.retry_after
    return random.uniform(0, min(_CAP, _BASE * 2**attempt))  # noqa: S311 - jitter needs no secrecy


def _without_secrets(reason: str, request: Request) -> str:
    """The reason without the values of our headers: a vendor may repeat the key that it does not like."""
    for value in request.headers.values():
        reason = reason.replace(value, "***").replace(value.rpartition(" ")[2], "***")
    return reason


def _outcome(error: SourceError) -> str:
    """The metric's label: RateLimited -> rate_limited."""
    name = type(error).__name__
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def _cause(error: Exception) -> str:
    """What the operating system says, without the address that is in the message already."""
    match getattr(error, "os_error", None) or error:
        case socket.gaierror() as inner:
            return str(inner.strerror)
        case OSError(errno=int() as number):
            return os.strerror(number)
        case inner:
            return type(inner).__name__
