"""`/metrics` on a live service, read by Prometheus' own tool."""

from __future__ import annotations

import asyncio
import shutil
from typing import Any

import pytest

PROMTOOL = shutil.which("promtool")


async def test_promtool_finds_no_fault_with_a_live_scrape(client: Any) -> None:
    if PROMTOOL is None:
        pytest.skip("promtool is not installed")
    for path in ("/data", '/"quoted"', "/data?page=0"):
        async with client.get(path):
            pass
    async with client.get("/metrics") as response:
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        text = await response.read()
    pipe = asyncio.subprocess.PIPE
    promtool = await asyncio.create_subprocess_exec(
        PROMTOOL, "check", "metrics", stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await promtool.communicate(text)
    assert (promtool.returncode, said) == (0, b"")


async def test_routes_are_labelled_by_their_pattern(client: Any) -> None:
    for path in ("/runs/1", "/runs/2"):
        async with client.get(path):
            pass
    async with client.get("/metrics") as response:
        lines = (await response.text()).splitlines()
    assert 'api_requests_total{method="GET",route="/runs/{run_id}",status="404"} 2' in lines
    assert any(line.startswith("kasparro_asyncio_tasks ") for line in lines)
    assert any(line.startswith('kasparro_db_pool_connections{state="idle"}') for line in lines)
