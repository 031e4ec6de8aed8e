"""What counts as an anomaly."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kasparro.api.comparison import compared
from kasparro.api.run_schemas import RunDetails, RunLedger

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def run(*, inserted: int = 1000, rejected: int = 0, seconds: float | None = 10, **more: Any) -> RunDetails:
    ledger = RunLedger(
        fetched=inserted + rejected, inserted=inserted, updated=0, unchanged=0, stale=0, rejected=rejected, duplicate=0
    )
    usual: dict[str, Any] = {
        "run_id": 1, "source_name": "csv", "status": "success", "records_processed": inserted, "simulated": False,
        "records_failed": rejected, "duration_seconds": seconds, "started_at": NOW, "completed_at": NOW,
        "error_message": None, "error_kind": None, "trigger": "schedule", "resumed_from": None, "pages": 1,
        "requests": 1, "retries": 0, "waited_seconds": 0, "ledger": ledger, "checkpoints": [], "coins": None,
        "flags": [],
    }  # fmt: skip
    return RunDetails(**(usual | more))


@pytest.mark.parametrize(
    ("a", "b", "usual", "names"),
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
        (run(), run(seconds=99), [10.0] * 4, []),
        (run(), run(seconds=16), [10.0] * 5, ["slow"]),
        (run(), run(seconds=14), [10.0] * 5, []),
        (run(), run(seconds=1.05), [0.1] * 5, []),
        (run(), run(seconds=30), [5.0, 10.0, 15.0, 20.0, 25.0], []),
        (run(), run(seconds=16), [10.0, 10.0, 10.0, 10.0, 500.0], ["slow"]),
    ],
)
def test_anomalies(a: RunDetails, b: RunDetails, usual: list[float], names: list[str]) -> None:
    assert [anomaly.name for anomaly in compared(a, b, usual).anomalies] == names


def test_a_duration_that_is_not_known_has_no_difference() -> None:
    assert compared(run(), run(seconds=None), []).difference.duration_seconds is None
