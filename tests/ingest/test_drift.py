"""What changed at the vendors over the years is named, and what did not is not."""

from __future__ import annotations

import json
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kasparro.domain import Drift
from kasparro.ingest.drift import Profile, baseline
from kasparro.resources import folder
from kasparro.sources import SOURCES

FIXTURES = {"coinpaprika": "tickers.json", "coingecko": "markets.json"}


def records(source: str) -> list[dict[str, Any]]:
    text = (folder("fixtures") / source / FIXTURES[source]).read_text()
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def drifts(source: str, values: list[Any]) -> list[Drift]:
    profile = Profile(baseline(SOURCES[source]))
    for value in values:
        profile.see(value)
    return profile.drifts()


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
