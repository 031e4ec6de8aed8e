"""A `kasparro serve` as a process of its own, and what is asked of it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

import aiohttp
import asyncpg

from kasparro.sandbox import Sandbox

Health = dict[str, Any]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class Service:
    """A `kasparro serve` of our own."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"

    async def get(self, path: str) -> tuple[int, Any]:
        async with aiohttp.ClientSession() as client, client.get(self.url + path) as answer:
            return answer.status, json.loads(await answer.read())

    async def post(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        async with aiohttp.ClientSession(headers=headers) as client, client.post(self.url + path, json=body) as answer:
            return answer.status, json.loads(await answer.read())

    async def until(self, condition: Callable[[Health], bool], seconds: float = 30) -> Health:
        """What /health says once `condition` holds of it."""
        health: Health = {}
        async with asyncio.timeout(seconds):
            while not health or not condition(health):
                await asyncio.sleep(0.05)
                try:
                    _, health = await self.get("/health")
                except aiohttp.ClientError:
                    continue
        return health

    async def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send the signal; returns the exit code and the log."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(10):
            _, log = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, (log or b"").decode()


@asynccontextmanager
async def serving(
    cwd: Path, *arguments: str, log: int | IO[bytes] = asyncio.subprocess.PIPE, **environ: str
) -> AsyncIterator[Service]:
    """A pipe holds some hundred lines, and then holds up the service: one that logs more is given a file."""
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "kasparro",
        *(arguments or ("serve",)),
        cwd=cwd,
        env=clean | {"API_PORT": str(port), "LOG_FORMAT": "json"} | environ,
        stderr=log,
    )
    service = Service(process, port)
    try:
        yield service
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def upstreams(sandbox: Sandbox, dsn: str, **more: str) -> dict[str, str]:
    return {
        "DATABASE_URL": dsn,
        "COINPAPRIKA_BASE_URL": sandbox.coinpaprika_url,
        "COINGECKO_BASE_URL": sandbox.coingecko_url,
        "COINPAPRIKA_CREDITS": "unlimited",
        "COINGECKO_PAGES": "all",
        "COINGECKO_RATE": "1000/1",
        **more,
    }


def settled(health: Health) -> bool:
    states = {state["last_run_status"] for state in health["etl_status"].values()}
    return bool(states) and not states & {"never_run", "running"}


async def fetch(dsn: str, query: str) -> list[asyncpg.Record]:
    conn = await asyncpg.connect(dsn)
    try:
        rows: list[asyncpg.Record] = await conn.fetch(query)
        return rows
    finally:
        await conn.close()


async def eventually(check: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await check():
            await asyncio.sleep(0.02)
