"""What a browser is shown: the status page and the API's documentation."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from kasparro.api import asked, overview
from kasparro.api.accept import weights
from kasparro.api.health import standing
from kasparro.api.keys import MARKET, POOL
from kasparro.api.openapi import documented
from kasparro.api.queries import CardQuery, NoQuery
from kasparro.api.rendering import page
from kasparro.api.replies import as_json
from kasparro.api.schemas import ServiceCard

_STATUS_POLICY = "style-src 'self'; img-src 'self'; form-action 'self'"
_DOCS_POLICY = "script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'none'"
_LINKS = {
    "docs": "/docs",
    "openapi": "/openapi.json",
    "data": "/data",
    "assets": "/assets",
    "global": "/global",
    "sources": "/sources",
    "health": "/health",
    "stats": "/stats",
    "quota": "/quota",
    "runs": "/runs",
    "events": "/events",
    "drift": "/drift",
    "rejects": "/rejects",
    "metrics": "/metrics",
}


@documented(
    tags=["health"],
    summary="What is running here",
    description="JSON, or a page for whoever prefers `text/html`: the parameters choose what that shows of the market.",
    query=CardQuery,
    responses={
        200: {"model": ServiceCard, "content": {"text/html": {"schema": {"type": "string"}}}},
        400: "BadRequest",
    },
)
async def card(request: web.Request) -> web.StreamResponse:
    """Answers 200 whatever the state: the state is what it tells."""
    query = asked.query(request, CardQuery)
    content: dict[str, Any] = {"name": "kasparro", **await standing(request.app), "links": _LINKS}
    if not _prefers_html(request.headers.get("Accept", "")):
        return as_json(content, headers={"Vary": "Accept"})
    shown = await overview.gather(request.app[POOL], request.app[MARKET], content, query)
    return page("status.html", content | shown, policy=_STATUS_POLICY)


async def docs_page(request: web.Request) -> web.StreamResponse:
    """Swagger UI on our own document; the address names no other."""
    asked.query(request, NoQuery)
    return page("docs.html", {}, policy=_DOCS_POLICY)


def _prefers_html(accept: str) -> bool:
    """Browsers name text/html first; clients send */* or application/json."""
    liked = weights(accept)
    html = liked.get("text/html", 0.0)
    return html > 0 and html >= liked.get("application/json", 0.0)
