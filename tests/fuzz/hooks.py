"""What schemathesis leaves out, because no document can say what is right about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import schemathesis

OF_A_PAGE = {"page", "page_size", "sort", "fields"}
UNKNOWABLE = {"cursor", "as_of"}
"""What the service has said before, or a moment that it has seen."""
OF_COINGECKO = {"vs_currency": "usd", "vs_currencies": "usd", "ids": "bitcoin", "days": "1"}
"""Which coins there are, and so which units, the data tells."""
OTHER_WAYS = {"names", "symbols", "category", "include_tokens"}
"""How else CoinGecko's clients name coins: one of them at a time."""


@schemathesis.hook
def before_process_path(context: Any, path: str, methods: dict[str, Any]) -> None:
    for operation in methods.values():
        operation["parameters"] = [one for one in operation["parameters"] if one["name"] not in UNKNOWABLE]
        if path.startswith("/api/v3/"):
            operation["parameters"] = [_known(one) for one in operation["parameters"] if one["name"] not in OTHER_WAYS]


def _known(parameter: dict[str, Any]) -> dict[str, Any]:
    if (known := OF_COINGECKO.get(parameter["name"])) is None:
        return parameter
    return {**parameter, "required": True, "schema": {"type": "string", "enum": [known]}}


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """Parameters that are right one by one, and not together."""
    query = case.query or {}
    if not case.meta.generation.mode.is_positive:
        return True
    if case.path == "/runs/compare":
        return ({"a", "b", "source"} & query.keys()) in ({"a", "b"}, {"source"})
    if case.path.endswith(("/coverage", "/ohlcv")) and "from" in query:
        now = datetime.now(UTC).isoformat()
        first, last = (datetime.fromisoformat(str(query.get(name, now))) for name in ("from", "to"))
        if first >= last:
            return False
    if case.path.endswith("/range"):
        return "from" in query and "to" in query and str(query["from"]) < str(query["to"])
    if query.get("format", "json") != "json":
        return not OF_A_PAGE & query.keys()
    keys = [key.strip().lstrip("-") for key in str(query.get("sort", "")).split(",")]
    return len(set(keys)) == len(keys) and int(query.get("page", 1)) * int(query.get("page_size", 20)) <= 10_000
