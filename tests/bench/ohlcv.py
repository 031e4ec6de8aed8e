"""What candles cost: rolled up, next to writing their ticks; and read, of a year of five-minute ticks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from random import Random

import asyncpg

from kasparro.domain import Entry, Ticker
from kasparro.store import candles, maintenance, tickers
from kasparro.store.pool import Connection, ingest_pool
from kasparro.store.tickers import Origin

from .databases import Databases
from .load import Load, Wish, load
from .many_coins import api
from .report import Figure, Most
from .serving import CONNECTIONS, ROUNDS, SECONDS, lines

START, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
FIVE, DAY = timedelta(minutes=5), timedelta(days=1)
COINS, PAGES = 500, 288  # of a day
ASSETS = 5
_SHARE = 0.15
_PATHS = 4000  # more than are kept
_MONTHS = [START + 31 * month * DAY for month in range(12)]
_NEVER = datetime(1, 1, 1, tzinfo=UTC)
_NOTHING = Ticker(*[None] * len(Ticker._fields))  # type: ignore[arg-type]
_YEAR = """
INSERT INTO price_history (
    source, coin_id, observed_at, price_usd, market_cap_usd, volume_24h_usd, fetched_at, run_id, raw_id, raw_position
)
SELECT
    source, 'coin-' || n, at + (n * 7) * interval '1 second', (1000 + n + random())::numeric(20, 8),
    (random() * 1e9)::numeric(20, 2), (random() * 1e7)::numeric(20, 2), at, 1, 1, n
FROM
    generate_series($1::timestamptz, $2::timestamptz - interval '1 second', interval '5 minutes') AS at,
    unnest(ARRAY['coinpaprika', 'coingecko']) AS source,
    generate_series(1, $3::integer) AS n
"""
_ASSETS = """
WITH made AS (
    INSERT INTO asset (asset_id, name) SELECT 'coin-' || n, 'Coin ' || n FROM generate_series(1, $1::integer) AS n
    RETURNING asset_id
)
INSERT INTO asset_source (source, coin_id, asset_id, name, method, confidence)
SELECT source, asset_id, asset_id, asset_id, 'manual', 1 FROM made, unnest(ARRAY['coinpaprika', 'coingecko']) AS source
"""
_LEASES = "INSERT INTO source_lease (source) VALUES ('coinpaprika'), ('coingecko')"


async def measure(made: Databases) -> list[Figure]:
    """The share of rolling up, and requests a second of each kind of page."""
    return [*await _cost(made), *await _reading(made)]


async def _cost(made: Databases) -> list[Figure]:
    """A day of ticks, written as ingestion merges them, and rolled up; the best of a few days each."""
    written, rolled = [], []
    async with ingest_pool(await made.fresh(), 1) as pool, pool.acquire() as conn:
        await conn.execute(_LEASES)
        await maintenance.make_history(conn, [START])
        await _roll_up(conn, START)
        for day in range(ROUNDS):
            began = time.perf_counter()
            await _write(conn, START + day * DAY)
            between = time.perf_counter()
            await _roll_up(conn, START + (day + 1) * DAY)
            written.append(between - began)
            rolled.append(time.perf_counter() - between)
        assert await conn.fetchval("SELECT count(*) FROM candle_day") == ROUNDS * COINS
    ticks, share = COINS * PAGES, min(rolled) / min(written)
    return [
        Figure("COPY and merge of a day of five-minute ticks", ticks / min(written), "ticks/s"),
        Figure("the same rolled up", ticks / min(rolled), "ticks/s", f"{share:.3f} of it {Most(share, _SHARE)}"),
    ]


async def _write(conn: Connection, day: datetime) -> None:
    random = Random(day.day)  # noqa: S311 - figures to measure with
    for page in range(PAGES):
        at = day + page * FIVE
        entries = [Entry(number, _ticker(number, at, random)) for number in range(COINS)]
        async with conn.transaction():
            await tickers.merge(conn, Origin("coinpaprika", 1, page, at, False, _NEVER), tickers.copy_text(entries))


def _ticker(number: int, at: datetime, random: Random) -> Ticker:
    return _NOTHING._replace(
        coin_id=f"simulated-coin-{number}",
        name=f"Simulated Coin {number}",
        price_usd=f"{random.uniform(1, 2):.8f}",
        market_cap_usd=f"{random.uniform(1e9, 2e9):.2f}",
        volume_24h_usd=f"{random.uniform(1e6, 2e6):.2f}",
        source_updated_at=at,
    )


async def _roll_up(conn: Connection, ended: datetime) -> None:
    for source in await candles.sources(conn):
        while await _step(conn, source, ended):
            pass


async def _step(conn: Connection, source: str, ended: datetime) -> bool:
    async with conn.transaction():
        return await candles.advance(conn, source) or await candles.begin(conn, source, ended=ended, expiring=_NEVER)


async def _reading(made: Databases) -> list[Figure]:
    """Pages of two sources together: a year of days, and a hundred hours or five minutes of any time of the year."""
    dsn = await _year(made)
    wishes = {
        "a year of days, kept": Wish(["/assets/coin-1/ohlcv?page_size=365"]),
        "a year of days, read anew": Wish(_paths("1d", 365, DAY / 20, END)),
        "100 hours, read anew": Wish(_paths("1h", 100, timedelta(hours=2), END)),
        "100 times 5 minutes, read anew": Wish(_paths("5m", 100, timedelta(hours=2), END)),
    }
    with api(dsn) as server:
        loads: dict[str, list[Load]] = {what: [] for what in wishes}
        for _ in range(ROUNDS):
            for what, wish in wishes.items():
                loads[what].append(await load(server, wish, connections=CONNECTIONS, seconds=SECONDS))
    return list(_figures({what: max(each, key=lambda one: one.rate) for what, each in loads.items()}))


def _figures(best: Mapping[str, Load]) -> Iterator[Figure]:
    for what, found in best.items():
        yield from lines(f"GET ohlcv: {what}", found)


def _paths(interval: str, size: int, apart: timedelta, end: datetime) -> list[str]:
    """Pages of the assets in turns, each of another time."""
    return [
        f"/assets/coin-{number % ASSETS + 1}/ohlcv?interval={interval}&page_size={size}"
        f"&to={(end - number // ASSETS * apart).strftime('%Y-%m-%dT%H:%M:%SZ')}"
        for number in range(_PATHS)
    ]


async def _year(made: Databases) -> str:
    """DSN of a database with a year of ticks of some assets, rolled up and at rest."""
    dsn = await made.fresh()
    async with ingest_pool(dsn, 1) as pool, pool.acquire() as conn:
        await maintenance.make_history(conn, _MONTHS)
        await conn.execute(_LEASES)
        await conn.execute(_ASSETS, ASSETS)
        await conn.execute(_YEAR, START, END, ASSETS, timeout=None)
        await _roll_up(conn, END)
    conn = await asyncpg.connect(dsn)
    for statement in "VACUUM ANALYZE", "CHECKPOINT":
        await conn.execute(statement, timeout=None)
    await conn.close()
    return dsn
