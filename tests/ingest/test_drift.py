"""What changed at the vendors over the years is named, and what did not is not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kasparro.domain import Drift
from kasparro.ingest.drift import baseline
from kasparro.ingest.reader import reader
from kasparro.ingest.transport import session
from kasparro.metrics import Metrics
from kasparro.resources import folder
from kasparro.sandbox import Sandbox, faults, tampering
from kasparro.settings import Rate
from kasparro.sources import SOURCES
from kasparro.store.runs import Traffic

from . import coins

FIXTURES = {"coinpaprika": "tickers.json", "coingecko": "markets.json"}


def records(source: str) -> list[dict[str, Any]]:
    return coins.read((folder("fixtures") / source / FIXTURES[source]).read_text())


def drifts(source: str, values: list[Any]) -> list[Drift]:
    return coins.profile(source, values).drifts()


@pytest.mark.parametrize("source", FIXTURES)
def test_what_the_vendor_is_known_to_send_is_no_drift(source: str) -> None:
    found = drifts(source, records(source))
    assert [drift for drift in found if drift.path != "circulating_supply"] == []


def test_lost_field_is_missing_where_all_records_lack_it() -> None:
    values = records("coinpaprika")
    for value in values:
        value.pop("circulating_supply", None)
    (drift,) = drifts("coinpaprika", values)
    assert (drift.kind, drift.path, drift.severity) == ("missing_field", "circulating_supply", "warning")


def test_renamed_field_is_found_by_likeness_with_its_confidence() -> None:
    values = records("coingecko")
    for value in values:
        value["fully_diluted_market_valuation"] = value.pop("fully_diluted_valuation")
    (drift,) = drifts("coingecko", values)
    assert (drift.kind, drift.path, drift.renamed_to) == (
        "renamed_field",
        "fully_diluted_valuation",
        "fully_diluted_market_valuation",
    )
    assert 0.6 <= drift.confidence < 1


def test_renamed_price_is_critical() -> None:
    values = records("coingecko")
    for value in values:
        value["current_price_usd"] = value.pop("current_price")
    (drift,) = drifts("coingecko", values)
    assert (drift.kind, drift.severity) == ("renamed_field", "critical")


def test_number_that_became_a_string_is_a_type_change() -> None:
    values = records("coingecko")
    values[0]["circulating_supply"] = "17492537.0"
    (drift,) = drifts("coingecko", values)
    assert (drift.kind, drift.path, drift.expected, drift.observed) == (
        "type_change",
        "circulating_supply",
        "number",
        "string",
    )


def test_new_object_is_one_drift_not_one_for_everything_inside() -> None:
    values = records("coingecko")
    values[0]["links"] = {"homepage": "x", "social": {"a": 1}}
    (drift,) = drifts("coingecko", deepcopy(values))
    assert (drift.kind, drift.path, drift.observed) == ("new_field", "links", "object")


def test_nested_field_is_not_missing_where_its_parent_never_came() -> None:
    values = records("coingecko")
    for value in values:
        value["roi"] = None
    assert drifts("coingecko", values) == []


def test_no_records_no_drift() -> None:
    assert drifts("coingecko", []) == []


@pytest.mark.parametrize(
    ("values", "types"), [([None, 1], "number"), (["x", 1, None], "number, string"), ([None], "null")]
)
def test_new_field_has_the_types_that_were_seen_in_whatever_order(values: list[Any], types: str) -> None:
    for order in (values, values[::-1]):
        page = records("coingecko")[: len(order)]
        for record, value in zip(page, order, strict=True):
            record["fresh"] = value
        (drift,) = [drift for drift in drifts("coingecko", page) if drift.kind == "new_field"]
        assert (drift.path, drift.observed) == ("fresh", types)


def with_objects(source: str) -> list[dict[str, Any]]:
    """Records whose objects are all there: the tampering does not look for them."""
    return [record for record in records(source) if record.get("roi", {}) is not None]


_EXPECTED = [(source, path) for source in FIXTURES for path in sorted(baseline(SOURCES[source]).expected)]


@pytest.mark.parametrize(("source", "path"), _EXPECTED)
def test_dropped_key_is_named(source: str, path: str) -> None:
    page = with_objects(source)
    for record in page:
        tampering.dropped(record, path)
    assert path in {drift.path for drift in drifts(source, page) if drift.kind == "missing_field"}


@pytest.mark.parametrize(("source", "path"), _EXPECTED)
def test_renamed_key_is_named_with_its_new_name(source: str, path: str) -> None:
    page, name = with_objects(source), path.rpartition(".")[2]
    for record in page:
        tampering.renamed(record, path, f"{name}_x")
    found = [drift for drift in drifts(source, page) if drift.path == path]
    assert [(drift.kind, drift.renamed_to) for drift in found] == [("renamed_field", f"{path}_x")]


@settings(deadline=None)
@given(st.permutations(range(40)), st.sampled_from(sorted(FIXTURES)), st.data())
def test_order_of_the_records_does_not_matter(order: list[int], source: str, data: st.DataObject) -> None:
    page = records(source)
    for at, path in data.draw(st.lists(st.tuples(st.integers(0, 39), st.sampled_from(sorted(page[0]))), max_size=5)):
        page[at][path] = data.draw(st.sampled_from([None, "text", 1, [], {"a": 1}]))
        page[at]["new"] = page[at].pop(path)
    shuffled = [page[at] for at in order]
    assert plain(drifts(source, page)) == plain(drifts(source, shuffled))


@settings(deadline=None)
@given(st.sampled_from(sorted(FIXTURES)), st.data())
def test_whatever_goes_and_whatever_comes_is_named(source: str, data: st.DataObject) -> None:
    page = with_objects(source)
    gone = data.draw(st.sets(st.sampled_from([path for name, path in _EXPECTED if name == source])))
    come = data.draw(st.sets(st.text(st.characters(exclude_characters="."), min_size=1))) - page[0].keys()
    for record in page:
        for path in sorted(gone):
            tampering.dropped(record, path)
        record.update(dict.fromkeys(come, 1))
    found = drifts(source, page)
    inside = {path for path in gone if any(path.startswith(f"{above}.") for above in gone)}
    assert {drift.path for drift in found if drift.kind != "new_field"} == gone - inside
    assert {drift.renamed_to or drift.path for drift in found if drift.kind != "missing_field"} == come


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(FIXTURES)), st.data())
def test_records_that_take_the_fast_lane_hide_no_drift(source: str, data: st.DataObject) -> None:
    """Those that are ordinary are not looked at, unless they may be the first to hold a path."""
    page, paths = with_objects(source), [path for name, path in _EXPECTED if name == source]
    gone = data.draw(st.sets(st.sampled_from(paths), max_size=3))
    for at, record in enumerate(page):
        for path in sorted(gone):
            if at >= 5 or data.draw(st.booleans()):
                tampering.dropped(record, path)
    for at in data.draw(st.sets(st.integers(0, len(page) - 1), max_size=3)):
        kind = data.draw(st.sampled_from(["string", "number", "boolean", "null", "list", "object"]))
        tampering.retyped(page[at], data.draw(st.sampled_from(paths)), kind)
    random = data.draw(st.randoms())
    random.shuffle(page)
    assert plain(asyncio.run(received(source, page))) == plain(drifts(source, page))


def plain(found: Iterable[Drift]) -> list[Drift]:
    return [replace(drift, sample=None) for drift in found]


def as_number(figure: Decimal) -> float:
    return int(figure) if figure == int(figure) else float(figure)


async def received(source: str, page: list[Any]) -> Sequence[Drift]:
    """The drifts of a page that comes over the network."""
    async with Sandbox(coins=1) as sandbox, session() as outbound:
        url = {"coinpaprika": sandbox.coinpaprika_url, "coingecko": sandbox.coingecko_url}[source]
        options = SOURCES[source].options_type(base_url=url, rate=Rate(10_000, 1))
        sandbox.fail(source, faults.Literal(200, {}, json.dumps(page, default=as_number)))
        async with aclosing(reader(SOURCES[source], options, outbound, Metrics()).deliveries({}, Traffic())) as pages:
            delivery = await anext(pages)
            assert len(list(delivery.entries)) == len(page)
            return delivery.close().drifts


_JSON = st.recursive(
    st.none() | st.booleans() | st.decimals(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["id", "roi", "current_price", "x"]), _JSON, max_size=4) | _JSON,
        max_size=6,
    )
)
def test_any_json_is_profiled_and_its_drifts_are_each_unique(values: list[Any]) -> None:
    found = drifts("coingecko", values)
    assert len({(drift.kind, drift.path) for drift in found}) == len(found)
    assert all(0 <= drift.confidence <= 1 for drift in found)
