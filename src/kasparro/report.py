"""How the service and its sources are, for a person to read."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from kasparro.background import Service

_SETTLE_SECONDS = 20.0
_POLL_SECONDS = 0.05
_PAGES = {
    "/": "status page",
    "/docs": "API documentation",
    "/data": "market data",
    "/health": "health of the service and its sources",
    "/metrics": "metrics for Prometheus",
}


def settled(service: Service, seconds: float = _SETTLE_SECONDS) -> dict[str, Any]:
    """What GET /health says once every source has been through a cycle, at the latest after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        health = _health(service)
        if not any(map(_is_due, health["etl_status"].values())) or time.monotonic() > deadline:
            return health
        time.sleep(_POLL_SECONDS)


def _health(service: Service) -> dict[str, Any]:
    """The body of GET /health, which a 503 carries as well; where there is none, one that says so."""
    health = {"status": "not answering"}
    with suppress(OSError, json.JSONDecodeError):
        health = json.loads(service.get("/health")[1])
    return {"etl_status": {}, **health}


def _is_due(state: dict[str, Any]) -> bool:
    """Whether a source runs, or is to run at once: its status is that of an earlier run then."""
    following = state["next_run_at"] and datetime.fromisoformat(state["next_run_at"])
    is_waiting = following and following > datetime.now(UTC)
    return state["enabled"] and (state["last_run_status"] == "running" or not is_waiting)


def text(service: Service, health: dict[str, Any]) -> str:
    """Where the service is, and how it and its sources are, for a person to read."""
    lines = [f"Kasparro is {health['status']} at {service.url}"]
    if health.get("simulated"):
        lines.append("It shows SIMULATED data, not the market's.")
    if (workers := health.get("workers", 1)) > 1:
        lines.append(f"{workers} processes serve it, and one more collects.")
    lines += ["", *(f"  {service.url + path:<36}{text}" for path, text in _PAGES.items())]
    lines += ["", *(_line(source, state) for source, state in health["etl_status"].items())]
    return "\n".join(lines)


def _line(source: str, state: dict[str, Any]) -> str:
    """`  coingecko       failed      the key is wrong`"""
    return f"  {source:<16}{state['last_run_status']:<12}{_detail(state)}"


def _detail(state: dict[str, Any]) -> str:
    if not state["reason"]:
        return f"{state['records_processed']} records"
    following = state["next_run_at"] and datetime.fromisoformat(state["next_run_at"])
    return f"{state['reason']}; next try at {following:%H:%M:%S} UTC" if following else str(state["reason"])
