"""What holds for every request: ids, headers, counts, and errors as problems."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs
from yarl import URL

from kasparro.api.problems import Problem

from .conftest import ADMIN_KEY

WITH_KEY = {"Authorization": f"Bearer {ADMIN_KEY}"}


async def problem(response: Any) -> Any:
    assert response.content_type == "application/problem+json"
    body = await response.json(content_type=None)
    assert body["status"] == response.status
    assert body["request_id"] == response.headers["X-Request-ID"]
    return body


@pytest.mark.parametrize("given", ["abc", "A.b:c-_9", "x" * 128])
async def test_a_good_request_id_comes_back(client: Any, given: str) -> None:
    async with client.get("/data", headers={"X-Request-ID": given}) as response:
        assert response.headers["X-Request-ID"] == given
        assert (await response.json())["request_id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, 'a"b', "a b", "ä", "a,b"])
async def test_a_bad_request_id_is_replaced(client: Any, given: str) -> None:
    async with client.get("/data", headers={"X-Request-ID": given}) as response:
        assert len(response.headers["X-Request-ID"]) == 32


@pytest.mark.parametrize("path", ["/", "/data", "/docs", "/static/status.css", "/metrics", "/nothing", "/health/live"])
async def test_safe_headers_are_on_everything(client: Any, path: str) -> None:
    async with client.get(path) as response:
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert "unsafe" not in response.headers["Content-Security-Policy"]
        assert response.headers["Server"] == "kasparro"
        assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(
    "path",
    ["/nothing", "//", "//data", "//evil.example/x", "/data/", "/%2e%2e/etc/passwd", "/static/%2e%2e%2fstatus.html",
     "/static/..", "/static/.", "/%00", "/%ff", "/data%0d%0aX:y", "/runs//1", "/<script>", "/" + "a" * 7000],
)  # fmt: skip
async def test_hostile_paths_are_404_problems(client: Any, path: str) -> None:
    url = URL(f"http://{client.host}:{client.port}{path}", encoded=True)
    async with client.session.get(url) as response:
        assert response.status == 404
        assert "script" not in (await problem(response))["detail"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "TRACE"])
async def test_other_methods_are_405_problems(client: Any, method: str) -> None:
    async with client.request(method, "/data") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET, HEAD"
        await problem(response)


@pytest.fixture
async def faulty(pool: Any, aiohttp_client: Any, app_on: Any) -> Any:
    """An API with two more routes: one that breaks, one that refuses."""

    async def broken(_: web.Request) -> web.StreamResponse:
        raise RuntimeError("secret detail")

    async def refusing(_: web.Request) -> web.StreamResponse:
        raise Problem(409, "busy", headers={"Retry-After": "9"})

    app = app_on(pool)
    app.router.add_get("/broken", broken)
    app.router.add_get("/refusing", refusing)
    return await aiohttp_client(app)


async def test_an_unforeseen_error_tells_the_log_and_nobody_else(faulty: Any) -> None:
    with capture_logs() as lines:
        async with faulty.get("/broken", headers={"X-Request-ID": "here"}) as response:
            assert response.status == 500
            text = await response.text()
            await problem(response)
    assert "secret" not in text
    assert "RuntimeError" not in text
    error, request = lines
    assert (error["event"], error["exc_info"]) == ("unforeseen error", True)
    assert (request["route"], request["status"]) == ("/broken", 500)


async def test_a_problem_keeps_its_headers(faulty: Any) -> None:
    async with faulty.get("/refusing") as response:
        assert (response.status, response.headers["Retry-After"]) == (409, "9")
        assert (await problem(response))["title"] == "Conflict"


async def test_a_client_that_vanishes_in_mid_body_is_no_error_of_ours(pool: Any, app_on: Any) -> None:
    begun = asyncio.Event()

    async def patient(request: web.Request) -> web.StreamResponse:
        begun.set()
        return web.Response(body=await request.read())

    app = app_on(pool)
    app.router.add_post("/patient", patient)
    runner = web.AppRunner(app)  # as the service has it: aiohttp's own client of tests cancels what is left behind
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with capture_logs() as lines:
        with socket.create_connection(runner.addresses[0]) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing is a reset
            connection.sendall(b"POST /patient HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
            await begun.wait()
        while not lines:
            await asyncio.sleep(0.01)
    await runner.cleanup()
    [line] = lines
    assert (line["event"], line["route"], line["status"]) == ("request", "/patient", 400)


async def test_each_request_is_logged_once(client: Any) -> None:
    with capture_logs() as lines:
        async with client.get("/runs/7?x=1") as response:
            assert response.status == 400
    [line] = lines
    assert (line["method"], line["route"], line["status"]) == ("GET", "/runs/{run_id}", 400)
    assert line["duration_ms"] >= 0


async def test_every_route_names_parameters_that_are_unknown_or_repeated(client: Any) -> None:
    """But for probes, to which balancers add what they like."""
    for route in client.app.router.routes():
        path = route.resource.canonical.format(
            source="csv", coin_id="x", id="x", asset_id="x", run_id="1", name="status.css"
        )
        for query, found in ({"x": "1"}, {"x"}), ([("y", "1"), ("y", "2")], {"y"}):
            async with client.request(route.method, path, params=query, headers=WITH_KEY) as response:
                if path.startswith("/health"):
                    assert response.status == 200, path
                    continue
                if path.startswith("/api/v3/"):
                    assert response.status in {400, 422}, (route.method, path)
                    continue
                assert response.status == 400, (route.method, path)
                if route.method != "HEAD":
                    assert {wrong["name"] for wrong in (await problem(response))["errors"]} == found
