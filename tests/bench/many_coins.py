"""A table of many coins, filled by PostgreSQL itself, and the API over it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from .databases import Databases
from .process import Server, free_port, serving

_API = Path(__file__).with_name("api_alone.py").resolve()
_COINS = """
INSERT INTO unified_crypto (
    source, coin_id, name, symbol, rank, price_usd, market_cap_usd, volume_24h_usd, price_change_24h_percent,
    observed_at, fetched_at, run_id, raw_id, raw_position
)
SELECT
    'csv', 'simulated-coin-' || n, 'Simulated Coin ' || n, 'SIM' || n, n, (1e4 / n)::numeric(30, 10),
    (1e12 / n)::numeric(30, 2), (1e10 / n)::numeric(30, 2), (n % 200 - 100) / 7.0, now(), now(), 1, 1, n
FROM generate_series(1, $1::integer) AS n
"""
_ASSETS = """
INSERT INTO asset_source (source, coin_id, asset_id, name, symbol, method, confidence)
SELECT source, coin_id, coin_id, name, symbol, 'alone', 1 FROM unified_crypto
"""


async def filled(made: Databases, coins: int) -> str:
    """DSN of a new database with so many coins, at rest."""
    dsn = await made.fresh()
    conn = await asyncpg.connect(dsn)
    await conn.execute(_COINS, coins, timeout=None)
    for statement in (_ASSETS, "VACUUM ANALYZE", "CHECKPOINT"):
        await conn.execute(statement, timeout=None)
    await conn.close()
    return dsn


@contextmanager
def api(dsn: str) -> Iterator[Server]:
    """The API over this database."""
    port = free_port()
    with serving(_API.parent, port, "/health/live", str(_API), str(port), dsn) as server:
        yield server
