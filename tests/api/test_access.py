"""Who is let in: keys, rates, origins. All is open on loopback until it is configured."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from kasparro.api.limits import CLIENTS, Limiter, client, network
from kasparro.settings import Rate, Settings

HERE = "https://example.org"


@pytest.fixture
def with_settings(pool: Any, aiohttp_client: Any, app_on: Any) -> Any:
    """A client of a service with these settings."""

    async def build(**environ: str) -> Any:
        return await aiohttp_client(app_on(pool, **environ))

    return build


async def status(client: Any, path: str, **headers: str) -> int:
    async with client.get(path, headers=headers) as response:
        return int(response.status)


async def test_reading_is_for_holders_of_a_key_once_there_is_one(with_settings: Any) -> None:
    service = await with_settings(READ_API_KEYS="one, zwö", ADMIN_API_KEY="boss")
    for path in ("/data", "/", "/runs", "/sources", "/metrics", "/nothing", "/coins/csv/x"):
        async with service.get(path) as response:
            assert (response.status, response.content_type) == (401, "application/problem+json"), path
            assert response.headers["WWW-Authenticate"].startswith("Bearer")
    for path in ("/health", "/health/live", "/health/ready", "/docs", "/openapi.json", "/static/status.css"):
        assert await status(service, path) == 200, path
    for key in ("one", "zwö", "boss"):
        assert await status(service, "/data", **{"X-API-Key": key}) == 200
        assert await status(service, "/data", Authorization=f"Bearer {key}") == 200
    for key in ("", "two", "one, zwö", "One", "on"):
        assert await status(service, "/data", **{"X-API-Key": key}) == 401


async def test_a_read_key_does_not_write(with_settings: Any) -> None:
    service = await with_settings(READ_API_KEYS="one", ADMIN_API_KEY="boss")
    async with service.post("/drift/acknowledge", headers={"X-API-Key": "one"}, json={"source": "csv"}) as response:
        assert response.status == 401


async def test_metrics_have_a_token_of_their_own(with_settings: Any) -> None:
    service = await with_settings(METRICS_TOKEN="scrape", READ_API_KEYS="one")  # noqa: S106 - of a test
    assert await status(service, "/metrics") == 401
    assert await status(service, "/metrics", **{"X-API-Key": "one"}) == 401
    assert await status(service, "/metrics", Authorization="Bearer scrape") == 200
    assert await status(service, "/data", Authorization="Bearer scrape") == 401


async def test_a_client_is_told_what_is_left_and_stopped_at_the_end(with_settings: Any) -> None:
    service = await with_settings(API_RATE="3/600")
    left = []
    for _ in range(3):
        async with service.get("/runs") as response:
            assert response.status == 200
            assert response.headers["RateLimit-Policy"] == '"client";q=3;w=600'
            left.append(response.headers["RateLimit"].split(";")[1])
    assert left == ["r=2", "r=1", "r=0"]
    async with service.get("/data") as response:
        assert (response.status, response.content_type) == (429, "application/problem+json")
        assert response.headers["RateLimit"].startswith('"client";r=0;t=')
        assert 100 < int(response.headers["Retry-After"]) <= 200
    for path in ("/health", "/health/live", "/health/ready", "/metrics"):
        assert await status(service, path) == 200


@pytest.mark.parametrize(
    ("environ", "rate"),
    [
        ({}, None),
        ({"API_HOST": "::1"}, None),
        ({"API_HOST": "0.0.0.0"}, Rate(600, 60)),  # noqa: S104 - nothing listens
        ({"API_HOST": "0.0.0.0", "API_RATE": "off"}, None),  # noqa: S104
        ({"API_RATE": "5/1"}, Rate(5, 1)),
    ],
)
def test_loopback_is_not_limited_unless_it_is_asked_for(environ: dict[str, str], rate: Rate | None) -> None:
    assert Settings.load({}, environ).client_rate == rate


def test_a_limiter_keeps_its_rate_and_forgives_with_time() -> None:
    clock = [0.0]
    limiter = Limiter(Rate(10, 60), now=lambda: clock[0])
    assert [limiter.take("a")[0] for _ in range(12)] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, -1, -1]
    assert limiter.take("b")[0] == 9
    clock[0] = 6.0
    assert [limiter.take("a")[0] for _ in range(2)] == [0, -1]
    clock[0] = 600.0
    assert limiter.take("a")[0] == 9


def test_the_limiter_forgets_before_it_grows() -> None:
    limiter = Limiter(Rate(10, 60))
    for number in range(CLIENTS + 500):
        limiter.take(str(number))
    assert len(limiter._full_at) == CLIENTS


@pytest.mark.parametrize(
    ("peer", "told", "found"),
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("203.0.113.7", "1.1.1.1", "203.0.113.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "nonsense", "nonsense"),
        ("::1", "2001:db8::5", "2001:db8::5"),
    ],
)
def test_only_a_trusted_proxy_says_for_whom_it_speaks(peer: str, told: str, found: str) -> None:
    proxies = Settings.load({}, {"TRUSTED_PROXIES": "10.0.0.0/8, ::1"}).trusted_proxies
    request = make_mocked_request("GET", "/", {"X-Forwarded-For": told} if told else {})
    request = request.clone(remote=peer)
    assert client(request, proxies) == found
    assert client(request, []) == peer


@pytest.mark.parametrize(
    ("peer", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::/64"),
        ("nonsense", "nonsense"),
    ],
)
def test_who_has_an_ipv6_network_is_one_client(peer: str, counted: str) -> None:
    assert network(peer) == counted


def test_what_a_proxy_adds_in_a_line_of_its_own_counts() -> None:
    proxies = Settings.load({}, {"TRUSTED_PROXIES": "10.0.0.0/8"}).trusted_proxies
    lines = CIMultiDict([("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "203.0.113.9")])
    request = make_mocked_request("GET", "/", lines).clone(remote="10.0.0.1")
    assert client(request, proxies) == "203.0.113.9"


async def test_other_origins_are_told_nothing_unless_they_are_known(with_settings: Any) -> None:
    closed, opened = await with_settings(), await with_settings(CORS_ORIGINS=HERE, READ_API_KEYS="one")
    asked = {"Origin": HERE, "Access-Control-Request-Method": "GET"}
    async with closed.options("/data", headers=asked) as response:
        assert response.status == 405
    async with opened.options("/data", headers=asked) as response:
        assert (response.status, response.headers["Access-Control-Allow-Origin"]) == (204, HERE)
        assert "X-API-Key" in response.headers["Access-Control-Allow-Headers"]
    for path, key in (("/data", "one"), ("/data", "two"), ("/data?format=csv", "one")):
        async with opened.get(path, headers={"Origin": HERE, "X-API-Key": key}) as response:
            assert response.headers["Access-Control-Allow-Origin"] == HERE
            assert "Origin" in response.headers["Vary"]
    async with opened.get("/data", headers={"Origin": "https://evil.example", "X-API-Key": "one"}) as response:
        assert "Access-Control-Allow-Origin" not in response.headers
        assert "Origin" in response.headers["Vary"]
    async with opened.options("/data", headers=asked | {"Origin": "https://evil.example"}) as response:
        assert response.status == 401


async def test_a_large_body_is_refused(with_settings: Any) -> None:
    service = await with_settings(ADMIN_API_KEY="boss")
    async with service.post("/drift/acknowledge", headers={"X-API-Key": "boss"}, data=b"x" * 70_000) as response:
        assert response.status == 413


async def test_every_answer_says_how_long_it_took(with_settings: Any) -> None:
    service = await with_settings()
    for path in ("/data", "/nothing", "/data?format=csv", "/static/status.css"):
        async with service.get(path) as response:
            assert float(response.headers["Server-Timing"].partition("app;dur=")[2]) >= 0
