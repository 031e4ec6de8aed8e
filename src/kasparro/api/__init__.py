"""The HTTP API. It reads PostgreSQL and never talks to ingestion."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from kasparro.api.keys import ADMIN_KEY, LAST_SEEN, METRICS, OPENAPI, POOL, READINESS, SOURCES
from kasparro.api.middleware import explain, observe
from kasparro.api.openapi import PydanticApiSpec
from kasparro.api.readiness import Readiness
from kasparro.api.routes import ROUTES
from kasparro.metrics import Metrics
from kasparro.settings import Settings, SourceOptions
from kasparro.store.pool import Pool


def create_app(*, pool: Pool, metrics: Metrics, settings: Settings) -> web.Application:
    """The application. `pool` is an open `store.pool.api_pool`; its database may be out of reach."""
    app = web.Application(middlewares=[observe, explain])
    app[POOL] = pool
    app[METRICS] = metrics
    app[LAST_SEEN] = {}
    app[READINESS] = Readiness(pool)
    app[SOURCES] = _sources(settings)
    app[ADMIN_KEY] = settings.admin_api_key
    app.add_routes(ROUTES)
    app[OPENAPI] = PydanticApiSpec(app, sources=app[SOURCES]).text()
    return app


def drain(app: web.Application) -> None:
    """From now on `/health/ready` says no, while every other route still answers: call it before stopping."""
    app[READINESS].is_draining = True


def _sources(settings: Settings) -> Sequence[str]:
    """Every source there is, enabled or not: each has a group of options in the settings."""
    return tuple(name for name, value in settings if isinstance(value, SourceOptions))
