"""A real Prometheus that scrapes a target, with our rules."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp.test_utils import unused_port

import kasparro

FOLDER = Path(kasparro.__file__).parent / "monitoring"
PROMETHEUS = shutil.which("prometheus")


@asynccontextmanager
async def scraping(port: int, home: Path) -> AsyncIterator[str]:
    """Address of a Prometheus that scrapes this port of ours twice a second."""
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "500ms", "evaluation_interval": "1s"}
    config["rule_files"] = [str(FOLDER / "alerts.yml")]
    config["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
    (home / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{unused_port()}"
    process = await asyncio.create_subprocess_exec(
        PROMETHEUS or "",
        f"--config.file={home / 'prometheus.yml'}",
        f"--storage.tsdb.path={home / 'data'}",
        f"--web.listen-address={address}",
        "--log.level=error",
    )
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        await process.wait()


async def ask(session: aiohttp.ClientSession, url: str, **params: str) -> Any:
    """What it answers; None while it is starting."""
    try:
        async with session.get(url, params=params) as response:
            if response.status == 503:  # it is starting
                return None
            answer = await response.json()
    except aiohttp.ClientConnectorError:  # it has not even begun to
        return None
    assert answer["status"] == "success", answer
    return answer["data"]
