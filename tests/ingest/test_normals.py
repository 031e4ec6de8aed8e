"""A page is held against what is usual: changes of the vendor are named, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kasparro.sandbox.tampering import dropped, flipped, put

from .coins import FLIP, Memory, Page, changed, names, page, portrait

PAGE = page()


def used_to(records: Page) -> Memory:
    """What is remembered once a page has come ten times."""
    memory = Memory()
    for _ in range(10):
        memory.see(records)
    return memory


def nulled(path: str, every: int) -> Page:
    """Each so-many-th record with a null."""
    ids = {record["id"] for record in PAGE[::every]}
    return changed(PAGE, lambda record: put(record, path, None if record["id"] in ids else record[path]))


def multiplied(path: str, factor: str) -> Page:
    return changed(PAGE, lambda record: put(record, path, record[path] * Decimal(factor)))


def day(risen: int) -> Page:
    """The page of a day on which so many coins rose, in CoinGecko's digits."""
    ids = {record["id"] for record in PAGE[:risen]}
    rise, fall = Decimal("3286.31"), Decimal("-446.2385341551999")
    return changed(PAGE, lambda record: put(record, "price_change_24h", rise if record["id"] in ids else fall))


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(["coingecko", "coinpaprika"]), st.integers(1, 300), st.integers(0, 10**6))
def test_page_never_departs_from_itself(source: str, coins: int, seed: int) -> None:
    memory, records = Memory(source), page(source, coins, seed)
    assert [memory.see(records) for _ in range(4)] == [[]] * 4


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 300), st.integers(0, 10**6))
def test_other_coins_of_the_same_kind_depart_in_nothing(coins: int, seed: int) -> None:
    memory = Memory()
    assert [memory.see(page(coins=coins, seed=seed + more)) for more in range(4)] == [[]] * 4


@settings(deadline=None, max_examples=20)
@given(st.randoms())
def test_order_of_the_records_does_not_matter(random: Any) -> None:
    there, back, before, after = Memory(), Memory(), PAGE, changed(PAGE, flipped)
    there.see(before)
    back.see(random.sample(before, len(before)))
    assert names(there.see(after)) == names(back.see(random.sample(after, len(after)))) == FLIP
    assert there.learned == back.learned


def test_the_flip_of_2026_is_named_each_way_until_it_is_acknowledged() -> None:
    memory, other = Memory(), changed(PAGE, flipped)
    assert memory.see(PAGE) == []
    assert names(memory.see(other)) == FLIP
    assert names(memory.see(other)) == {name for name in FLIP if "immutable" not in name}  # it is not changing any more
    assert names(memory.see(PAGE)) == {"immutable_change ath_date", "immutable_change atl_date"}
    assert names(memory.see(other)) == FLIP


def test_what_was_acknowledged_is_usual_beside_what_was() -> None:
    memory, other = Memory(), changed(PAGE, flipped)
    traits = {name for name in FLIP if "immutable" not in name}
    memory.see(PAGE)
    memory.see(other)
    memory.see(PAGE, acknowledged=traits)  # the other variant is away while it is accepted
    for records in (other, PAGE, other):
        assert traits.isdisjoint(names(memory.see(records)))
    further = changed(other, lambda record: put(record, "last_updated", record["last_updated"][:10] + "T00:00:00Z"))
    for number, record in enumerate(further):  # distinct moments, all at midnight
        record["last_updated"] = f"20{10 + number % 15}-01-{1 + number % 28:02d}T00:00:00Z"
    assert "time_grid last_updated" in names(memory.see(further))


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 250), min_size=2, max_size=6))
def test_market_that_turns_is_no_drift(risen: list[int]) -> None:
    memory = Memory()
    assert [memory.see(day(coins)) for coins in risen] == [[]] * len(risen)


def test_what_departs_is_not_learned() -> None:
    memory, other = Memory(), changed(PAGE, flipped)
    memory.see(PAGE)
    for _ in range(30):
        assert "precision price_change_percentage_24h" in names(memory.see(other))


def test_few_values_prove_no_departure_but_do_not_end_one() -> None:
    memory, other = Memory(), changed(PAGE, flipped)
    memory.see(PAGE)
    assert memory.see(other[:2]) == []
    memory.see(other)
    assert "precision price_change_percentage_24h" in names(memory.see(other[:2]))
    assert "precision price_change_percentage_24h" not in names(memory.see(PAGE[:2]))


@pytest.mark.parametrize("path", ["current_price", "ath_date", "total_supply", "market_cap_change_24h"])
def test_nulls_are_named_beyond_noise_only(path: str) -> None:
    memory = used_to(PAGE)
    assert memory.see(nulled(path, 20)) == []
    (drift,) = memory.see(nulled(path, 3))
    assert (drift.kind, drift.path) == ("null_rate", path)
    assert 20 < float(str(drift.observed).removesuffix("% null")) < 45


def test_severity_is_that_of_the_field_and_no_way_of_writing_is_critical() -> None:
    memory = used_to(PAGE)
    paths = ("current_price", "total_supply", "market_cap_change_24h")
    assert [memory.see(nulled(path, 3))[0].severity for path in paths] == ["critical", "warning", "info"]
    (drift,) = memory.see(multiplied("market_cap", "1000"))
    assert (drift.kind, drift.severity) == ("scale", "warning")


def test_absent_counts_as_null_but_a_path_that_never_came_is_a_missing_field() -> None:
    memory, some = Memory(), {record["id"] for record in PAGE[:150]}
    memory.see(PAGE)
    half = changed(PAGE, lambda record: dropped(record, "ath") if record["id"] in some else None)
    assert names(memory.see(half)) == {"null_rate ath"}
    assert memory.see(changed(PAGE, lambda record: dropped(record, "ath"))) == []


def test_nulls_inside_an_object_are_counted_where_it_is() -> None:
    roi = {"times": Decimal("1.5"), "currency": "usd", "percentage": Decimal("50.25")}
    with_roi = changed(PAGE, lambda record: put(record, "roi", dict(roi) if int(record["id"][-1]) % 2 else None))
    memory = Memory()
    assert memory.see(with_roi) == []
    assert names(memory.see(PAGE)) == {"null_rate roi"}
    assert names(memory.see(changed(with_roi, lambda r: r["roi"] and put(r, "roi.times", None)))) == {
        "null_rate roi.times"
    }


@pytest.mark.parametrize(("factor", "kinds"), [("2", set()), ("0.1", set()), ("1000", {"scale"}), ("0.001", {"scale"})])
def test_another_unit_is_no_movement_of_the_market(factor: str, kinds: set[str]) -> None:
    found = [drift for drift in used_to(PAGE).see(multiplied("market_cap", factor)) if drift.kind == "scale"]
    assert {drift.kind for drift in found} == kinds


def test_cut_figures_are_named() -> None:
    memory = Memory()
    memory.see(PAGE)
    cut = changed(PAGE, lambda record: put(record, "ath", Decimal(f"{record['ath']:.3g}")))
    (drift,) = memory.see(cut)
    assert (drift.kind, drift.path) == ("precision", "ath")


def test_correcting_single_extremes_is_no_drift() -> None:
    memory, few = Memory(), {record["id"] for record in PAGE[::60]}
    memory.see(PAGE)
    assert (
        memory.see(changed(PAGE, lambda r: put(r, "ath_date", "2020-01-01T01:01:01.111Z") if r["id"] in few else None))
        == []
    )


def test_new_extremes_have_new_dates() -> None:
    memory = Memory()
    memory.see(PAGE)
    risen = multiplied("ath", "1.5")
    later = changed(risen, lambda record: put(record, "ath_date", "2026-07-23T01:17:17.123Z"))
    assert "immutable_change ath_date" not in names(memory.see(later))


def test_first_data_of_a_coin_is_immutable_at_coinpaprika() -> None:
    memory, records = Memory("coinpaprika"), page("coinpaprika", 2000)
    memory.see(records)
    shifted: Callable[[dict[str, Any]], None] = lambda record: put(record, "first_data_at", "2019-05-05T00:00:00Z")  # noqa: E731
    assert names(memory.see(changed(records, shifted))) == {"immutable_change first_data_at"}


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.decimals(min_value=-(10**30), max_value=10**30)
    | st.text(st.characters(exclude_categories=()), max_size=5)
    | st.just("2026-01-01T00:00:00Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_KEYS = st.sampled_from(["id", "roi", "roi.times", "current_price", "ath", "ath_date", "x"])


@settings(deadline=None)
@given(st.lists(st.lists(st.dictionaries(_KEYS, _JSON, max_size=6) | _JSON, min_size=1, max_size=6), max_size=4))
def test_any_json_has_a_portrait_that_can_be_kept(pages: list[list[Any]]) -> None:
    memory = Memory()
    for records in pages:
        found = memory.see(records)
        assert len({(drift.kind, drift.path) for drift in found}) == len(found)
    assert json.loads(json.dumps(memory.learned)) == memory.learned


def test_memory_is_bounded_by_what_the_source_declares() -> None:
    strange = [{"id": f"coin-{number}", f"key-{number}": Decimal(number)} for number in range(500)]
    assert {trait.path for trait in portrait("coingecko", strange).traits} == {"id"}
