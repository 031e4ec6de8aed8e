"""What handlers find in the application and in the request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from kasparro.api.feed import Feed
from kasparro.api.readiness import Readiness
from kasparro.metrics import Metrics
from kasparro.store.pool import Pool

POOL: web.AppKey[Pool] = web.AppKey("pool")
METRICS = web.AppKey("metrics", Metrics)
READINESS = web.AppKey("readiness", Readiness)
SOURCES: web.AppKey[Sequence[str]] = web.AppKey("sources")
"""Every source that this installation knows, enabled or not."""
ADMIN_KEY: web.AppKey[SecretStr | None] = web.AppKey("admin_key")
LAST_SEEN: web.AppKey[dict[str, Any]] = web.AppKey("last_seen")
"""How each source stood when the database was last asked."""
FEED = web.AppKey("feed", Feed)
OPENAPI = web.AppKey("openapi", bytes)

REQUEST_ID = web.RequestKey("request_id", str)
