"""`/health`: how the service and its sources are, for people, for load balancers and for containers.

What a probe adds to the address is ignored: it must not make a healthy process look dead.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from kasparro import __version__
from kasparro.api.keys import READINESS, STANDING, WORKERS
from kasparro.api.openapi import documented
from kasparro.api.problems import RETRY_AFTER
from kasparro.api.replies import as_json
from kasparro.api.schemas import Health, Live, Ready
from kasparro.errors import DatabaseAway

_WELL = frozenset({"running", "success", "partial"})


@documented(
    tags=["health"],
    summary="How the service and each source are",
    responses={200: {"model": Health}, 503: {"model": Health, "description": "The database is away"}},
)
async def health(request: web.Request) -> web.StreamResponse:
    report = await standing(request.app)
    if report["status"] == "unhealthy":
        return as_json(report, status=503, headers=RETRY_AFTER)
    return as_json(report)


@documented(tags=["health"], summary="Whether the process answers", responses={200: {"model": Live}})
async def live(_: web.Request) -> web.StreamResponse:
    """Touches nothing: it must not be restarted because the database is away."""
    return as_json({"status": "alive"})


@documented(
    tags=["health"],
    summary="Whether requests should be sent here",
    responses={200: {"model": Ready}, 503: {"model": Ready, "description": "Not now"}},
)
async def ready(request: web.Request) -> web.StreamResponse:
    obstacle = await request.app[READINESS].obstacle()
    if obstacle is None:
        return as_json({"status": "ready", "reason": None})
    return as_json({"status": "not_ready", "reason": obstacle}, status=503, headers=RETRY_AFTER)


async def standing(app: web.Application) -> dict[str, Any]:
    """How everything is, as `schemas.Health`: where the database is away, it says so, and how the sources were."""
    try:
        sources = await app[STANDING].now()
    except DatabaseAway as away:
        return _report(app, "unhealthy", {"status": "unreachable", "reason": away.reason}, app[STANDING].last)
    status = "healthy" if all(map(is_well, sources.values())) else "degraded"
    return _report(app, status, {"status": "connected", "reason": None}, sources)


def is_well(source: Mapping[str, Any]) -> bool:
    """Whether a source needs nobody's attention; one that is not enabled does not count."""
    has_figures = source["last_success"] is not None and not source["stale"]
    return not source["enabled"] or (has_figures and source["last_run_status"] in _WELL)


def _report(
    app: web.Application, status: str, database: Mapping[str, Any], sources: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "status": status,
        "simulated": any(source["simulated"] for source in sources.values()),
        "database": database,
        "etl_status": sources,
        "workers": app[WORKERS],
        "version": __version__,
        "timestamp": datetime.now(UTC).isoformat(),
    }
