"""What handlers find in the application and in the request."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

from aiohttp import web
from pydantic import SecretStr

from kasparro.api.cache import Cache
from kasparro.api.feed import Feed
from kasparro.api.market import Market
from kasparro.api.readiness import Readiness
from kasparro.api.siblings import Siblings
from kasparro.api.standing import Standing
from kasparro.api.versions import Versions
from kasparro.metrics import Metrics
from kasparro.store.pool import Pool, Pools

MARKET = web.AppKey("market", Market)
POOL: web.AppKey[Pool] = web.AppKey("pool")
"""For what is read and written in little time."""
POOLS = web.AppKey("pools", Pools)
METRICS = web.AppKey("metrics", Metrics)
READINESS = web.AppKey("readiness", Readiness)
SOURCES: web.AppKey[Sequence[str]] = web.AppKey("sources")
"""Every source that this installation knows, enabled or not."""
ADMIN_KEY: web.AppKey[SecretStr | None] = web.AppKey("admin_key")
SIBLINGS: web.AppKey[Siblings | None] = web.AppKey("siblings")
WORKERS = web.AppKey("workers", int)
STANDING = web.AppKey("standing", Standing)
FEED = web.AppKey("feed", Feed)
PROXIES: web.AppKey[Sequence[IPv4Network | IPv6Network]] = web.AppKey("proxies")
"""Whose `X-Forwarded-For` tells who the client is."""
READ_KEYS: web.AppKey[Sequence[bytes]] = web.AppKey("read_keys")
METRICS_TOKEN: web.AppKey[Sequence[bytes]] = web.AppKey("metrics_token")
VERSIONS = web.AppKey("versions", Versions)
CACHE = web.AppKey("cache", Cache)
EXPORTS = web.AppKey("exports", asyncio.Semaphore)
CUTS = web.AppKey("cuts", asyncio.Semaphore)
"""Raw pages that are held while records are cut out of them."""
IS_PLAIN = web.AppKey("is_plain", bool)
"""Whether no answer has headers of a kind that only a signal knows."""
OPENAPI = web.AppKey("openapi", bytes)

STARTED = web.RequestKey("started", float)
REQUEST_ID = web.RequestKey("request_id", str)
TOLD: web.RequestKey[dict[str, str]] = web.RequestKey("told")
"""What the client is told of its rate."""
