"""The files that our pages need, served by ourselves. Pages name them with their version, so they may be kept."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from aiohttp import web
from swagger_ui_bundle import swagger_ui_path

from kasparro.api import asked
from kasparro.api.queries import StaticQuery

_SWAGGER = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
_FILES = {path.name: path for path in (Path(__file__).parent / "static").iterdir()} | {
    name: Path(swagger_ui_path) / name for name in _SWAGGER
}
_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_A_WHILE = "public, max-age=300"  # another version was asked for: two run side by side while one is replaced


async def file(request: web.Request) -> web.StreamResponse:
    """A file of the pages; there are no others."""
    asked.plain(request)
    query, name = asked.query(request, StaticQuery), request.match_info["name"]
    if name not in _FILES:
        raise web.HTTPNotFound
    is_ours = query.v == _version(name)
    return web.FileResponse(_FILES[name], headers={"Cache-Control": _FOR_EVER if is_ours else _FOR_A_WHILE})


def address(name: str) -> str:
    """Where a page finds the file, such as it is now."""
    return f"static/{name}?v={_version(name)}"


@cache
def _version(name: str) -> str:
    return hashlib.sha256(_FILES[name].read_bytes()).hexdigest()[:12]
