"""What is linked, what is not and said to be in doubt, and what stays as it is."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kasparro.identity.listing import Key, Listing
from kasparro.identity.resolve import Finding, resolved

from .conftest import NOON, listing


def findings(*listings: Listing, wanted: Collection[Key] | None = None) -> dict[str, Finding]:
    """What becomes of the wanted listings, or of all, by coin id."""
    found = resolved(listings, wanted if wanted is not None else [each.key for each in listings])
    return {each.key.coin_id: each for each in found}


def together(found: Iterable[Finding]) -> set[tuple[Key, ...]]:
    """The groups of more than one."""
    return {each.group for each in found if len(each.group) > 1}


def test_name_and_ticker_link(bitcoin: tuple[Listing, Listing]) -> None:
    found = findings(*bitcoin)
    assert found["bitcoin"].group == found["btc-bitcoin"].group == (bitcoin[1].key, bitcoin[0].key)
    assert found["bitcoin"].link is not None
    assert (found["bitcoin"].link.evidence.method, found["bitcoin"].is_ambiguous) == ("name_symbol", False)


@pytest.mark.parametrize("price", [None, 1.0])
def test_ticker_alone_never_links(price: float | None) -> None:
    found = findings(
        listing("coinpaprika", "pepe-cat", "Cat of Pepe", "PEPE", price=price),
        listing("coingecko", "dog", "Dog", "pepe", price=price),
    )
    assert not together(found.values())
    assert all(each.is_ambiguous is (price is not None) for each in found.values())


def test_ticker_with_price_market_cap_and_supply_links() -> None:
    figures = {"price": 2.5, "market_cap": 5e6, "circulating_supply": 2e6, "total_supply": 1e7}
    found = findings(
        listing("coinpaprika", "pax-paxos", "Paxos Standard", "USDP", **figures),
        listing("coingecko", "dollar", "Pax Dollar", "usdp", **figures, minutes=20),
        listing("coingecko", "other", "Other", "usdp", **{**figures, "market_cap": 9e7, "circulating_supply": 4e7}),
    )
    assert found["dollar"].group == found["pax-paxos"].group
    assert found["other"].group == (Key("coingecko", "other"),)


def test_several_candidates_are_told_and_none_is_linked() -> None:
    found = findings(
        listing("coinpaprika", "babypepe", "BabyPepe", "BABYPEPE"),
        listing("coingecko", "one", "Baby Pepe", "babypepe"),
        listing("coingecko", "two", "Babypepe", "babypepe"),
    )
    assert not together(found.values())
    assert found["babypepe"].is_ambiguous
    assert [(each.listing.key.coin_id, each.evidence.score) for each in found["babypepe"].candidates] == [
        ("one", 85), ("two", 85)
    ]  # fmt: skip


def test_figures_decide_between_candidates() -> None:
    found = findings(
        listing("coinpaprika", "beam-beam", "BEAM", "BEAM", price=0.065),
        listing("coingecko", "beam", "BEAM", "beam", price=0.0655),
        listing("coingecko", "beam-2", "Beam", "beam", price=0.021),
    )
    assert found["beam-beam"].group == found["beam"].group
    assert found["beam-2"].group == (Key("coingecko", "beam-2"),)


def test_contradicting_figures_forbid_and_are_told() -> None:
    found = findings(
        listing("coinpaprika", "luna-terra", "Terra", "LUNA", price=0.0001),
        listing("coingecko", "terra-luna-2", "Terra", "luna", price=6.1),
    )
    assert not together(found.values())
    assert all(each.is_ambiguous and each.candidates[0].evidence.score == 30 for each in found.values())


def test_variant_never_folds_into_its_original() -> None:
    figures = {"price": 117_000.0, "market_cap": 1e10, "circulating_supply": 1e5}
    found = findings(
        listing("coinpaprika", "btc-bitcoin", "Bitcoin", "BTC", **figures),
        listing("coingecko", "bitcoin-wormhole", "Bitcoin (Wormhole)", "btc", **figures),
    )
    assert not together(found.values())


@pytest.mark.parametrize(
    ("name", "is_linked"), [("Wrapped Bitcoin", True), ("Bitcoin", False), ("Wrapped Frog", False)]
)
def test_shared_contract_links_unless_a_mark_differs_or_nothing_else_agrees(name: str, is_linked: bool) -> None:
    address = ("ethereum:0x2260fac5e5542a773aa44fbcfedf7c193bc2c599",)
    found = findings(
        listing("csv", "a", name, "AAA", contracts=address),
        listing("coingecko", "wrapped-bitcoin", "Wrapped Bitcoin", "wbtc", contracts=address),
    )
    assert bool(together(found.values())) is is_linked
    assert found["a"].is_ambiguous is not is_linked


@pytest.mark.parametrize(("address", "is_linked"), [("0xa", True), ("0xb", False)])
def test_address_without_its_chain_speaks_for_a_link_and_never_against(address: str, is_linked: bool) -> None:
    mine = listing("csv", "a", "Renamed", "USDC", contracts=(f"unknown:{address}",))
    found = findings(mine, listing("coingecko", "usd-coin", "USDC", "usdc", contracts=("base:0xa", "tron:T")))
    assert bool(together(found.values())) is is_linked
    if found["a"].link:
        assert found["a"].link.evidence.shared_contracts == {"base:0xa"}
    same = listing("coingecko", "renamed", "Renamed", "usdc", contracts=("base:0xc", "unknown:0xd"))
    assert together(findings(mine, same).values())


def test_other_contract_on_the_same_chain_is_another_coin() -> None:
    found = findings(
        listing(
            "csv", "safemoon", "SafeMoon", "SAFEMOON", contracts=("bsc:0x8076c74c5e3f5852037f31ff0093eeb8c8add8d3",)
        ),
        listing(
            "coingecko",
            "safemoon-x",
            "SafeMoon",
            "safemoon",
            contracts=("bsc:0x42981d0bfbaf196529376ee702f2a9eb9092fcb5",),
        ),
    )
    assert not together(found.values())
    assert found["safemoon"].is_ambiguous


def test_contract_that_a_vendor_has_not_moved_on_is_no_doubt_where_all_figures_agree() -> None:
    figures = {"price": 2.0, "market_cap": 5e6, "circulating_supply": 2.5e6}
    found = findings(
        listing("csv", "a", "Moved", "MOVE", contracts=("ethereum:0x1",), **figures),
        listing("coingecko", "b", "Moved", "move", contracts=("ethereum:0x2",), **figures),
    )
    assert together(found.values())


def test_listing_without_a_ticker_links_by_a_name_that_nobody_shares(bitcoin: tuple[Listing, Listing]) -> None:
    file = listing("csv", "bitcoin.csv", "bitcoin")
    (group,) = together(findings(*bitcoin, file).values())
    assert len(group) == 3
    found = findings(*bitcoin, file, listing("coingecko", "bitcoin-2", "Bitcoin", "fake"))
    assert found["bitcoin"].group == found["btc-bitcoin"].group
    assert found["bitcoin.csv"].group == (file.key,)
    assert found["bitcoin.csv"].is_ambiguous


def test_order_of_listings_does_not_matter(bitcoin: tuple[Listing, Listing]) -> None:
    listings = [
        *bitcoin,
        listing("csv", "btc", "Bitcoin", "BTC"),
        listing("coinpaprika", "bch", "Bitcoin Cash", "BCH"),
        listing("coingecko", "bitcoin-cash", "Bitcoin Cash", "bch"),
        listing("coingecko", "bitcoin-cash-2", "Bitcoin Cash", "bch"),
    ]
    first = findings(*listings)
    for seed in range(20):
        random.Random(seed).shuffle(listings)  # noqa: S311 - no secret
        assert findings(*listings) == first


def test_link_stands_whatever_the_prices_say(bitcoin: tuple[Listing, Listing]) -> None:
    apart = [
        listing("coinpaprika", "btc-bitcoin", "Bitcoin", "BTC", asset="bitcoin", price=117_000.0),
        listing("coingecko", "bitcoin", "Bitcoin", "btc", asset="bitcoin", price=1.0),
    ]
    found = findings(*apart)
    assert all(each.asset == "bitcoin" and each.is_ambiguous and not each.link for each in found.values())


FIGURE = st.none() | st.floats(1e-9, 1e12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(FIGURE, FIGURE, FIGURE), min_size=4, max_size=4), st.floats(0, 200))
def test_no_figures_move_what_is_linked(figures: list[tuple[float | None, ...]], minutes: float) -> None:
    """Nor do they link it with another that now agrees better."""
    names = ("price", "market_cap", "circulating_supply")
    placed = [
        listing("coinpaprika", "beam-beam", "Beam", "BEAM", asset="beam"),
        listing("coingecko", "beam", "BEAM", "beam", asset="beam"),
        listing("coingecko", "beam-2", "Beam", "beam", asset="beam-2"),
        listing("csv", "beam", "Beam", "BEAM", asset="beam"),
    ]
    moved = [
        each._replace(figures=each.figures._replace(**dict(zip(names, told, strict=True))))
        for each, told in zip(placed, figures, strict=True)
    ]
    moved[1] = moved[1]._replace(figures=moved[1].figures._replace(observed_at=NOON + timedelta(minutes=minutes)))
    found = findings(*moved)
    assert {each.asset for coin_id, each in found.items() if coin_id != "beam-2"} == {"beam"}
    assert (found["beam-2"].asset, found["beam-2"].group) == ("beam-2", (Key("coingecko", "beam-2"),))


def test_renamed_coin_keeps_its_asset() -> None:
    found = findings(
        listing("coingecko", "the-open-network", "Gram", "gram", asset="toncoin"),
        listing("coinpaprika", "ton-toncoin", "Toncoin", "TON", asset="toncoin"),
        listing("coingecko", "ton-2", "Toncoin", "ton"),
    )
    assert found["the-open-network"].asset == found["ton-toncoin"].asset == "toncoin"
    assert len(found["the-open-network"].group) == 2
    assert found["ton-2"].is_ambiguous  # it would be linked, if the place were not taken


def test_new_listing_joins_the_asset_that_is_there(bitcoin: tuple[Listing, Listing]) -> None:
    first = listing("coinpaprika", "btc-bitcoin", "Bitcoin", "BTC", asset="bitcoin")
    found = findings(first, bitcoin[1], wanted=[bitcoin[1].key])
    assert {each.asset for each in found.values()} == {"bitcoin"}


def test_only_wanted_listings_and_their_new_partners_are_told(bitcoin: tuple[Listing, Listing]) -> None:
    other = listing("coingecko", "ethereum", "Ethereum", "eth")
    assert set(findings(*bitcoin, other, wanted=[bitcoin[0].key])) == {"bitcoin", "btc-bitcoin"}


def test_nobody_overrules_a_person(bitcoin: tuple[Listing, Listing]) -> None:
    alone = listing("coinpaprika", "btc-bitcoin", "Bitcoin", "BTC", asset="not-bitcoin", is_pinned=True)
    found = findings(alone, bitcoin[1])
    assert not together(found.values())
    assert not found["btc-bitcoin"].is_ambiguous
    placed = [alone, listing("csv", "b", "Something", "SOME", asset="not-bitcoin", is_pinned=True)]
    assert findings(*placed)["b"].group == (placed[0].key, placed[1].key)


def test_two_assets_with_links_of_their_own_are_not_made_one() -> None:
    found = findings(
        listing("coinpaprika", "a-abc", "Abc", "ABC", asset="one"),
        listing("csv", "a", "Abc of old", "ABC", asset="one"),
        listing("coingecko", "b", "Abc", "abc", asset="two"),
        listing("dex", "b", "Abc of old", "ABC", asset="two"),
    )
    assert len(together(found.values())) == 2


@pytest.mark.parametrize(("number", "is_linked"), [(998, False), (999, True)])
def test_word_token_tells_nothing_where_many_are_listed_and_none_is_called_so(number: int, is_linked: bool) -> None:
    """A list of a few may leave out the coin that is meant."""
    pair = [
        listing("coinpaprika", "rsr-reserve-rights", "Reserve Rights", "RSR"),
        listing("coingecko", "reserve-rights-token", "Reserve Rights Token", "rsr"),
    ]
    others = [listing("coinpaprika", f"c-{each}", f"Coin {each}", f"C{each}") for each in range(number)]
    assert bool(together(findings(*pair, *others).values())) is is_linked
    for again in (
        listing("coingecko", "rsr-2", "Another", "rsr"),
        listing("coingecko", "reserve-rights", "Reserve Rights", "rights"),
    ):
        assert not together(findings(*pair, *others, again).values())


def test_ids_that_were_given_alike_tell_of_one_name() -> None:
    found = findings(
        listing("coinpaprika", "theta-theta-token", "THETA", "THETA"),
        listing("coingecko", "theta-token", "Theta Network", "theta"),
        listing("coinpaprika", "flux-flux-token", "Flux Protocol", "FLUX"),
        listing("coingecko", "flux-token", "Datamine", "flux"),
    )
    (group,) = together(found.values())
    assert group == (Key("coingecko", "theta-token"), Key("coinpaprika", "theta-theta-token"))


def test_ticker_that_a_vendor_has_cut_is_the_same() -> None:
    found = findings(
        listing("coinpaprika", "streamerinu-streamer-inu", "Streamer Inu", "STREAMERIN"),
        listing("coingecko", "streamer-inu", "Streamer Inu", "streamerinu"),
        listing("coinpaprika", "mx-mx-token", "MX Token", "MX"),
        listing("coingecko", "mx-token-2", "MX TOKEN", "mxt"),
    )
    (group,) = together(found.values())
    assert group == (Key("coingecko", "streamer-inu"), Key("coinpaprika", "streamerinu-streamer-inu"))


def test_source_is_never_twice_in_a_group(bitcoin: tuple[Listing, Listing]) -> None:
    twice = listing("coinpaprika", "btc-bitcoin-2", "Bitcoin", "BTC")
    found = findings(*bitcoin, twice)
    assert not together(found.values())
    assert found["bitcoin"].is_ambiguous
