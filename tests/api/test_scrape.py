"""`/metrics` on a live service, read by Prometheus and its own tool."""

from __future__ import annotations

import asyncio
import random
import shutil
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from kasparro.api.keys import METRICS

from ..prometheus import PROMETHEUS, ask, scraping  # noqa: TID252 - tests have no absolute name

PROMTOOL = shutil.which("promtool")


async def faultless(text: bytes) -> bool:
    """Whether promtool says nothing of it."""
    pipe = asyncio.subprocess.PIPE
    promtool = await asyncio.create_subprocess_exec(
        PROMTOOL or "", "check", "metrics", stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await promtool.communicate(text)
    return (promtool.returncode, said) == (0, b"")


async def asked(port: int, *requests: bytes) -> int:
    """Sends them all on one connection, and returns how many answers came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = 0
    for beginning in range(0, len(requests), 50):
        batch = requests[beginning : beginning + 50]
        writer.write(b"".join(batch))
        for _ in batch:
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))
            answers += 1
    writer.close()
    return answers


async def scraped(client: aiohttp.ClientSession, port: int) -> bytes:
    async with client.get(f"http://127.0.0.1:{port}/metrics") as response:
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return await response.read()


def series(text: bytes) -> int:
    return sum(not line.startswith(b"#") for line in text.splitlines())


def unmatched(text: bytes) -> int:
    _, _, rest = text.partition(b'api_requests_total{method="GET",route="unmatched",status="404"} ')
    return int(rest.split()[0])


def get(path: str, headers: bytes = b"") -> bytes:
    return b"GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n" % (path.encode(), headers)


HOSTILE = [
    get('/"quoted"'),
    get("/data?q=%22%0A%5C"),
    get("/data", b'X-Request-ID: a"b\\\r\nUser-Agent: \\"{}\r\n'),
    get("/runs/%22%7D%0A"),
    get("/coins/csv/%5C%22"),
    b'Q"X / HTTP/1.1\r\nHost: x\r\n\r\n',
]


async def test_nothing_that_is_asked_for_makes_series_or_puts_prometheus_off(
    pool: Any, app_on: Any, serve: Any, tmp_path: Path
) -> None:
    application = app_on(pool)
    application[METRICS].source_scheduled('a "quoted" \\ back\nslash', 300)
    port = await serve(application)
    for request in HOSTILE:
        await asked(port, request)
    async with aiohttp.ClientSession() as client:
        await scraped(client, port)
        before = await scraped(client, port)
        urls = [get(f"/{random.random()}") for _ in range(10_000)]  # noqa: S311  # no secret
        answers = await asyncio.gather(*(asked(port, *urls[number::5]) for number in range(5)))
        text = await scraped(client, port)
        assert sum(answers) == unmatched(text) - unmatched(before) == 10_000
        assert series(text) == series(before)
        if PROMTOOL is None or PROMETHEUS is None:
            pytest.skip("promtool and prometheus are not installed")
        assert await faultless(text)
        async with scraping(port, tmp_path) as prometheus, asyncio.timeout(60):
            while not (found := await ask(client, f"{prometheus}/api/v1/query", query="scrape_samples_scraped")) or (
                not found["result"]
            ):
                await asyncio.sleep(0.1)
            assert int(found["result"][0]["value"][1]) == series(before)
            [target] = (await ask(client, f"{prometheus}/api/v1/targets"))["activeTargets"]
            assert (target["health"], target["lastError"]) == ("up", "")


async def test_routes_are_labelled_by_their_pattern(client: Any) -> None:
    for path in ("/runs/1", "/runs/2"):
        async with client.get(path):
            pass
    async with client.get("/metrics") as response:
        lines = (await response.text()).splitlines()
    assert 'api_requests_total{method="GET",route="/runs/{run_id}",status="404"} 2' in lines
    assert any(line.startswith("kasparro_asyncio_tasks ") for line in lines)
    assert any(line.startswith('kasparro_db_pool_connections{pool="desk",state="idle"}') for line in lines)
