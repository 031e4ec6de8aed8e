"""What a browser is shown: the service card, the API's documentation, and the files they need."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from swagger_ui_bundle import swagger_ui_path

from kasparro.api.health import standing
from kasparro.api.openapi import documented
from kasparro.api.replies import as_json
from kasparro.api.schemas import ServiceCard

_HERE = Path(__file__).parent
_SWAGGER = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
_ASSETS = {path.name: path for path in (_HERE / "static").iterdir()} | {
    name: Path(swagger_ui_path) / name for name in _SWAGGER
}
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_LINKS = {
    "docs": "/docs",
    "openapi": "/openapi.json",
    "data": "/data",
    "assets": "/assets",
    "health": "/health",
    "stats": "/stats",
    "quota": "/quota",
    "runs": "/runs",
    "drift": "/drift",
    "rejects": "/rejects",
    "metrics": "/metrics",
}
_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def _span(seconds: float) -> str:
    """3720 -> `1 h`."""
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return "0 s"


def _ago(moment: str) -> str:
    """How long ago an ISO time is."""
    return f"{_span((datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds())} ago"


def _until(moment: str) -> str:
    """How long it is until an ISO time; one that has passed is due."""
    return f"in {_span((datetime.fromisoformat(moment) - datetime.now(UTC)).total_seconds())}"


_templates = Environment(
    loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_templates.filters |= {"ago": _ago, "until": _until, "span": _span}


@documented(
    tags=["health"],
    summary="What is running here",
    description="JSON, or a page for whoever prefers `text/html`.",
    responses={200: {"model": ServiceCard, "content": {"text/html": {"schema": {"type": "string"}}}}},
)
async def card(request: web.Request) -> web.StreamResponse:
    """Answers 200 whatever the state: the state is what it tells."""
    content: dict[str, Any] = {"name": "kasparro", **await standing(request.app), "links": _LINKS}
    if _prefers_html(request.headers.get("Accept", "")):
        return _page("card.html", content)
    return as_json(content, headers={"Vary": "Accept"})


async def docs_page(_: web.Request) -> web.StreamResponse:
    """Swagger UI on our own document, whatever the query string says."""
    return _page("docs.html", {})


async def asset(request: web.Request) -> web.StreamResponse:
    """A file of the pages; there are no others."""
    path = _ASSETS.get(request.match_info["name"])
    if path is None:
        raise web.HTTPNotFound
    return web.FileResponse(path, headers={"Cache-Control": "public, max-age=3600"})


def _page(template: str, content: Mapping[str, Any]) -> web.Response:
    return web.Response(
        text=_templates.get_template(template).render(content),
        content_type="text/html",
        headers={"Content-Security-Policy": _CSP, "Vary": "Accept"},
    )


def _prefers_html(accept: str) -> bool:
    """Browsers name text/html first; clients send */* or application/json."""
    weights = dict(_weight(part) for part in accept.split(","))
    html = weights.get("text/html", 0.0)
    return html > 0 and html >= weights.get("application/json", 0.0)


def _weight(part: str) -> tuple[str, float]:
    media_type, _, rest = part.partition(";")
    _, _, quality = rest.partition("q=")
    try:
        return media_type.strip().lower(), float(quality.partition(";")[0] or 1)
    except ValueError:
        return media_type.strip().lower(), 0.0
