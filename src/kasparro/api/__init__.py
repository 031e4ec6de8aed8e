"""The HTTP API. It reads PostgreSQL and never talks to ingestion."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from kasparro.api.feed import Feed
from kasparro.api.keys import ADMIN_KEY, FEED, LAST_SEEN, METRICS, OPENAPI, POOL, READINESS, SOURCES
from kasparro.api.middleware import dress, explain, observe
from kasparro.api.openapi import PydanticApiSpec
from kasparro.api.readiness import Readiness
from kasparro.api.routes import ROUTES
from kasparro.metrics import Metrics
from kasparro.settings import Settings, SourceOptions
from kasparro.store.pool import Pool


def create_app(*, pool: Pool, metrics: Metrics, settings: Settings) -> web.Application:
    """The application. `pool` is an open `store.pool.api_pool`; its database may be out of reach."""
    app = web.Application(middlewares=[observe, explain])
    app.on_response_prepare.append(dress)
    app[POOL] = pool
    app[METRICS] = metrics
    app[LAST_SEEN] = {}
    app[READINESS] = Readiness(pool)
    app[FEED] = Feed(pool)
    app.cleanup_ctx.append(app[FEED].keep)
    app.on_shutdown.append(_end_streams)
    app[SOURCES] = _sources(settings)
    app[ADMIN_KEY] = settings.admin_api_key
    app.add_routes(ROUTES)
    app[OPENAPI] = PydanticApiSpec(app, sources=app[SOURCES]).text()
    return app


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
