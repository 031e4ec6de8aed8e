"""Every route of the service."""

from __future__ import annotations

from aiohttp import web

from kasparro.api import (
    assets,
    candles,
    coins,
    coverage,
    data,
    drift,
    events,
    health,
    openapi,
    orders,
    pages,
    prices,
    quota,
    rejects,
    runs,
    scrape,
    sources,
    static_files,
    totals,
)
from kasparro.api.v3 import charts as v3_charts
from kasparro.api.v3 import coins as v3_coins
from kasparro.api.v3 import overview as v3_overview
from kasparro.api.v3 import simple as v3_simple

ROUTES = [
    web.get("/", pages.card),
    web.get("/docs", pages.docs_page),
    web.get("/static/{name}", static_files.file),
    web.get("/openapi.json", openapi.document),
    web.get("/data", data.page),
    web.get("/assets", assets.page),
    web.get("/assets/{asset_id}", assets.details),
    web.get("/assets/{asset_id}/price", prices.price),
    web.get("/assets/{asset_id}/coverage", coverage.covered),
    web.get("/assets/{asset_id}/ohlcv", candles.ohlcv),
    web.post("/assets/link", assets.link),
    web.post("/assets/unlink", assets.unlink),
    web.post("/assets/merge", assets.merge),
    web.post("/assets/split", assets.split),
    web.get("/global", totals.market),
    web.get("/coins/{source}/{coin_id}", coins.details),
    web.get("/coins/{source}/{coin_id}/raw", coins.raw),
    web.get("/coins/{source}/{coin_id}/history", coins.history),
    web.get("/sources", sources.standing),
    web.get("/stats", runs.stats),
    web.get("/quota", quota.quota),
    web.get("/runs", runs.latest),
    web.post("/runs", orders.run),
    web.get("/runs/compare", runs.compare),
    web.get("/runs/{run_id}", runs.details),
    web.post("/runs/{run_id}/cancel", orders.cancel),
    web.get("/events", events.stream),
    web.get("/drift", drift.drifts),
    web.post("/drift/acknowledge", drift.acknowledge),
    web.get("/rejects", rejects.latest),
    web.post("/rejects/replay", rejects.replay),
    web.get("/health", health.health),
    web.get("/health/live", health.live),
    web.get("/health/ready", health.ready),
    web.get("/metrics", scrape.scrape),
    web.get("/api/v3/ping", v3_simple.ping),
    web.get("/api/v3/simple/price", v3_simple.price),
    web.get("/api/v3/simple/supported_vs_currencies", v3_simple.currencies),
    web.get("/api/v3/coins/list", v3_coins.listed),
    web.get("/api/v3/coins/markets", v3_coins.markets),
    web.get("/api/v3/coins/{id}/market_chart", v3_charts.chart),
    web.get("/api/v3/coins/{id}/market_chart/range", v3_charts.chart_range),
    web.get("/api/v3/coins/{id}/ohlc", v3_charts.ohlc),
    web.get("/api/v3/global", v3_overview.market),
]
