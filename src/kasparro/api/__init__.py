"""The HTTP API. It reads PostgreSQL and never talks to ingestion."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from aiohttp import web

from kasparro.api.access import guard, known
from kasparro.api.cache import Cache
from kasparro.api.compression import compress
from kasparro.api.cors import cors, tell_origin
from kasparro.api.exports import AT_ONCE
from kasparro.api.feed import Feed
from kasparro.api.keys import (
    ADMIN_KEY,
    CACHE,
    CUTS,
    EXPORTS,
    FEED,
    IS_PLAIN,
    MARKET,
    METRICS,
    METRICS_TOKEN,
    OPENAPI,
    POOL,
    POOLS,
    PROXIES,
    READ_KEYS,
    READINESS,
    SIBLINGS,
    SOURCES,
    STANDING,
    VERSIONS,
    WORKERS,
)
from kasparro.api.limits import Limiter, limit, tell_limit
from kasparro.api.market import Market
from kasparro.api.middleware import dress, explain, observe
from kasparro.api.openapi import PydanticApiSpec
from kasparro.api.readiness import Readiness
from kasparro.api.routes import ROUTES
from kasparro.api.scrape import rendered
from kasparro.api.siblings import Crew, Siblings
from kasparro.api.standing import Standing
from kasparro.api.versioned import recall, spare
from kasparro.api.versions import Versions
from kasparro.metrics import Metrics
from kasparro.settings import Settings, SourceOptions
from kasparro.store.pool import Pools

_CUTS = 2  # a page may have tens of megabytes
_LARGEST = 64 * 1024  # bytes of a request's body; the largest that a route takes is a tenth of it


def create_app(
    *, pools: Pools, metrics: Metrics, settings: Settings, place: tuple[Crew, str] | None = None
) -> web.Application:
    """The application. `pools` are open, and their database may be out of reach.

    `place` is the crew of which this process is one, and its name there.
    """
    doors = _doors(settings)
    app = web.Application(middlewares=[observe, compress, spare, explain, *doors, recall], client_max_size=_LARGEST)
    app.on_response_prepare.append(dress)
    _tell_clients(app, settings)
    app[POOLS], app[POOL] = pools, pools.desk
    app[METRICS] = metrics
    app[STANDING] = Standing(pools.watch)
    app[READINESS] = Readiness(pools.watch, *([pools.standby] if pools.standby else []))
    app[FEED] = Feed(pools.watch)
    app.on_shutdown.append(_end_streams)
    app[VERSIONS] = Versions(pools.watch, app[FEED].wake)
    app[MARKET] = Market(pools, app[VERSIONS], metrics)
    app[CACHE] = Cache()
    app[EXPORTS] = asyncio.Semaphore(AT_ONCE)
    app[CUTS] = asyncio.Semaphore(_CUTS)
    app.cleanup_ctx.extend([_meanwhile(app[FEED].keep), _meanwhile(app[VERSIONS].keep)])
    app[SIBLINGS] = Siblings(*place, partial(rendered, app)) if place else None
    if siblings := app[SIBLINGS]:
        app.cleanup_ctx.append(lambda _: siblings.told())
    app[WORKERS] = settings.api_workers
    app[IS_PLAIN] = not settings.cors_origins
    app[PROXIES] = settings.trusted_proxies
    app[SOURCES] = _sources(settings)
    app[ADMIN_KEY] = settings.admin_api_key
    app[READ_KEYS] = known(settings.read_api_keys)
    app[METRICS_TOKEN] = known(settings.metrics_token)
    app.add_routes(ROUTES)
    app[OPENAPI] = PydanticApiSpec(app, sources=app[SOURCES]).text()
    return app


def _doors(settings: Settings) -> Iterator[Any]:
    """What a request has to pass, as far as it is configured."""
    if settings.cors_origins:
        yield cors(settings.cors_origins)
    if rate := settings.client_rate:
        yield limit(Limiter(rate))
    if settings.read_api_keys or settings.metrics_token:
        yield guard


def _tell_clients(app: web.Application, settings: Settings) -> None:
    if settings.cors_origins:
        app.on_response_prepare.append(tell_origin(settings.cors_origins))
    if settings.client_rate:
        app.on_response_prepare.append(tell_limit)


def _meanwhile(work: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[web.Application], AsyncIterator[None]]:
    """A cleanup context: the work goes on as long as the application runs."""

    async def keep(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(work())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    return keep


def drain(app: web.Application) -> None:
    """From now on `/health/ready` says no and `/events` ends, while all else still answers: call it before stopping."""
    app[READINESS].is_draining = True
    app[FEED].end()


async def _end_streams(app: web.Application) -> None:
    """Answers without an end would hold up the end of the service."""
    app[FEED].end()


def _sources(settings: Settings) -> Sequence[str]:
    """Every source there is, enabled or not: each has a group of options in the settings."""
    return tuple(name for name, value in settings if isinstance(value, SourceOptions))
