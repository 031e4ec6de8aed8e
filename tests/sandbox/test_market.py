"""The market moves the same way for the same seed, a part at a time, and its moments only grow."""

from __future__ import annotations

from random import Random

from kasparro.sandbox.catalogue import catalogue
from kasparro.sandbox.coingecko_records import market_row
from kasparro.sandbox.coinpaprika_records import ticker
from kasparro.sandbox.market import Market

NOW = 1_785_000_000.5


def market(seed: int = 7, coins: int = 300, moving: float = 0.6) -> Market:
    random = Random(seed)  # noqa: S311  # the sandbox's own generator
    return Market(catalogue(coins, random), random=random, moving=moving, now=lambda: NOW)


def paprika(market: Market) -> list[dict]:
    return [ticker(coin, ("USD",), True) for coin in market.listed("coinpaprika")]


def gecko(market: Market) -> list[dict]:
    return [market_row(coin) for coin in market.listed("coingecko")]


def test_a_seed_decides_coins_and_moves() -> None:
    one, same, other = market(), market(), market(seed=8)
    for each in (one, same, other):
        each.tick()
        each.tick()
    assert paprika(one) == paprika(same)
    assert gecko(one) == gecko(same)
    assert gecko(one) != gecko(other)


def test_each_vendor_lists_as_many_coins_as_asked_for() -> None:
    for coins in (1, 40, 41, 300):
        each = market(coins=coins)
        assert len(each.listed("coinpaprika")) == len(each.listed("coingecko")) == coins


def test_simulated_coins_say_so() -> None:
    record = next(row for row in gecko(market()) if row["id"] == "sim-coin-00042")
    assert (record["name"], record["symbol"]) == ("Simulated Coin 00042", "sim42")


def test_the_vendors_agree_on_the_price() -> None:
    both = market()
    both.tick()
    prices = {row["symbol"].upper(): row["current_price"] for row in gecko(both)}
    for record in paprika(both):
        price = record["quotes"]["USD"]["price"]
        assert abs(price - (prices.get(record["symbol"]) or price)) <= 1e-9 * price


def test_a_tick_moves_a_part_and_only_that_part_changes() -> None:
    whole = market(coins=1000)
    before = {row["id"]: row for row in gecko(whole)}
    moved = whole.tick()
    changed = [row for row in gecko(whole) if row != before[row["id"]]]
    assert 500 < moved < 700
    assert moved - 8 <= len(changed) <= moved  # eight coins are not listed by CoinGecko
    for row in changed:
        assert row["last_updated"] > before[row["id"]]["last_updated"]


def test_moments_are_near_the_present_and_grow_by_whole_seconds() -> None:
    quick = market(moving=1.0)
    seen = [record["last_updated"] for record in paprika(quick)]
    for _ in range(5):
        quick.tick()
        now = [coin.updated // 1000 for coin in quick.coins if not coin.is_still]
        assert len(set(now)) == 1
        assert NOW - 240 < now[0] < NOW
    assert max(seen) < min(record["last_updated"] for record in paprika(quick))


def test_what_is_unknown_stays_unknown() -> None:
    moving = market(moving=1.0)
    moving.tick()
    rows = {row["id"]: row for row in gecko(moving)}
    assert rows["genius-3"]["current_price"] is None
    assert rows["metaprints"]["last_updated"] is None
    assert rows["kpk-eth-yield"]["market_cap_rank"] is None
    assert rows["smurfsinu"]["ath"] is None


def test_prices_span_the_range_with_all_their_digits() -> None:
    prices = [record["quotes"]["USD"]["price"] for record in paprika(market(coins=5000))]
    assert min(prices) < 1e-15
    assert max(prices) > 1e4
    assert max(len(repr(price)) for price in prices) >= 18


def test_highs_and_lows_hold_the_price() -> None:
    wild = market(moving=1.0)
    for _ in range(50):
        wild.tick()
    for row in gecko(wild):
        if row["ath"] is not None and row["id"] != "genius-3":
            assert row["atl"] <= row["current_price"] <= row["ath"]
