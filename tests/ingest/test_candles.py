"""Candles are those of the ticks at every instant, whatever comes late, is corrected, is rolled up or has expired."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, NamedTuple

import asyncpg
import pytest

from kasparro.domain import Entry, Ticker
from kasparro.ingest.candles import Roller
from kasparro.ingest.rebuild import Rebuild
from kasparro.metrics import Metrics
from kasparro.sources import SOURCES
from kasparro.store import candles, leases, maintenance, tickers
from kasparro.store.pool import Pool
from kasparro.store.tickers import Origin

from .conftest import MakePipeline

START = datetime(2025, 2, 26, tzinfo=UTC)
EXPIRING = START + timedelta(days=3)
FIVE, DAY = timedelta(minutes=5), timedelta(days=1)
STEPS = (FIVE, 3 * FIVE, 12 * FIVE, 48 * FIVE, DAY)
EVER = datetime(1, 1, 1, tzinfo=UTC)
SPAN = (START - 5 * DAY, START + 15 * DAY)
COINS = ("a", "b", "lazy")
NOTHING = Ticker(*[None] * len(Ticker._fields))  # type: ignore[arg-type]
TICKS = """
SELECT coin_id, observed_at, price_usd, volume_24h_usd, open_usd, high_usd, low_usd
FROM price_history WHERE source = $1 ORDER BY observed_at
"""
ROWS = (
    "SELECT coin_id, source, day, whole::text, hours::text, fives::text FROM candle_day ORDER BY coin_id, source, day"
)


class Said(NamedTuple):
    """What a source said of a coin at a time; with `ohl`, of a whole day."""

    coin: str
    at: datetime
    price: str
    volume: str | None = None
    ohl: tuple[str, str, str] | None = None


class World:
    """A database that pages are written to, in the transactions that ingestion writes them in."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.roller = Roller(pool, Metrics())
        self.pages = count(1)
        self.fences: dict[str, int] = {}

    async def lease(self, conn: asyncpg.Connection, source: str) -> None:
        if source not in self.fences:
            self.fences[source] = await leases.acquire(conn, source, "test")
        await leases.renew(conn, source, self.fences[source])

    @asynccontextmanager
    async def page(self, source: str, said: Iterable[Said], raw_id: int | None = None) -> AsyncIterator[None]:
        """A page that is written when the block begins and committed when it ends."""
        async with self.pool.acquire() as conn, conn.transaction():
            await self.lease(conn, source)
            raw_id = raw_id or next(self.pages)
            origin = Origin(source, 1, raw_id, datetime.now(UTC), True, EVER)
            entries = [Entry(position, _ticker(each)) for position, each in enumerate(said)]
            await tickers.merge(conn, origin, tickers.copy_text(entries))
            yield

    async def write(self, source: str, said: Iterable[Said], raw_id: int | None = None) -> None:
        async with self.page(source, said, raw_id):
            pass

    async def fetch(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        async with self.pool.acquire() as conn:
            return [tuple(row) for row in await conn.fetch(query, *values)]

    async def step(self, source: str, ended: datetime, expiring: datetime = EXPIRING, *, dies: bool = False) -> bool:
        """A step of rolling up, as if these days had ended and expired; or one that is killed before its commit."""
        async with self.pool.acquire() as conn:
            transaction = conn.transaction()
            await transaction.start()
            assert await candles.lock(conn)
            worked = (
                await candles.mend(conn, source)
                or await candles.advance(conn, source)
                or await candles.begin(conn, source, ended=ended, expiring=expiring)
            )
            await (transaction.rollback() if dies else transaction.commit())
            return worked

    async def roll(self, source: str, ended: datetime, expiring: datetime = EXPIRING) -> None:
        while await self.step(source, ended, expiring):
            pass

    async def served(self, source: str) -> dict[tuple[str, timedelta], list[tuple[Any, ...]]]:
        """Every candle of the source."""
        query = "SELECT * FROM listing_candles($1, $2, $3, $4, $5) ORDER BY opened_at"
        return {(coin, step): await self.fetch(query, source, coin, step, *SPAN) for coin in COINS for step in STEPS}

    async def expected(self, source: str) -> dict[tuple[str, timedelta], list[tuple[Any, ...]]]:
        """The same, worked out here from the ticks."""
        ticks = await self.fetch(TICKS, source)
        return {
            (coin, step): _candles([tick for tick in ticks if tick[0] == coin], step)
            for coin in COINS
            for step in STEPS
        }


def _ticker(said: Said) -> Ticker:
    open_usd, high, low = said.ohl or (None, None, None)
    return NOTHING._replace(
        coin_id=said.coin,
        name=said.coin,
        price_usd=said.price,
        volume_24h_usd=said.volume,
        open_usd=open_usd,
        high_usd=high,
        low_usd=low,
        source_updated_at=said.at,
    )


def _bin(moment: datetime, step: timedelta) -> datetime:
    return moment - (moment - datetime(1970, 1, 1, tzinfo=UTC)) % step


def _candles(ticks: list[tuple[Any, ...]], step: timedelta) -> list[tuple[Any, ...]]:
    made = {}
    spans = defaultdict(list)
    for tick in ticks:
        spans[_bin(tick[1], step)].append(tick)
    for opened_at, inside in spans.items():
        moments = [tick for tick in inside if tick[4] is None]
        days = [
            tick
            for tick in inside
            if tick[4] is not None and tick[6] <= min(tick[2:5:2]) and tick[5] >= max(tick[2:5:2])
        ]
        if days and step == DAY:
            _, _, close, volume, open_usd, high, low = days[-1]
            made[opened_at] = (opened_at, open_usd, high, low, close, volume, 1, 288, True)
        elif moments:
            prices = [tick[2] for tick in moments]
            steps = len({_bin(tick[1], FIVE) for tick in moments})
            figures = prices[0], max(prices), min(prices), prices[-1], moments[-1][3]
            made[opened_at] = (opened_at, *figures, len(moments), steps, False)
    return list(made.values())


def _random_said(random: Random, first: int, days: int) -> list[Said]:
    """Some ticks of some days: many, so that they are rolled up, few, and whole days."""
    said = {}
    for _ in range(random.choice([1, 5, 60])):
        coin = random.choice(COINS[:2])
        day = START + random.randrange(first, first + days) * DAY
        at = day + random.randrange(24 * 3600) * timedelta(seconds=1)
        if random.random() < 0.1:
            coin, at = random.choice([("lazy", at), (coin, day), (coin, day + DAY - timedelta(milliseconds=1))])
        price = f"{random.uniform(1, 100):.{random.randrange(3, 12)}f}"
        is_day = coin != "lazy" and at - day in (timedelta(0), DAY - timedelta(milliseconds=1))
        ohl = (f"{random.uniform(1, 100):.5f}", random.choice(["100", "50"]), "1") if is_day else None
        said[coin, at] = Said(coin, at, price, random.choice([None, "1e12", "123.45000"]), ohl)
    return list(said.values())


@pytest.fixture
async def world(pool: Pool) -> World:
    async with pool.acquire() as conn:
        await maintenance.make_history(conn, [START, START + 5 * DAY, START + 40 * DAY])
        await conn.execute("INSERT INTO source_lease (source) VALUES ('x'), ('y')")
    return World(pool)


@pytest.mark.parametrize("seed", range(3))
async def test_candles_are_those_of_the_ticks_whatever_comes_when(world: World, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - figures to test with
    for _ in range(60):
        source = random.choice(["x", "y"])
        today = random.randrange(10)
        match random.randrange(5):
            case 0 | 1:
                await world.write(source, _random_said(random, 0, 10), random.choice([None, 1]))
            case 2:
                said = _random_said(random, 0, 10)
                await world.write(source, [each._replace(price="7.00") for each in said])
            case 3:
                await world.step(source, START + today * DAY, dies=random.random() < 0.3)
            case 4:
                await world.roll(source, START + today * DAY)
        if random.random() < 0.2:
            assert await world.served(source) == await world.expected(source)
    for source in "x", "y":
        await world.roll(source, START + 10 * DAY)
        assert await world.served(source) == await world.expected(source)
    kept = await world.fetch(ROWS)
    assert len(kept) > 10
    assert not await world.fetch("SELECT FROM candle_due")
    await world.fetch("DELETE FROM candle_day")
    await world.fetch("DELETE FROM candle_roll")
    for source in "x", "y":
        await world.roll(source, START + 10 * DAY)
    assert await world.fetch(ROWS) == kept


async def test_tick_that_is_committed_after_the_pass_begins_is_not_missed(world: World) -> None:
    said = [Said("a", START + minute * FIVE, "5") for minute in range(20)]
    async with world.page("x", said[:10]):
        rolling = asyncio.create_task(world.roll("x", START + 5 * DAY))
        waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        while not rolling.done() and not await world.fetch(waiting):
            await asyncio.sleep(0)
        assert not rolling.done()
    await rolling
    assert await world.served("x") == await world.expected("x")
    assert (await world.fetch("SELECT (whole).ticks FROM candle_day")) == [(10,)]
    async with world.page("x", said[10:], raw_id=1):
        await world.roll("x", START + 5 * DAY)
    assert await world.served("x") == await world.expected("x")
    await world.roll("x", START + 5 * DAY)
    assert (await world.fetch("SELECT (whole).ticks FROM candle_day")) == [(20,)]


async def test_ticks_expire_once_their_candles_are_written(world: World) -> None:
    await world.fetch("DELETE FROM source_lease WHERE source = 'y'")
    random = Random(1)  # noqa: S311 - figures to test with
    for _ in range(8):
        await world.write("x", _random_said(random, 0, 6))
    served = await world.served("x")
    world.roller.history_days = (datetime.now(UTC) - START.replace(month=3, day=1)).days

    async def retained() -> int:
        async with world.pool.acquire() as conn:
            gone = await maintenance.retain(conn, raw_days=1, history_days=world.roller.history_days, run_days=1)
        return gone.history_months

    assert await retained() == 0
    async with world.pool.acquire() as other, other.transaction():
        assert await candles.lock(other)
        await world.roller.run()
    assert await retained() == 0
    await world.roller.run()
    assert b'kasparro_candles_behind_seconds{source="x"} 0' in world.roller.metrics.render()
    late = Said("a", START + timedelta(seconds=1), "77")
    await world.write("x", [late])
    assert await retained() == 0
    await world.roller.run()
    served = await world.served("x")
    assert served == await world.expected("x")
    assert await retained() == 1
    assert not await world.fetch("SELECT FROM price_history WHERE observed_at < '2025-03-01'")
    assert await world.served("x") == served
    async with world.pool.acquire() as conn:
        await maintenance.make_history(conn, [START])
    await world.write("x", [late, Said("new", START, "5")])
    for expiring in EVER, START.replace(month=3, day=1):  # history was kept for longer, and is so no more
        await world.roll("x", datetime.now(UTC) + DAY, expiring)
        assert await world.served("x") == served
    assert await retained() == 1
    assert await world.served("x") == served
    assert await world.fetch("SELECT close FROM listing_candles('x', 'new', '1 day', $1, $2)", *SPAN) == [(5,)]


async def test_candles_follow_a_rebuild(
    make_pipeline: MakePipeline, world: World, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candles, "_FEW", 1)
    pipeline, tomorrow = make_pipeline("coinpaprika"), datetime.now(UTC) + DAY
    await pipeline.run("manual")

    async def rolled() -> list[tuple[Any, ...]]:
        await world.roll("coinpaprika", tomorrow)
        return await world.fetch(ROWS)

    kept = await rolled()
    assert len(kept) == 700
    await world.fetch("UPDATE price_history SET price_usd = 7 WHERE hashtext(coin_id) % 2 = 0")
    await world.fetch("DELETE FROM price_history WHERE hashtext(coin_id) % 3 = 0")
    await world.fetch("DELETE FROM candle_day")
    await world.fetch("DELETE FROM candle_roll")
    assert await rolled() != kept
    source = SOURCES["coinpaprika"]
    await Rebuild(source, source.options_type(), dsn, world.pool, "test").told(None)
    assert await rolled() == kept
