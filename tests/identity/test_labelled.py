"""Precision and recall over pairs that were decided by hand; run with `-s` to see them.

Each pair is tried twice: among all the others, and with nothing else known. The pairs that are held out were drawn by
lot and decided after the rules were written: what they show is what the rules are worth for pairs that nobody has seen.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping

import pytest

from kasparro.identity.listing import Key, Listing
from kasparro.identity.resolve import resolved
from kasparro.resources import folder

from .conftest import listing

FIGURES = {"price": "price", "market_cap": "market_cap", "circulating_supply": "supply"}
Pair = tuple[Mapping[str, str], Listing, Listing]
Linked = Callable[[Listing, Listing], bool]


def side(row: Mapping[str, str], letter: str) -> Listing:
    figures = {ours: float(text) for ours, name in FIGURES.items() if (text := row[f"{letter}_{name}"])}
    source, coin_id, name, symbol = (row[f"{letter}_{part}"] for part in ("source", "id", "name", "symbol"))
    return listing(source, coin_id, name, symbol or None, minutes=9 * (letter == "b"), **figures)


def labelled(*, held_out: str) -> list[Pair]:
    with (folder("fixtures") / "identity" / "pairs.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["held_out"] == held_out]
    return [(row, side(row, "a"), side(row, "b")) for row in rows]


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    return labelled(held_out="")


@pytest.fixture(scope="module")
def unseen() -> list[Pair]:
    return labelled(held_out="yes")


def linking(listings: Iterable[Listing]) -> Linked:
    known: dict[Key, Listing] = {}
    for each in listings:
        known.setdefault(each.key, each)
    groups = {found.key: found.group for found in resolved(known.values(), list(known))}
    return lambda a, b: b.key in groups[a.key]


def measured(what: str, pairs: Iterable[Pair], are_linked: Linked) -> tuple[float, list[str], list[str]]:
    """Recall, the pairs that were missed, and those that were linked and must not be."""
    found = [(row, are_linked(a, b)) for row, a, b in pairs]
    same = [(row, linked) for row, linked in found if row["verdict"] == "same"]
    missed = [row["a_id"] for row, linked in same if not linked]
    wrong = [row["a_id"] for row, linked in found if linked and row["verdict"] == "different"]
    right, recall = len(same) - len(missed), 1 - len(missed) / len(same)
    print(f"\n{what}: precision {right / (right + len(wrong)):.4f}, recall {recall:.4f} "
          f"({len(same)} true pairs, {len(found) - len(same)} negatives)")  # fmt: skip
    return recall, missed, wrong


def test_set_is_large_enough(pairs: list[Pair]) -> None:
    verdicts = [row["verdict"] for row, _, _ in pairs]
    assert verdicts.count("same") >= 300
    assert verdicts.count("different") >= 150
    assert len({(row["verdict"], a.key, b.key) for row, a, b in pairs}) == len(pairs)


def test_all_together(pairs: list[Pair]) -> None:
    recall, missed, wrong = measured("all together", pairs, linking(side for _, a, b in pairs for side in (a, b)))
    assert wrong == []
    assert recall >= 0.97, missed


def test_each_alone(pairs: list[Pair]) -> None:
    recall, missed, wrong = measured("each alone", pairs, lambda a, b: linking([a, b])(a, b))
    assert wrong == []
    assert recall >= 0.97, missed


def test_without_any_figures(pairs: list[Pair]) -> None:
    """Words alone still make no mistake where they can decide; what needs figures is left open."""
    bare = [
        (row, a._replace(figures=a.figures.__class__()), b._replace(figures=b.figures.__class__()))
        for row, a, b in pairs
    ]
    decided = [pair for pair in bare if not pair[0]["a_price"] or pair[0]["kind"] == "figures"]
    recall, missed, wrong = measured("words alone", decided, linking(side for _, a, b in decided for side in (a, b)))
    assert wrong == []
    assert recall >= 0.96, missed


def test_what_no_rule_was_made_from(unseen: list[Pair]) -> None:
    """Words alone again: there are no figures here."""
    together = linking(side for _, a, b in unseen for side in (a, b))
    for what, are_linked in ("all together", together), ("each alone", lambda a, b: linking([a, b])(a, b)):
        recall, missed, wrong = measured(f"held out, words alone, {what}", unseen, are_linked)
        assert wrong == []
        assert recall >= 0.95, missed
