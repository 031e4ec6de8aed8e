"""Judges one run against an earlier one, and against what is usual. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from kasparro.api.comparison_schemas import (
    Anomaly,
    AnomalyName,
    Comparison,
    Difference,
    Measure,
    SnapshotDifference,
    Usual,
)
from kasparro.api.run_schemas import RunDetails, RunLedger

_DROP = 0.10  # of the earlier run's records
_REJECT_RISE = 1.0  # percentage points
_NULL_RISE = 5.0  # percentage points
_ENOUGH = 5  # runs, before anything can be said to be usual
_SPREADS = 3 * 1.4826  # 1.4826 MADs are one standard deviation where the values are normal


class _Bound(NamedTuple):
    """How far a figure may be off on its bad side (1: above, -1: below): by a share of the median, `least` at least."""

    anomaly: AnomalyName
    side: int
    share: float
    least: float


_BOUNDS: Mapping[Measure, _Bound] = {
    "duration_seconds": _Bound("slow", 1, 0.5, 1.0),  # short runs vary much, and nobody minds a second
    "records_processed": _Bound("few_records", -1, _DROP, 0.0),
    "records_failed": _Bound("many_rejects", 1, 0.5, 10.0),
    "requests": _Bound("many_requests", 1, 0.5, 2.0),
    "retries": _Bound("many_retries", 1, 0.5, 3.0),
}


def compared(
    a: RunDetails,
    b: RunDetails,
    history: Sequence[Mapping[str, float]],
    snapshots: SnapshotDifference | None = None,
    reason: str | None = None,
) -> Comparison:
    """`b` against `a`; `history` holds the figures of the good runs before `b`, `reason` tells why `snapshots` miss."""
    usual = list(_usual(b, history))
    return Comparison(
        a=a,
        b=b,
        difference=_difference(a, b),
        usual_duration_seconds=next((each.median for each in usual if each.measure == "duration_seconds"), None),
        usual=usual,
        snapshots=snapshots,
        snapshots_reason=reason,
        anomalies=[
            *_failed(b),
            *_flagged(b),
            *_records_dropped(a, b, snapshots),
            *_coins_lost(snapshots),
            *_nulls_up(snapshots),
            *_reject_rate_up(a, b),
            *_unusual(usual),
        ],
    )


def _difference(a: RunDetails, b: RunDetails) -> Difference:
    known = a.duration_seconds is not None and b.duration_seconds is not None
    return Difference(
        records_processed=b.records_processed - a.records_processed,
        records_failed=b.records_failed - a.records_failed,
        duration_seconds=round((b.duration_seconds or 0) - (a.duration_seconds or 0), 3) if known else None,
        reject_rate_percent=round(_reject_rate(b) - _reject_rate(a), 3),
        ledger=RunLedger(
            **{field: getattr(b.ledger, field) - getattr(a.ledger, field) for field in RunLedger.model_fields}
        ),
    )


def _usual(b: RunDetails, history: Sequence[Mapping[str, float]]) -> Iterator[Usual]:
    """Against the median and the median absolute deviation, which a few odd runs in the past do not move."""
    if len(history) < _ENOUGH:
        return
    for measure, bound in _BOUNDS.items():
        value, past = _comparable(b, measure), [run[measure] for run in history]
        middle = median(past)
        deviation = median(abs(each - middle) for each in past)
        allowed = max(_SPREADS * deviation, bound.share * middle, bound.least)
        yield Usual(
            measure=measure,
            value=value,
            median=round(middle, 3),
            deviation=round(deviation, 3),
            runs=len(past),
            is_unusual=value is not None and bound.side * (value - middle) > allowed,
        )


def _comparable(run: RunDetails, measure: Measure) -> float | None:
    """The figure; None for the records of a run that read no whole list, such as one of files."""
    if measure == "records_processed" and run.coins is None:
        return None
    value: float | None = getattr(run, measure)
    return value


def _failed(b: RunDetails) -> Iterator[Anomaly]:
    if b.status in ("failed", "abandoned", "cancelled"):
        yield Anomaly(name="failed", detail=f"run {b.run_id} {b.status}: {b.error_message or 'no reason given'}")


def _flagged(b: RunDetails) -> Iterator[Anomaly]:
    for flag in b.flags:
        yield Anomaly(name=flag.name, detail=flag.reason)


def _records_dropped(a: RunDetails, b: RunDetails, snapshots: SnapshotDifference | None) -> Iterator[Anomaly]:
    """By the coins of the snapshots; by the records of the runs where these are not known."""
    if snapshots:
        before, now, what = snapshots.a_coins, snapshots.b_coins, "coins"
    elif any(run.resumed_from or run.status == "running" for run in (a, b)):
        return  # it has not seen every record
    else:
        before, now, what = a.records_processed, b.records_processed, "records"
    if now < before * (1 - _DROP):
        yield Anomaly(name="records_dropped", detail=f"{before} -> {now} {what} ({now / before - 1:+.1%})")


def _coins_lost(snapshots: SnapshotDifference | None) -> Iterator[Anomaly]:
    """Others may have taken their place, as when a source renames its coins."""
    if snapshots and snapshots.lost.count > _DROP * snapshots.a_coins:
        yield Anomaly(name="coins_lost", detail=f"{snapshots.lost.count} of {snapshots.a_coins} coins are gone")


def _nulls_up(snapshots: SnapshotDifference | None) -> Iterator[Anomaly]:
    for rate in snapshots.null_rates if snapshots else ():
        if rate.difference_percent > _NULL_RISE:
            rise = f"{rate.a_percent:.1f} % -> {rate.b_percent:.1f} %"
            yield Anomaly(name="null_rate_up", detail=f"{rate.field} ({rate.path}) is unknown in {rise} of the coins")


def _reject_rate_up(a: RunDetails, b: RunDetails) -> Iterator[Anomaly]:
    before, now = _reject_rate(a), _reject_rate(b)
    if now - before > _REJECT_RISE:
        yield Anomaly(name="reject_rate_up", detail=f"{before:.2f} % -> {now:.2f} % of the records")


def _unusual(usual: Sequence[Usual]) -> Iterator[Anomaly]:
    for each in usual:
        if each.is_unusual:
            detail = f"{each.measure}: {each.value:g} where {each.median:g} is usual"
            yield Anomaly(name=_BOUNDS[each.measure].anomaly, detail=detail)


def _reject_rate(run: RunDetails) -> float:
    """Percent of the fetched records."""
    return 100 * run.ledger.rejected / run.ledger.fetched if run.ledger.fetched else 0.0
