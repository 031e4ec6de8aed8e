"""P2: a page may come again, late and in any order, to any replica, and changes nothing the second time.
P5: a coin that was seen at some time is never taken back behind it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from decimal import Decimal
from random import Random

from kasparro.app import Workshop
from kasparro.selftest import books
from kasparro.selftest.books import Books
from kasparro.selftest.ground import Ground, Market
from kasparro.selftest.pages import at, coin, deliver, page
from kasparro.selftest.verdict import Verdict
from kasparro.store.sql import statement

_COINS_KEPT = statement("selftest_coins")
_COINS = 40  # on a page
_PAGES = 2
_POLLS = 10


async def repeats(ground: Ground, random: Random, verdict: Verdict) -> None:
    """Deliver the pages of two polls one to five times each, in any order, over two replicas."""
    old, new = ([_page(number, poll, random) for number in range(_PAGES)] for poll in (0, 1))
    truth = await _delivered(ground, old + new)
    deliveries = _again(old, random) + _again(new, random) + _again(old + new, random)
    verdict.count(deliveries=len(deliveries))
    books.compare(verdict, truth, await _delivered(ground, deliveries))


def _page(number: int, poll: int, random: Random) -> bytes:
    coins = range(number * _COINS, (number + 1) * _COINS)
    return page(coin(each, f"{random.random() * 1000:.9f}", minute=poll * 1000 + each) for each in coins)


def _again(bodies: list[bytes], random: Random) -> list[bytes]:
    """Each of the pages, one to five times, shuffled."""
    many = [body for body in bodies for _ in range(random.randint(1, 5))]
    random.shuffle(many)
    return many


async def _delivered(ground: Ground, bodies: list[bytes]) -> Books:
    """What the tables hold behind these deliveries, by two replicas at the same time."""
    async with ground.market(coins=10) as market, market.replica() as one, market.replica() as two:
        for first in range(0, len(bodies), 2):
            pair = zip(bodies[first : first + 2], (one, two), strict=False)
            await asyncio.gather(*(deliver(market, shop, body) for body, shop in pair))
        return await books.rows(ground)


async def monotone(ground: Ground, random: Random, verdict: Verdict) -> None:
    """Observations in random order of time: each coin's row is that of the newest, always."""
    async with ground.market(coins=10) as market, market.replica() as shop:
        for _ in range(_POLLS):
            await _observe(market, shop, random, verdict)


async def _observe(market: Market, shop: Workshop, random: Random, verdict: Verdict) -> None:
    """One page of observations at random times: none takes a row back, and each that is newest is kept."""
    before = await _kept(market.ground)
    seen = {f"coin-{number}": (random.random(), random.choice([None, *range(200)])) for number in range(_COINS)}
    records = [coin(number, f"{price:.12f}", minute=minute) for number, (price, minute) in enumerate(seen.values())]
    await deliver(market, shop, page(records))
    after = await _kept(market.ground)
    for key, (price, minute) in seen.items():
        had, told, has = before.get(key, (None, None))[1], at(minute), after[key]
        is_back = had is not None and (has[1] is None or has[1] < had)
        is_newest = told is None or had is None or told >= had
        is_kept = has[0] == Decimal(f"{price:.12f}")
        verdict.count(observations=1, rows_taken_back=is_back)
        verdict.expect(not is_back, f"{key} went back from {had} to {has[1]}")
        verdict.expect(is_kept is is_newest, f"{key}, last seen {had}, was told {price} of {told} and has {has}")


async def _kept(ground: Ground) -> dict[str, tuple[Decimal, datetime | None]]:
    """Price and time of every coin."""
    return {row["coin_id"]: (row["price_usd"], row["source_updated_at"]) for row in await ground.fetch(_COINS_KEPT)}
