"""Serving: the signals that end it, the socket it listens on, and the site itself."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

from aiohttp import web

from kasparro import api
from kasparro.api.siblings import Crew
from kasparro.api.site import site
from kasparro.errors import ConfigurationError
from kasparro.log import logger
from kasparro.metrics import Metrics
from kasparro.settings import Settings, revealed
from kasparro.store.pool import api_pools

_DRAIN = 0.5  # seconds between saying that we stop and stopping

Leave = Callable[[], Awaitable[None]]
"""Says that the service is about to end."""

log = logger("app")


def stop_on_signals() -> None:
    """The first SIGTERM or SIGINT ends the service in order; a second one ends it as the system does."""
    loop, main = asyncio.get_running_loop(), asyncio.current_task()
    assert main  # noqa: S101 - we are inside it

    def stop() -> None:
        log.info("stopping")
        main.cancel()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


def listen(settings: Settings) -> socket.socket:
    """The listening socket, taken before anything is started; for several workers, only the address is taken."""
    host, port = settings.api_host, settings.api_port
    try:
        taken = socket.create_server((host, port), family=_family(settings))
        return taken if settings.api_workers == 1 else _reserved(taken)
    except socket.gaierror:
        raise ConfigurationError(f"API_HOST: {host!r} is no address of this machine") from None
    except OSError as error:
        raise ConfigurationError(
            f"API_PORT: cannot listen on {host}:{port}: {error.strerror}; set API_HOST or API_PORT to others"
        ) from None


def shared(settings: Settings) -> socket.socket:
    """A listening socket beside those of other workers: the kernel deals the connections out among them."""
    address = settings.api_host, settings.api_port
    return socket.create_server(address, family=_family(settings), reuse_port=True)


def _family(settings: Settings) -> socket.AddressFamily:
    return socket.getaddrinfo(settings.api_host, settings.api_port, type=socket.SOCK_STREAM)[0][0]


def _reserved(taken: socket.socket) -> socket.socket:
    """The address of `taken`, which nobody had: workers of ours may share it, and no connection comes here."""
    reserved = socket.socket(taken.family, taken.type)
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        reserved.setsockopt(socket.SOL_SOCKET, option, 1)
    if taken.family == socket.AF_INET6:
        reserved.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    address = taken.getsockname()
    taken.close()
    reserved.bind(address)
    return reserved


@asynccontextmanager
async def serving(
    settings: Settings, dsn: str, listening: socket.socket, metrics: Metrics, place: tuple[Crew, str] | None = None
) -> AsyncIterator[Leave]:
    """Serve in this process, at its `place` among several; gives what is to be called before the end."""
    async with api_pools(dsn, revealed(settings.database_read_url)) as pools:
        application = api.create_app(pools=pools, metrics=metrics, settings=settings, place=place)
        async with site(application, listening):
            yield partial(_drain, application)


async def _drain(application: web.Application) -> None:
    """Say that we are about to stop, for long enough that a balancer may hear it."""
    api.drain(application)
    await asyncio.sleep(_DRAIN)
