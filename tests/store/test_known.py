"""What was known of coins at a moment: whatever a source sends, then and later, the present is told as it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from kasparro.domain import Entry, Ticker
from kasparro.ingest.assets import resolve
from kasparro.store import knowledge, maintenance, tickers
from kasparro.store.pool import Connection, Pool
from kasparro.store.quotes import quotes
from kasparro.store.tickers import Origin

ROOM = (
    "SELECT ensure_history_partition((now() + month * interval '1 month')::date) FROM generate_series(-1, 1) AS month"
)
PRESENT = """
SELECT source, coin_id, name, symbol, price_usd, market_cap_usd, volume_24h_usd, observed_at, high_usd
FROM unified_crypto ORDER BY source, coin_id
"""
KNOWN = """
SELECT source, coin_id, name, symbol, price_usd, market_cap_usd, volume_24h_usd, observed_at, high_usd
FROM coins_known($1, NULL, NULL, NULL, NULL, NULL, NULL) ORDER BY source, coin_id
"""
BLANK = Ticker(*[None] * len(Ticker._fields))  # type: ignore[arg-type]


class Vendor:
    """Sends what it likes: corrections, old news, prices that vanish, new names, dates ahead, and none at all."""

    def __init__(self, random: Random, now: datetime) -> None:
        self._choice = random.choice
        self._sample = random.sample
        self._now = now

    def page(self) -> list[Entry]:
        coins = self._sample("abcd", self._choice([1, 2, 3, 4]))
        return [Entry(position, self._ticker(coin)) for position, coin in enumerate(coins)]

    def _ticker(self, coin: str) -> Ticker:
        return BLANK._replace(
            coin_id=coin,
            name=self._choice([coin, coin, coin, "other"]),
            symbol=self._choice(["S", "S", "T", None]),
            rank=self._choice([1, 2]),
            price_usd=self._choice([Decimal(1), Decimal(2), Decimal("3.5"), None]),
            market_cap_usd=self._choice([Decimal(7), None]),
            high_usd=self._choice([Decimal(9), None]),
            source_updated_at=self._choice([None, *(self._now + timedelta(minutes=off) for off in range(-9, 9))]),
        )


async def deliver(conn: Connection, source: str, raw_id: int, entries: list[Entry], *, replayed: bool) -> None:
    """A page of this source, as ingestion commits it, or as a replay does: with a page and a time of long ago."""
    async with conn.transaction():
        now = await conn.fetchval("SELECT now()")
        fetched_at = now - timedelta(minutes=3) if replayed else now
        origin = Origin(
            source, 1, raw_id // 2 if replayed else raw_id, fetched_at, source == "csv", now - timedelta(20)
        )
        await tickers.merge(conn, origin, tickers.copy_text(entries))
        if replayed:
            await knowledge.note(conn, source, [entry.ticker.coin_id for entry in entries])


async def rows(conn: Connection, query: str, *given: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await conn.fetch(query, *given)]


@pytest.mark.parametrize("seed", range(2))
async def test_what_was_known_is_the_present_of_then(pool: Pool, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - figures to test with
    async with pool.acquire() as conn:
        await conn.execute(ROOM)
        vendor, told = Vendor(random, await conn.fetchval("SELECT now()")), []
        for raw_id in range(1, 90):
            source = random.choice(["csv", "coingecko"])
            await deliver(conn, source, raw_id, vendor.page(), replayed=random.random() < 0.2)
            moment, present = await conn.fetchval("SELECT clock_timestamp()"), await rows(conn, PRESENT)
            assert await rows(conn, KNOWN, moment) == present
            told.append((moment, present))
        for moment, present in told:
            assert await rows(conn, KNOWN, moment) == present


HAPPENED = [
    "UPDATE source_state SET failures = 2 WHERE source = 'csv'",
    "UPDATE etl_run SET status = 'failed', error_kind = 'RateLimited' WHERE source = 'coingecko' AND false",
    "UPDATE source_state SET failures = 0, checked_at = now() WHERE source = 'csv'",
    "UPDATE source_state SET enabled = false WHERE source = 'coingecko'",
    "UPDATE source_state SET enabled = true, interval_seconds = 7 WHERE source = 'coingecko'",
    "INSERT INTO etl_run (source, trigger, owner, fence, status, finished_at, error_kind) "
    "VALUES ('csv', 'manual', 'me', 1, 'failed', clock_timestamp(), 'RateLimited')",
    "INSERT INTO etl_run (source, trigger, owner, fence, status, finished_at) "
    "VALUES ('csv', 'manual', 'me', 1, 'success', clock_timestamp())",
    "INSERT INTO coin_absence (source, coin_id, missed_by) VALUES ('coingecko', 'a', 1)",
    "UPDATE coin_absence SET confirmed_by = 2, confirmed_at = now()",
    "DELETE FROM coin_absence",
    "INSERT INTO source_state (source, interval_seconds) VALUES ('new', 60)",
    "UPDATE asset_source SET asset_id = (SELECT min(asset_id) FROM asset) WHERE source = 'csv' AND coin_id = 'b'",
    "UPDATE asset SET merged_into = (SELECT min(asset_id) FROM asset), sources = 0 WHERE asset_id = "
    "(SELECT asset_id FROM asset WHERE merged_into IS NULL ORDER BY asset_id DESC LIMIT 1)",
    "UPDATE price_history SET price_usd = price_usd + 1 WHERE coin_id = 'a'",
    "DELETE FROM price_history WHERE observed_at = (SELECT min(observed_at) FROM price_history)",
]


async def test_quotes_and_links_are_told_as_they_were_known(pool: Pool) -> None:
    random = Random(5)  # noqa: S311 - figures to test with
    paths = {"coingecko": "id"}
    async with pool.acquire() as conn:
        await conn.execute(ROOM)
        for source in ("coingecko", "csv"):
            await conn.execute("INSERT INTO source_state (source, interval_seconds) VALUES ($1, 60)", source)
        vendor, told = Vendor(random, await conn.fetchval("SELECT now()")), []
        for raw_id, happened in enumerate(HAPPENED, start=1):
            for source in ("coingecko", "csv"):
                await deliver(conn, source, raw_id, vendor.page(), replayed=False)
            await resolve(conn)
            await conn.execute(happened)
            moment = await conn.fetchval("SELECT clock_timestamp()")
            assets = [row["asset_id"] for row in await conn.fetch("SELECT asset_id FROM asset")]
            present = await quotes(conn, assets, paths)
            assert await quotes(conn, assets, paths, as_of=moment) == present, happened
            told.append((moment, assets, present))
        for moment, assets, present in told:
            assert await quotes(conn, assets, paths, as_of=moment) == present


async def test_retention_takes_moments_and_no_coins(pool: Pool) -> None:
    """A coin that was observed last in a month that is dropped is told all the same."""
    async with pool.acquire() as conn:
        await conn.execute(ROOM)
        await conn.execute("SELECT ensure_history_partition('2020-01-01')")
        await conn.execute("UPDATE knowledge SET since = '2020-01-01'")
        for coin, day in ("quiet", "2020-01-02"), ("alive", "2020-01-02"):
            ticker = BLANK._replace(coin_id=coin, name=coin, price_usd=Decimal(7))
            entry = Entry(0, ticker._replace(source_updated_at=datetime.fromisoformat(f"{day}T00:00:00+00:00")))
            origin = Origin("csv", 1, 1, datetime.now(UTC), True, datetime(2020, 1, 1, tzinfo=UTC))
            async with conn.transaction():
                await tickers.merge(conn, origin, tickers.copy_text([entry]))
        await conn.execute("ALTER TABLE price_history DISABLE TRIGGER keep_tick")
        await conn.execute("UPDATE price_history SET known_since = '2020-01-03'")
        await conn.execute("ALTER TABLE price_history ENABLE TRIGGER keep_tick")
        now = await conn.fetchval("SELECT now()")
        fresh = Entry(0, BLANK._replace(coin_id="alive", name="alive", price_usd=Decimal(8), source_updated_at=now))
        await deliver(conn, "csv", 2, [fresh], replayed=False)
        moments = [now - timedelta(days=1), await conn.fetchval("SELECT clock_timestamp()")]
        told = [await rows(conn, KNOWN, moment) for moment in moments]
        assert [[row[4] for row in known] for known in told] == [[7, 7], [8, 7]]
        for _ in range(2):
            await maintenance.retain(conn, raw_days=14, history_days=100, run_days=90)
            assert await conn.fetchval("SELECT count(*) FROM price_history") == 1
            assert [await rows(conn, KNOWN, moment) for moment in moments] == told
        since = await conn.fetchval("SELECT since FROM knowledge")
        assert since.day == 1
        assert timedelta(days=100) <= now - since < timedelta(days=132)
