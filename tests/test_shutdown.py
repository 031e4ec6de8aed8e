"""A stop, as clients see it: no new requests are wanted, those in flight are answered, exports are cut off visibly."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from .serving import Service, eventually, serving, settled

MANY = """
INSERT INTO unified_crypto (source, coin_id, name, observed_at, fetched_at, run_id, raw_id, raw_position)
SELECT 'csv', 'many-' || n, repeat('name ', 40) || n, now(), now(), 1, 1, 0 FROM generate_series(1, 100000) AS n
"""


async def status(service: Service, path: str) -> int:
    return (await service.get(path))[0]


async def stopped(service: Service) -> int:
    async with asyncio.timeout(15):
        await service.process.communicate()
    assert service.process.returncode is not None
    return service.process.returncode


async def test_requests_in_flight_are_answered_after_readiness_has_gone(tmp_path: Path, dsn: str) -> None:
    async with serving(tmp_path, DATABASE_URL=dsn, SOURCES="csv") as service:
        await service.until(settled)
        conn = await asyncpg.connect(dsn)
        locked = conn.transaction()
        await locked.start()
        await conn.execute("LOCK TABLE price_history")
        flying = asyncio.create_task(service.get("/coins/csv/bitcoin/history"))

        async def waits() -> bool:
            return bool(await conn.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))

        await eventually(waits)
        service.process.send_signal(signal.SIGTERM)

        async def unready() -> bool:
            return await status(service, "/health/ready") == 503

        await eventually(unready)
        await locked.rollback()
        await conn.close()
        assert (await flying)[0] in (200, 404)
        assert await stopped(service) == 0


async def test_an_export_under_way_is_cut_off_and_stops_nobody(tmp_path: Path, dsn: str) -> None:
    async with serving(tmp_path, DATABASE_URL=dsn, SOURCES="csv") as service:
        await service.until(settled)
        conn = await asyncpg.connect(dsn)
        await conn.execute(MANY)
        await conn.close()
        async with aiohttp.ClientSession(headers={"Accept-Encoding": "identity"}) as client:
            response = await client.get(f"{service.url}/data?format=csv")
            await response.content.readany()
            service.process.send_signal(signal.SIGTERM)
            assert await stopped(service) == 0
            with pytest.raises(aiohttp.ClientError):
                await response.read()
