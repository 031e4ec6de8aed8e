"""A small sandbox and a plain client; nothing here needs a database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from kasparro.sandbox import Sandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(coins=300) as sandbox:
        yield sandbox


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client:
        yield client
