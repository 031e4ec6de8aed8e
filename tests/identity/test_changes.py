"""What findings come to: ids that are given once, places, and an event for every change."""

from __future__ import annotations

import json

import pytest

from kasparro.identity.changes import Changes, changes
from kasparro.identity.listing import Key, Listing
from kasparro.identity.resolve import resolved
from kasparro.identity.slugs import slug

from .conftest import listing


def made(*listings: Listing, taken: set[str] | None = None) -> Changes:
    known = {each.key: each for each in listings}
    return changes(known, resolved(listings, list(known)), taken or set())


def told(found: Changes) -> list[tuple[str, str, str | None]]:
    return [(event.asset, event.kind, event.key and event.key.coin_id) for event in found.events]


@pytest.mark.parametrize(
    ("name", "symbol", "coin_id", "expected"),
    [
        ("Bitcoin", "BTC", "btc-bitcoin", "bitcoin"),
        ("Fenerbahçe Token", "FB", "fb", "fenerbahce-token"),
        ("币安人生", "币安人生", "bianrensheng", "bianrensheng"),
        ("₿", "₿", "-2", "2"),
        ("🚀", None, "🚀", "coin"),
        ("A" * 100, "A", "a", "a" * 60),
        ("Taken", "TKN", "t", "taken-tkn"),
        ("Twice", "TW", "t", "twice-2"),
        ("../../etc", "X", "x", "etc"),
    ],
)
def test_slugs(name: str, symbol: str | None, coin_id: str, expected: str) -> None:
    assert slug(name, symbol, coin_id, {"taken", "twice", "twice-tw"}) == expected


def test_new_listings_get_assets_and_one_event_tells_of_a_link(bitcoin: tuple[Listing, Listing]) -> None:
    found = made(*bitcoin, listing("csv", "x", "Other", "OTH"))
    assert found.new_assets == {"bitcoin", "other"}
    assert {(place.key.coin_id, place.asset, place.method) for place in found.places} == {
        ("btc-bitcoin", "bitcoin", "name_symbol"), ("bitcoin", "bitcoin", "name_symbol"), ("x", "other", "alone")
    }  # fmt: skip
    assert told(found) == [("bitcoin", "linked", "btc-bitcoin")]
    evidence = found.events[0].details["evidence"]
    assert (evidence["source"], evidence["coin_id"], evidence["names"]) == ("coingecko", "bitcoin", "same")
    json.dumps(found.events[0].details, allow_nan=False)


def test_coin_of_the_larger_market_cap_gets_the_plain_id() -> None:
    fake = listing("coingecko", "a-fake", "Bitcoin", "btc", market_cap=5.0)
    real = listing("coingecko", "bitcoin", "Bitcoin", "btc", market_cap=2e12)
    places = {place.key.coin_id: place.asset for place in made(fake, real).places}
    assert places == {"bitcoin": "bitcoin", "a-fake": "bitcoin-btc"}


def test_nothing_new_changes_nothing(bitcoin: tuple[Listing, Listing]) -> None:
    a = listing("coinpaprika", "btc-bitcoin", "Bitcoin", "BTC", asset="bitcoin", price=1.0)
    b = listing("coingecko", "bitcoin", "Bitcoin", "btc", asset="bitcoin", price=1.1)
    assert made(a, b, listing("csv", "x", "Other", "OTH", asset="other")) == Changes()


def test_single_asset_goes_into_the_older_one(bitcoin: tuple[Listing, Listing]) -> None:
    a = listing("coinpaprika", "btc-bitcoin", "Bitcoin", "BTC", asset="bitcoin-btc")
    assert a.standing is not None
    b = listing("coingecko", "bitcoin", "Bitcoin", "btc", asset="bitcoin")
    assert b.standing is not None
    b = b._replace(standing=b.standing._replace(since=a.standing.since.replace(year=2025)))
    found = made(a, b, taken={"bitcoin", "bitcoin-btc"})
    assert found.merged == {"bitcoin-btc": "bitcoin"}
    assert told(found) == [("bitcoin", "linked", "btc-bitcoin"), ("bitcoin-btc", "merged", None)]


def test_third_source_joins_and_the_others_keep_their_grounds(bitcoin: tuple[Listing, Listing]) -> None:
    placed = [
        listing("coinpaprika", "btc-bitcoin", "Bitcoin", "BTC", asset="bitcoin"),
        listing("coingecko", "bitcoin", "Bitcoin", "btc", asset="bitcoin"),
    ]
    found = made(*placed, listing("csv", "btc", "Bitcoin", "BTC"))
    assert [place.key for place in found.places] == [Key("csv", "btc")]
    assert told(found) == [("bitcoin", "linked", "btc")]
    earlier = made(*placed, listing("a-source", "btc", "Bitcoin", "BTC"))
    assert told(earlier) == [("bitcoin", "linked", "btc")]


def test_rename_is_an_event_and_moves_nothing() -> None:
    before = listing("coingecko", "the-open-network", "Toncoin", "ton", asset="toncoin")
    found = made(before._replace(name="Gram", symbol="gram"))
    (place,) = found.places
    assert (place.asset, place.name, place.symbol) == ("toncoin", "Gram", "gram")
    assert told(found) == [("toncoin", "renamed", "the-open-network")]
    assert found.events[0].details == {
        "before": {"name": "Toncoin", "symbol": "ton"}, "after": {"name": "Gram", "symbol": "gram"}
    }  # fmt: skip


def test_doubt_is_flagged_once_and_cleared_once() -> None:
    one = listing("coinpaprika", "a-abc", "Abc", "ABC")
    two = [listing("coingecko", each, "Abc", "abc") for each in ("abc", "abc-2")]
    first = made(one, *two)
    assert sorted((kind, coin_id) for _, kind, coin_id in told(first)) == [
        ("flagged", "a-abc"), ("flagged", "abc"), ("flagged", "abc-2")
    ]  # fmt: skip
    assets = {place.key: place for place in first.places}
    known = [
        listing(each.key.source, each.key.coin_id, each.name, each.symbol, asset=assets[each.key].asset)
        for each in (one, *two)
    ]
    known = [each._replace(standing=each.standing and each.standing._replace(is_ambiguous=True)) for each in known]
    assert told(made(*known)) == []
    assert {kind for _, kind, _ in told(made(*known[:2]))} == {"linked", "cleared", "merged"}
