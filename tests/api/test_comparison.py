"""What counts as an anomaly."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from kasparro.api.comparison import compared
from kasparro.api.comparison_schemas import SnapshotDifference
from kasparro.api.run_schemas import RunDetails, RunFlag, RunLedger, RunWaits

NOW = datetime(2026, 1, 1, tzinfo=UTC)
USUAL = {"duration_seconds": 10.0, "records_processed": 1000.0, "records_failed": 0.0, "requests": 1.0, "retries": 0.0}


def run(*, inserted: int = 1000, rejected: int = 0, seconds: float | None = 10, **more: Any) -> RunDetails:
    ledger = RunLedger(
        fetched=inserted + rejected, inserted=inserted, updated=0, unchanged=0, stale=0, rejected=rejected, duplicate=0
    )
    usual: dict[str, Any] = {
        "run_id": 1, "source_name": "csv", "status": "success", "records_processed": inserted, "simulated": False,
        "records_failed": rejected, "duration_seconds": seconds, "started_at": NOW, "completed_at": NOW,
        "error_message": None, "error_kind": None, "trigger": "schedule", "resumed_from": None, "pages": 1,
        "requests": 1, "retries": 0, "waited_seconds": 0, "ledger": ledger, "checkpoints": [], "coins": None,
        "flags": [], "scheduled_for": NOW, "requested_at": None, "cancel_requested_at": None,
        "waits": RunWaits(rate_limit_seconds=0, backoff_seconds=0),
    }  # fmt: skip
    return RunDetails(**(usual | more))


def history(values: Sequence[float], measure: str = "duration_seconds") -> list[dict[str, float]]:
    """Runs that were all as usual, but for these values of one measure."""
    return [USUAL | {measure: value} for value in values]


def snapshots(*, a: int = 1000, b: int = 1000, lost: int = 0, nulls: float = 0) -> SnapshotDifference:
    nothing = {"count": 0, "coins": [], "largest": [], "highest": [], "lowest": []}
    shares = dict.fromkeys(("median_percent", "p5_percent", "p95_percent", "up_percent", "down_percent"))
    rate = {"field": "rank", "path": "r", "a_percent": 0, "b_percent": nulls, "difference_percent": nulls}
    return SnapshotDifference.model_validate(
        {"a_coins": a, "b_coins": b, "gained": nothing, "lost": nothing | {"count": lost}, "rank_moves": nothing}
        | {"price_moves": nothing | shares, "null_rates": [rate]}
    )


def names(*given: Any) -> list[str]:
    return [anomaly.name for anomaly in compared(*given).anomalies]


@pytest.mark.parametrize(
    ("a", "b", "durations", "expected"),
    [
        (run(), run(), [10.0] * 5, []),
        (run(), run(inserted=900), [], []),
        (run(), run(inserted=899), [], ["records_dropped"]),
        (run(inserted=0), run(inserted=0), [], []),
        (run(), run(inserted=10, resumed_from=1), [], []),
        (run(), run(inserted=10, status="running", seconds=None), [], []),
        (run(), run(rejected=5), [], []),
        (run(), run(rejected=20), [], ["reject_rate_up"]),
        (run(rejected=20), run(rejected=20), [], []),
        (run(), run(status="failed"), [], ["failed"]),
        (run(), run(status="abandoned", inserted=1), [], ["failed", "records_dropped"]),
        (run(), run(flags=[RunFlag(name="torn", reason="x")]), [], ["torn"]),
        (run(), run(seconds=99), [10.0] * 4, []),
        (run(), run(seconds=16), [10.0] * 5, ["slow"]),
        (run(), run(seconds=14), [10.0] * 5, []),
        (run(), run(seconds=1.05), [0.1] * 5, []),
        (run(), run(seconds=30), [5.0, 10.0, 15.0, 20.0, 25.0], []),
        (run(), run(seconds=16), [10.0, 10.0, 10.0, 10.0, 500.0], ["slow"]),
        (run(), run(seconds=None), [10.0] * 5, []),
    ],
)
def test_anomalies(a: RunDetails, b: RunDetails, durations: list[float], expected: list[str]) -> None:
    assert names(a, b, history(durations)) == expected


@pytest.mark.parametrize(
    ("measure", "past", "changes", "expected"),
    [
        ("records_processed", [1000.0] * 5, {"inserted": 899, "coins": 899}, ["few_records"]),
        ("records_processed", [1000.0] * 5, {"inserted": 901, "coins": 901}, []),
        ("records_processed", [1000.0] * 5, {"inserted": 2000, "coins": 2000}, []),
        ("records_processed", [1000.0, 700.0, 1300.0, 900.0, 1100.0], {"inserted": 600, "coins": 600}, []),
        ("records_processed", [1000.0] * 5, {"inserted": 10}, []),  # no snapshot: files bring what they bring
        ("records_failed", [2.0] * 5, {"rejected": 12}, []),
        ("records_failed", [2.0] * 5, {"rejected": 13}, ["many_rejects"]),
        ("requests", [4.0] * 5, {"requests": 6}, []),
        ("requests", [4.0] * 5, {"requests": 7}, ["many_requests"]),
        ("retries", [0.0, 1.0, 0.0, 2.0, 0.0], {"retries": 4}, ["many_retries"]),
    ],
)
def test_figures_are_unusual_on_their_bad_side(
    measure: str, past: list[float], changes: dict[str, Any], expected: list[str]
) -> None:
    b = run(**changes)
    comparison = compared(b, b, history(past, measure))
    assert [anomaly.name for anomaly in comparison.anomalies if anomaly.name != "reject_rate_up"] == expected
    assert [each.measure for each in comparison.usual if each.is_unusual] == [measure] * len(expected)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (snapshots(b=901, lost=99, nulls=5), []),
        (snapshots(b=899, lost=101), ["records_dropped", "coins_lost"]),
        (snapshots(lost=101), ["coins_lost"]),
        (snapshots(nulls=5.1), ["null_rate_up"]),
        (snapshots(a=0, b=0), []),
    ],
)
def test_coins_are_judged_where_they_are_known(given: SnapshotDifference, expected: list[str]) -> None:
    """Also of a run that finished what another began."""
    assert names(run(), run(inserted=10, resumed_from=1), [], given) == expected


def test_a_duration_that_is_not_known_has_no_difference() -> None:
    assert compared(run(), run(seconds=None), []).difference.duration_seconds is None
