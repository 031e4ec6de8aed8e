"""Answers out of memory: the same as aiohttp would have written them, only sooner."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from kasparro.api.keys import CACHE, VERSIONS

PATH = "/data?page_size=2"
Asks = Callable[[bytes], Awaitable[bytes]]


@pytest.fixture
async def client(pool: Any, aiohttp_client: Any, app_on: Any, rows: Any) -> Any:
    """A service that tells of a rate and keeps a page."""
    await rows.coin("csv", "bitcoin")
    client = await aiohttp_client(app_on(pool, API_RATE="1000/60"))
    await _fill(client)
    return client


async def _fill(client: Any) -> None:
    async with asyncio.timeout(20):
        while client.app[CACHE].size == 0:
            await client.get(PATH)
            await asyncio.sleep(0.01)
    assert client.app[VERSIONS].token


@pytest.fixture
def ask(client: Any) -> Asks:
    """Sends bytes, and reads until the service closes the connection."""

    async def send(data: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(data)
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return answer

    return send


def _names(headers: Mapping[str, str]) -> set[str]:
    return {name.title() for name in headers}


@pytest.mark.parametrize("known", [False, True])
async def test_the_headers_are_those_of_an_ordinary_answer(
    client: Any, pool: Any, aiohttp_client: Any, app_on: Any, known: bool
) -> None:
    ordinary = await aiohttp_client(app_on(pool, API_RATE="1000/60", CORS_ORIGINS="https://example.org"))
    await _fill(ordinary)
    asked = {"Accept-Encoding": "identity"}
    if known:
        asked["If-None-Match"] = (await client.get(PATH, headers=asked)).headers["ETag"]
    swift, slow = await client.get(PATH, headers=asked), await ordinary.get(PATH, headers=asked)
    assert (
        (swift.status, swift.reason) == (slow.status, slow.reason) == ((304, "Not Modified") if known else (200, "OK"))
    )
    assert _names(swift.headers) == _names(slow.headers)
    for name in _names(swift.headers) - {
        "Date",
        "X-Request-Id",
        "Server-Timing",
        "Ratelimit",
        "Vary",
        "Content-Length",
    }:
        assert swift.headers[name] == slow.headers[name], name


async def test_one_connection_takes_several_and_the_last_closes_it(ask: Asks) -> None:
    one = f"GET {PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    last = f"HEAD {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    answer = await ask(one + one + last)
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert answer.count(b'"coin_id":"bitcoin"') == 2
    assert answer.count(b"Connection: close") == 1
    assert answer.endswith(b"\r\n\r\n")


async def test_a_client_of_http_1_0_is_answered_in_kind(ask: Asks) -> None:
    answer = await ask(f"GET {PATH} HTTP/1.0\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.0 200 OK\r\n")
    assert b'"coin_id":"bitcoin"' in answer
