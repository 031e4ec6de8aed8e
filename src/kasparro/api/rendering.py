"""Pages from templates: whatever is put into them is escaped, and what is missing is an error."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kasparro.api import figures, static_files

_SHOWN = ("exact", "price", "amount", "percent", "trend", "span", "ago", "until", "clock")

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {name: getattr(figures, name) for name in _SHOWN}
_templates.globals["asset"] = static_files.address


def page(template: str, content: Mapping[str, Any], *, policy: str) -> web.Response:
    """The template, filled in. `policy` is what the page may load, beside nothing, in the words of a CSP."""
    csp = f"default-src 'none'; {policy}; base-uri 'none'; frame-ancestors 'none'"
    return web.Response(
        text=_templates.get_template(template).render(content),
        content_type="text/html",
        headers={"Content-Security-Policy": csp, "Vary": "Accept"},
    )
