"""A database of many assets, each with a listing of two vendors and a history, filled by PostgreSQL itself."""

from __future__ import annotations

import asyncpg

from .databases import Databases

_FILL = (
    """
    INSERT INTO unified_crypto (
        source, coin_id, name, symbol, rank, price_usd, market_cap_usd, volume_24h_usd,
        observed_at, fetched_at, run_id, raw_id, raw_position
    )
    SELECT
        source, 'simulated-coin-' || n, 'Simulated Coin ' || n, 'SIM' || n, n, (1e4 / n)::numeric(30, 10),
        (1e12 / n)::numeric(30, 2), (1e10 / n)::numeric(30, 2), now(), now(), 1, 1, n
    FROM unnest(ARRAY['coinpaprika', 'coingecko']) AS source, generate_series(1, $1::integer) AS n
    """,
    """
    INSERT INTO asset_source (source, coin_id, asset_id, name, symbol, method, confidence)
    SELECT source, coin_id, coin_id, name, symbol, 'name_symbol', 0.97 FROM unified_crypto WHERE rank <= $1
    """,
    """
    INSERT INTO asset (asset_id, name, symbol, sources)
    SELECT coin_id, name, symbol, 2 FROM unified_crypto WHERE source = 'coingecko' AND rank <= $1
    """,
    """
    INSERT INTO price_history (source, coin_id, observed_at, fetched_at, price_usd, run_id, raw_id, raw_position)
    SELECT source, coin_id, observed_at - back * interval '5 minutes', fetched_at, price_usd, 1, 1, rank
    FROM unified_crypto, generate_series(0, 20) AS back WHERE rank <= $1
    """,
    "INSERT INTO source_state (source, interval_seconds) SELECT unnest(ARRAY['coinpaprika', 'coingecko']), $1",
)


async def filled(made: Databases, assets: int) -> str:
    """DSN of a new database with so many assets, at rest."""
    dsn = await made.fresh()
    conn = await asyncpg.connect(dsn)
    for statement in _FILL:
        await conn.execute(statement, assets, timeout=None)
    for statement in ("VACUUM ANALYZE", "CHECKPOINT"):
        await conn.execute(statement, timeout=None)
    await conn.close()
    return dsn
