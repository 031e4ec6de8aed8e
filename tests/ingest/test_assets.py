"""Listings find their assets after a run: once, whoever runs, whatever dies, and with every change kept."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import asyncpg
import pytest

from kasparro.identity.listing import Key
from kasparro.ingest import assets as ingest
from kasparro.ingest.assets import Resolver, resolve
from kasparro.ingest.snapshots import ENOUGH
from kasparro.metrics import Metrics
from kasparro.sandbox import Sandbox, faults
from kasparro.store import assets, curation, reports
from kasparro.store.pool import Pool

COIN = """
INSERT INTO unified_crypto (source, coin_id, name, symbol, price_usd, market_cap_usd, observed_at, fetched_at, run_id,
    raw_id, raw_position)
VALUES ($1, $2, $3, $4, $5::text::numeric, $6::text::numeric, now(), now(), 1, 1, 0)
ON CONFLICT (source, coin_id) DO UPDATE SET name = excluded.name, symbol = excluded.symbol,
    price_usd = excluded.price_usd, observed_at = now()
"""


class Market:
    """Writes listings, resolves them, and reads what came of it."""

    def __init__(self, conn: asyncpg.Connection) -> None:
        self.conn = conn

    async def lists(
        self,
        source: str,
        coin_id: str,
        name: str,
        symbol: str | None,
        *,
        price: str | None = None,
        cap: str | None = None,
    ) -> None:
        await self.conn.execute(COIN, source, coin_id, name, symbol, price, cap)

    async def place(self, coin_id: str) -> Any:
        return await self.conn.fetchrow("SELECT * FROM asset_source WHERE coin_id = $1", coin_id)

    async def asset(self, asset_id: str) -> Any:
        return await self.conn.fetchrow("SELECT * FROM asset WHERE asset_id = $1", asset_id)

    async def events(self) -> list[tuple[str, str, str | None]]:
        rows = await self.conn.fetch("SELECT asset_id, kind, coin_id FROM asset_event ORDER BY event_id")
        return [tuple(row) for row in rows]

    async def written(self) -> list[Any]:
        """Every row, with the transaction that wrote it."""
        return await self.conn.fetch(
            "SELECT source, coin_id, asset_id, xmin::text FROM asset_source "
            "UNION ALL SELECT '', name, asset_id, xmin::text FROM asset ORDER BY 1, 2"
        )


@pytest.fixture
async def market(pool: Pool) -> Any:
    async with pool.acquire() as conn:
        market = Market(conn)
        await market.lists("coinpaprika", "btc-bitcoin", "Bitcoin", "BTC")
        await market.lists("coingecko", "bitcoin", "Bitcoin", "btc")
        await market.lists("coingecko", "ethereum", "Ethereum", "eth")
        yield market


async def test_sources_meet_in_one_asset(market: Market) -> None:
    await resolve(market.conn)
    bitcoin = await market.asset("bitcoin")
    assert (bitcoin["name"], bitcoin["symbol"], bitcoin["sources"]) == ("Bitcoin", "BTC", 2)
    assert await assets.count(market.conn) == (2, 1, 0)
    place = await market.place("btc-bitcoin")
    assert (place["method"], place["confidence"], place["evidence"]["coin_id"]) == ("name_symbol", 0.95, "bitcoin")
    assert await market.events() == [("bitcoin", "linked", "btc-bitcoin")]


async def test_nothing_new_writes_nothing(market: Market) -> None:
    await market.lists("coinpaprika", "a-abc", "Abc", "ABC")
    for coin_id in "abc", "abc-2":
        await market.lists("coingecko", coin_id, "Abc", "abc")
    await resolve(market.conn)
    before, events = await market.written(), await market.events()
    await market.lists("coingecko", "bitcoin", "Bitcoin", "btc", price="1")
    for everything in False, True, True:
        await resolve(market.conn, everything=everything)
    assert await market.written() == before
    assert await market.events() == events


async def test_only_what_is_new_is_looked_at(market: Market) -> None:
    await resolve(market.conn)
    await market.lists("coinpaprika", "eth-ethereum", "Ethereum", "ETH")
    made = await resolve(market.conn)
    assert {place.key.coin_id for place in made.places} == {"eth-ethereum", "ethereum"}
    assert (await market.asset("ethereum"))["sources"] == 2


async def test_renamed_coin_keeps_its_asset_and_its_former_name(market: Market) -> None:
    await resolve(market.conn)
    await market.lists("coingecko", "ethereum", "Ether \\ Prime", "prime")
    await resolve(market.conn)
    asset = await market.asset("ethereum")
    assert (asset["name"], asset["symbol"], asset["former_names"]) == ("Ether \\ Prime", "PRIME", ["Ethereum"])
    assert ("ethereum", "renamed", "ethereum") in await market.events()
    await market.lists("coingecko", "ethereum", "Ethereum", "eth")
    await resolve(market.conn)
    assert (await market.asset("ethereum"))["former_names"] == ["Ether \\ Prime"]


async def test_price_that_runs_away_flags_the_link_and_never_moves_it(market: Market) -> None:
    await resolve(market.conn)
    await market.lists("coingecko", "bitcoin", "Bitcoin", "btc", price="117000")
    await market.lists("coinpaprika", "btc-bitcoin", "Bitcoin", "BTC", price="1")
    await resolve(market.conn, everything=True)
    assert (await market.asset("bitcoin"))["is_ambiguous"]
    assert [kind for _, kind, _ in await market.events()] == ["linked", "flagged", "flagged"]
    await market.lists("coinpaprika", "btc-bitcoin", "Bitcoin", "BTC", price="117000")
    await resolve(market.conn, everything=True)
    assert (await market.asset("bitcoin"))["is_ambiguous"]
    assert len(await market.events()) == 3


async def test_contract_that_speaks_against_a_link_flags_it_and_moves_nothing(market: Market) -> None:
    await resolve(market.conn)
    before = await market.written()
    await market.conn.execute(
        "INSERT INTO coin_contract VALUES ('coingecko', 'bitcoin', 'ethereum', '0x1'),"
        " ('coinpaprika', 'btc-bitcoin', 'ethereum', '0x2')"
    )
    await resolve(market.conn, everything=True)
    assert [row[:3] for row in await market.written()] == [row[:3] for row in before]
    assert (await market.asset("bitcoin"))["is_ambiguous"]
    assert [kind for _, kind, _ in await market.events()] == ["linked", "flagged", "flagged"]


async def test_coin_that_vanishes_stays_linked_and_is_gone_by_the_second_whole_snapshot(
    make_pipeline: Any, pool: Pool, sandbox: Sandbox, market: Market
) -> None:
    pipeline, told = make_pipeline("coingecko", pages=1), []
    others = [{"id": f"c-{n}", "name": f"C {n}"} for n in range(19)]
    whole, fewer = [{"id": "bitcoin", "symbol": "btc", "name": "Bitcoin"}, *others], others
    for listed in (*[whole] * ENOUGH, fewer, fewer):
        sandbox.fail("coingecko", faults.Literal(200, {}, json.dumps(listed).encode()))
        await pipeline.run("manual")
        await resolve(market.conn, everything=True)
        asset = json.loads((await reports.asset(market.conn, "bitcoin", events=1))[0] or "")
        told.append([(each["source"], bool(each["gone_since"])) for each in asset["listings"]])
    here, gone = [("coingecko", False), ("coinpaprika", False)], [("coingecko", True), ("coinpaprika", False)]
    assert told == [*[here] * ENOUGH, here, gone]


async def test_events_tell_where_every_listing_is(market: Market) -> None:
    """Whatever people and rules do, in any order: what is kept of it leads to what is there."""
    chance, conn = random.Random(7), market.conn  # noqa: S311 - no secret
    for source, coin_id in ("coinpaprika", "eth-ethereum"), ("csv", "btc"), ("csv", "eth"):
        await market.lists(source, coin_id, "Bitcoin" if "btc" in coin_id else "Ethereum", coin_id[:3].upper())
    await resolve(conn)
    keys = [Key(*row) for row in await conn.fetch("SELECT source, coin_id FROM unified_crypto ORDER BY 1, 2")]
    first = {key: (await market.place(key.coin_id))["asset_id"] for key in keys}
    known = len(await market.events())
    for _ in range(25):
        key, other = chance.sample(keys, 2)
        mine, theirs = [(await market.place(each.coin_id))["asset_id"] for each in (key, other)]
        match chance.choice(["link", "unlink", "merge", "split", "rename"]):
            case "link":
                await curation.link(conn, key, theirs)
            case "unlink":
                await curation.unlink(conn, key)
            case "merge":
                await curation.merge(conn, mine, theirs)
            case "split":
                await curation.split(conn, mine, [key])
            case "rename":
                await market.lists(*key, f"Coin {chance.random()}", "NEW")
        await resolve(conn, everything=True)
    for row in (await conn.fetch("SELECT * FROM asset_event ORDER BY event_id"))[known:]:
        if row["kind"] == "linked":
            first[Key(row["source"], row["coin_id"])] = row["asset_id"]
    assert first == {key: (await market.place(key.coin_id))["asset_id"] for key in keys}


async def test_figures_that_come_later_decide(market: Market) -> None:
    await market.lists("coinpaprika", "a-abc", "Abc", "ABC", price="2", cap="100")
    await market.lists("coingecko", "abc", "Abc", "abc")
    await market.lists("coingecko", "abc-2", "Abc", "abc")
    await resolve(market.conn)
    place = await market.place("a-abc")
    assert place["is_ambiguous"]
    assert [candidate["coin_id"] for candidate in place["candidates"]] == ["abc", "abc-2"]
    await market.lists("coingecko", "abc-2", "Abc", "abc", price="2.02")
    await resolve(market.conn, everything=True)
    place, partner = await market.place("a-abc"), await market.place("abc-2")
    assert place["asset_id"] == partner["asset_id"]
    assert not place["is_ambiguous"]
    merged = await market.conn.fetchrow("SELECT * FROM asset WHERE merged_into IS NOT NULL")
    assert (merged["sources"], merged["merged_into"]) == (0, place["asset_id"])


async def test_processes_that_resolve_at_once_do_it_once(market: Market, pool: Pool) -> None:
    async def work() -> int:
        async with pool.acquire() as conn:
            return len((await resolve(conn)).places)

    assert sorted(await asyncio.gather(work(), work(), work())) == [0, 0, 3]
    assert await assets.count(market.conn) == (2, 1, 0)


@pytest.mark.parametrize("step", ["changes", "save"])
async def test_death_in_the_middle_leaves_nothing_and_the_next_does_it(
    market: Market, pool: Pool, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Death(Exception):
        """The process ends here."""

    async def dies(conn: Any, changes: Any, actor: Any) -> None:
        await original(conn, changes, actor)
        raise Death

    def breaks(*_: Any) -> None:
        raise Death

    original = assets.save
    with monkeypatch.context() as patch:
        patch.setattr(assets, "save", dies) if step == "save" else patch.setattr(ingest, "changes", breaks)
        with pytest.raises(Death):
            await resolve(market.conn)
    assert await market.written() == []
    assert len((await resolve(market.conn)).places) == 3


async def test_resolver_outlives_a_database_that_is_away(
    market: Market, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = Resolver(pool, metrics := Metrics())
    with monkeypatch.context() as patch:
        patch.setattr(ingest, "resolve", lambda *_, **__: _away())
        await resolver.once()
    await resolver.once()
    assert b'kasparro_assets{state="linked"} 1' in metrics.render()


async def _away() -> None:
    raise asyncpg.ConnectionDoesNotExistError


async def test_woken_resolver_resolves(market: Market, pool: Pool) -> None:
    resolver = Resolver(pool, Metrics())
    task = asyncio.create_task(resolver.keep())
    try:
        async with asyncio.timeout(20):
            while await market.asset("bitcoin") is None:
                await asyncio.sleep(0.01)
            await market.lists("csv", "btc", "Bitcoin", "BTC")
            resolver.wake()
            while (await market.asset("bitcoin"))["sources"] < 3:
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_everything_of_the_sandbox_is_resolved(make_pipeline: Any, pool: Pool) -> None:
    for source, options in ("coinpaprika", {}), ("coingecko", {"pages": "all"}), ("csv", {}):
        await make_pipeline(source, **options).run("manual")
    async with pool.acquire() as conn:
        await resolve(conn)
        found = await assets.count(conn)
        assert found.linked > 650
        assert found.ambiguous == 0
        assert await conn.fetchval("SELECT bool_and(held = sources) FROM asset JOIN (SELECT asset_id, count(*) AS held "
                                   "FROM asset_source GROUP BY 1) AS listings USING (asset_id)")  # fmt: skip
