"""What became of every record, from the effects that the store reports. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from kasparro.domain import Kind, Ledger, Outcome
from kasparro.store.tickers import Effect


def settle(kind: Kind, effects: Iterable[Effect], *, staged: int, rejected: int, duplicates: int) -> Ledger:
    """The ledger of a batch: every one of its records in one place.

    `staged` records went to the store, which merges those of one coin and time: the rest are duplicates.
    """
    ledger = Ledger(rejected=rejected, duplicate=duplicates + staged)
    for effect in effects:
        ledger.duplicate -= effect.records
        into = outcome(kind, effect)
        setattr(ledger, into, getattr(ledger, into) + effect.records)
    return ledger


def outcome(kind: Kind, effect: Effect) -> Outcome:
    """A record of a snapshot is judged by the latest row of its coin; an observation by its tick."""
    match kind, effect.latest, effect.tick:
        case Kind.SNAPSHOT, None, _:
            return "duplicate"  # a newer record of the coin is on the same page
        case (Kind.SNAPSHOT, latest, _) | (Kind.SERIES, ("inserted" | "updated") as latest, None):
            return latest  # type: ignore[return-value] # the statement answers with these words
        case _, _, None:
            return "unchanged"
        case _, _, tick:
            return tick  # type: ignore[return-value] # the statement answers with these words
