"""Judges one run against an earlier one. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from kasparro.api.run_schemas import Anomaly, Comparison, Difference, RunDetails, RunLedger

_DROP = 0.10  # of the earlier run's records
_REJECT_RISE = 1.0  # percentage points
_ENOUGH = 5  # durations, before anything can be said to be usual
_SPREADS = 3 * 1.4826  # 1.4826 MADs are one standard deviation where the values are normal
_SLOWER = 0.5  # of the median, and
_SECONDS = 1.0  # so many seconds at least: short runs vary much, and nobody minds


def compared(a: RunDetails, b: RunDetails, usual: Sequence[float]) -> Comparison:
    """`b` against `a`; `usual` are the seconds that the good runs before `b` took."""
    return Comparison(
        a=a,
        b=b,
        difference=_difference(a, b),
        usual_duration_seconds=round(median(usual), 3) if len(usual) >= _ENOUGH else None,
        anomalies=[*_failed(b), *_records_dropped(a, b), *_reject_rate_up(a, b), *_slow(b, usual)],
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


def _failed(b: RunDetails) -> Iterator[Anomaly]:
    if b.status in ("failed", "abandoned", "cancelled"):
        yield Anomaly(name="failed", detail=f"run {b.run_id} {b.status}: {b.error_message or 'no reason given'}")


def _records_dropped(a: RunDetails, b: RunDetails) -> Iterator[Anomaly]:
    """A run that still runs, or went on from another's checkpoint, has not seen every record: not judged."""
    if a.resumed_from or b.resumed_from or "running" in (a.status, b.status):
        return
    before, now = a.records_processed, b.records_processed
    if now < before * (1 - _DROP):
        yield Anomaly(name="records_dropped", detail=f"{before} -> {now} records ({now / before - 1:+.1%})")


def _reject_rate_up(a: RunDetails, b: RunDetails) -> Iterator[Anomaly]:
    before, now = _reject_rate(a), _reject_rate(b)
    if now - before > _REJECT_RISE:
        yield Anomaly(name="reject_rate_up", detail=f"{before:.2f} % -> {now:.2f} % of the records")


def _slow(b: RunDetails, usual: Sequence[float]) -> Iterator[Anomaly]:
    """Against the median and the median absolute deviation, which a few slow runs in the past do not move."""
    if b.duration_seconds is None or len(usual) < _ENOUGH:
        return
    middle = median(usual)
    spread = median(abs(seconds - middle) for seconds in usual)
    if b.duration_seconds > middle + max(_SPREADS * spread, _SLOWER * middle, _SECONDS):
        yield Anomaly(name="slow", detail=f"{b.duration_seconds:.1f} s where {middle:.1f} s is usual")


def _reject_rate(run: RunDetails) -> float:
    """Percent of the fetched records."""
    return 100 * run.ledger.rejected / run.ledger.fetched if run.ledger.fetched else 0.0
