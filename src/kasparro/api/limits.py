"""How often one client may ask. It is told with every answer, so that nobody has to run into it."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from time import monotonic

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from kasparro.api.keys import PROXIES, TOLD
from kasparro.api.problems import Problem
from kasparro.settings import Rate

CLIENTS = 20_000
"""Clients that are remembered; the least active are forgotten first, and with them what they have used."""
_FREE = frozenset({"/health", "/health/live", "/health/ready", "/metrics"})

Network = IPv4Network | IPv6Network


class Limiter:
    """Requests of each client, as a leak: a whole `rate` at once after a rest, and its pace from then on."""

    def __init__(self, rate: Rate, now: Callable[[], float] = monotonic) -> None:
        self.rate = rate
        self._step = rate.seconds / rate.requests
        self._now = now
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, client: str) -> tuple[int, float]:
        """How many requests are left after this one, and seconds until all are; -1 and until the next, if none was."""
        now = self._now()
        full_at = max(self._full_at.get(client, now), now)
        used = full_at + self._step - now
        if used > self.rate.seconds + 1e-9:
            return -1, used - self.rate.seconds
        self._full_at[client] = full_at + self._step
        self._full_at.move_to_end(client)
        if len(self._full_at) > CLIENTS:
            self._full_at.popitem(last=False)
        return int((self.rate.seconds - used) / self._step + 1e-9), used


def limit(limiter: Limiter) -> Middleware:
    """A middleware that answers 429 to who asks too often. Probes are free."""
    policy = f'"client";q={limiter.rate.requests};w={math.ceil(limiter.rate.seconds)}'

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        if resource and resource.canonical in _FREE:
            return await handler(request)
        left, seconds = limiter.take(subscriber(request))
        told = {"RateLimit-Policy": policy, "RateLimit": f'"client";r={max(left, 0)};t={math.ceil(seconds)}'}
        if left < 0:
            after = {"Retry-After": str(math.ceil(seconds))}
            raise Problem(
                429,
                f"at most {limiter.rate.requests} requests in {limiter.rate.seconds:g} seconds; wait before the next",
                headers=told | after,
            )
        request[TOLD] = told
        return await handler(request)

    return middleware


async def tell_limit(request: web.Request, response: web.StreamResponse) -> None:
    """A signal for every answer: what is left."""
    response.headers.update(request.get(TOLD, {}))


def subscriber(request: web.Request) -> str:
    """Whom to count: an address, or for IPv6 the network of it, of which whoever has one has all the addresses."""
    return network(client(request, request.app[PROXIES]))


@lru_cache(maxsize=4096)
def network(address: str) -> str:
    """The address as it is counted."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or IPv6Network((found, 64), strict=False))


def client(request: web.Request, proxies: Sequence[Network]) -> str:
    """Who asks: the peer; where that is a proxy that we trust, whom it says that it speaks for."""
    address = request.remote or ""
    told = ",".join(request.headers.getall("X-Forwarded-For", ()))  # some proxies add a line, behind that of the client
    for hop in reversed(told.split(",")) if proxies else ():
        if not (hop.strip() and _is_in(address, proxies)):
            break
        address = hop.strip()
    return address


def _is_in(address: str, networks: Sequence[Network]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks if network.version == found.version)
