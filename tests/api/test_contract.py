"""Whatever any route answers, the document says so: each status that it may come to, on every route."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aiohttp import web
from jsonschema import Draft202012Validator

from kasparro.api import orders
from kasparro.api.keys import IS_PLAIN, OPENAPI

KEY = {"X-API-Key": "boss"}
PLACES = {"source": "csv", "coin_id": "x", "id": "x", "asset_id": "x-y", "run_id": "1", "name": "status.css"}
WISHES = {
    "source": "coingecko",
    "coin_id": "x",
    "asset_id": "x-y",
    "into": "nothing",
    "listings": [{"source": "csv", "coin_id": "x"}],
}
STREAMS = {"/events"}
REFUSED = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}}


class Contract:
    """Watches an application, and keeps what it answers otherwise than it is documented."""

    def __init__(self, application: web.Application) -> None:
        self.document = json.loads(application[OPENAPI])
        self.faults: list[str] = []
        self.seen: set[tuple[str, str, int]] = set()

    @web.middleware
    async def watch(self, request: web.Request, handler: Any) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)
        resource = request.match_info.route.resource
        path, method = resource.canonical if resource else "", request.method
        self.seen.add((method, path, response.status))
        self.faults += [
            f"{method} {request.path_qs} {response.status}: {fault}"
            for fault in self._faults(path, response, is_v3=request.path.startswith("/api/v3/"))
        ]
        return response

    def _faults(self, path: str, response: web.StreamResponse, *, is_v3: bool) -> Iterator[str]:
        methods = self.document["paths"].get(path, {})
        told = [each["responses"] for each in methods.values()] or [
            {"default": REFUSED if is_v3 else {"$ref": "/Other"}}
        ]
        found = [self._resolved(one.get(str(response.status), one.get("default"))) for one in told]
        kinds = {kind: content for each in found for kind, content in each.get("content", {}).items()}
        if response.status == 304:
            return
        if path in {"/docs", "/openapi.json", "/static/{name}"} and response.status == 200:
            return
        if response.content_type not in kinds:
            yield f"{response.content_type} is none of {sorted(kinds)}"
        elif response.content_type.endswith("json") and isinstance(response, web.Response):
            schema = {**kinds[response.content_type]["schema"], "components": self.document["components"]}
            validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
            for error in validator.iter_errors(json.loads(response.body or b"")):  # type: ignore[arg-type]
                yield error.message

    def wish(self, path: str) -> dict[str, Any]:
        """A body that the route takes."""
        operation = self.document["paths"][path]["post"]
        if "requestBody" not in operation:
            return {}
        name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        return {key: WISHES[key] for key in self.document["components"]["schemas"][name]["properties"] if key in WISHES}

    def _resolved(self, told: Any) -> Any:
        if "$ref" in told:
            return self.document["components"]["responses"][told["$ref"].rpartition("/")[2]]
        return told


@pytest.fixture
async def watched(app_on: Any, aiohttp_client: Any) -> AsyncIterator[Any]:
    """Builds a client of an application with these settings, and the contract that it is held to at the end."""
    contracts: list[Contract] = []

    async def build(pool: Any, **environ: str) -> tuple[Any, Contract]:
        application = app_on(pool, **environ)
        application[IS_PLAIN] = False  # so that what is written in one piece can be looked at, too
        contracts.append(Contract(application))
        application.middlewares.insert(2, contracts[-1].watch)  # within what packs, around all else
        return await aiohttp_client(application), contracts[-1]

    yield build
    assert [fault for contract in contracts for fault in contract.faults] == []


def routes(client: Any) -> Iterator[tuple[str, str, str]]:
    """Method, pattern and an address of each route."""
    for route in client.app.router.routes():
        pattern = route.resource.canonical
        yield route.method, pattern, pattern.format(**PLACES)


async def answered(client: Any, method: str, path: str, **more: Any) -> int:
    headers = {"Accept-Encoding": "identity"} | more.pop("headers", {})
    async with client.request(method, path, headers=headers, **more) as response:
        if path not in STREAMS:
            await response.read()
        return int(response.status)


@pytest.mark.usefixtures("filled")
async def test_what_is_asked_rightly_and_wrongly(watched: Any, pool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "_PATIENCE", 0.05)
    client, contract = await watched(pool, ADMIN_API_KEY="boss")
    statuses: dict[str, set[int]] = {}
    for method, pattern, path in routes(client):
        got = statuses.setdefault(f"{method} {pattern}", set())
        for query in ("", "?x=1"):
            got.add(await answered(client, method, path + query, headers=KEY))
        got.add(await answered(client, method, path, headers=KEY | {"Accept-Encoding": "*;q=0"}))
        got.add(await answered(client, "PATCH", path))
        if method == "POST":
            got.add(await answered(client, method, path))
            for body in (b"x" * 70_000, b"{}", json.dumps(contract.wish(pattern)).encode()):
                got.add(await answered(client, method, path, headers=KEY, data=body))
        elif path not in STREAMS:
            got.add(await answered(client, method, path, headers=KEY | {"If-None-Match": "*"}))
    for route, got in statuses.items():
        wanted = {405, 406} if "/health" in route or "/api/v3/" in route else {400, 405, 406}
        if route.startswith("POST"):
            wanted |= {401}
        elif not route.endswith(("/events", "/runs/compare")) and "/api/v3/" not in route:
            wanted |= {200, 304}
        assert wanted <= got, route
    assert {202, 404, 409, 413, 503} <= {status for method, _, status in contract.seen if method == "POST"}
    assert 500 not in {status for _, _, status in contract.seen}


async def test_whom_nobody_lets_in(watched: Any, pool: Any) -> None:
    closed, _ = await watched(pool)
    kept, _ = await watched(pool, READ_API_KEYS="one", METRICS_TOKEN="two", API_RATE="1000/60")  # noqa: S106
    busy, _ = await watched(pool, API_RATE="1/600")
    await answered(busy, "GET", "/runs")
    for method, pattern, path in routes(closed):
        free = "/health" in pattern or "/metrics" in pattern
        if method == "POST":
            assert await answered(closed, method, path, json={}) == 403
        if not (free or pattern in {"/docs", "/openapi.json", "/static/{name}"}) or pattern == "/metrics":
            assert await answered(kept, method, path) == 401
        if not free:
            assert await answered(busy, method, path) == 429


async def test_while_the_database_is_away(watched: Any, api_pool_on: Any) -> None:
    client, contract = await watched(await api_pool_on("postgresql://nobody@127.0.0.1:1/nothing"), ADMIN_API_KEY="boss")
    for method, _, path in routes(client):
        if path not in STREAMS and method != "POST":
            await answered(client, method, path)
    unmoved = {"/", "/docs", "/openapi.json", "/static/{name}", "/metrics", "/health/live"}
    seen = {(path, status) for method, path, status in contract.seen if method == "GET"}
    assert {status for path, status in seen if "/v3/" in path} == {200, 422, 503}
    assert {(path, status) for path, status in seen if "/v3/" not in path} == {
        (pattern, 200 if pattern in unmoved else 400 if "compare" in pattern else 503)
        for method, pattern, path in routes(client)
        if method == "GET" and path not in STREAMS and "/v3/" not in path
    }
