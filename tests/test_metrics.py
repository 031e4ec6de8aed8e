"""Metrics that Prometheus itself finds no fault with."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from kasparro.domain import Ledger
from kasparro.metrics import Metrics

PROMTOOL = shutil.which("promtool")
HOSTILE = 'a "quoted" \\ back\nslash'


@pytest.fixture
def metrics() -> Metrics:
    """Every event, once."""
    metrics = Metrics()
    metrics.source_scheduled(HOSTILE, 300)
    metrics.run_finished(HOSTILE, "partial", 3, Ledger(inserted=4, rejected=2))
    metrics.request_made(HOSTILE, "ok")
    metrics.throttled(HOSTILE, 1.5)
    metrics.drift_seen(HOSTILE, "new_field")
    metrics.credits_known(HOSTILE, 40, 100)
    metrics.last_success(HOSTILE, 1_700_000_000.25)
    metrics.http_request("GET", "/data", 200, 0.003)
    metrics.loop_lag(0.002)
    metrics.pool_connections("desk", used=1, idle=2)
    metrics.followers(3)
    return metrics


def check(text: bytes) -> None:
    """What `promtool check metrics` says, which is nothing."""
    if PROMTOOL is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, check=False)  # noqa: S603  # ours
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_promtool_finds_no_fault(metrics: Metrics) -> None:
    check(metrics.render())


def test_promtool_finds_no_fault_before_any_event() -> None:
    check(Metrics().render())


def test_label_values_are_escaped(metrics: Metrics) -> None:
    escaped = r'source="a \"quoted\" \\ back\nslash"'
    assert f"kasparro_etl_interval_seconds{{{escaped}}} 300" in metrics.render().decode().splitlines()


@pytest.mark.parametrize(
    "line",
    [
        'kasparro_etl_runs_total{source="csv",status="success"} 0',
        'kasparro_etl_runs_total{source="csv",status="cancelled"} 0',
        'kasparro_etl_records_total{outcome="stale",source="csv"} 0',
        'kasparro_source_requests_total{outcome="malformed",source="csv"} 0',
        'kasparro_source_throttle_wait_seconds_total{source="csv"} 0',
        'kasparro_schema_drift_total{kind="renamed_field",source="csv"} 0',
        'kasparro_etl_last_success_timestamp_seconds{source="csv"} 0',
    ],
)
def test_a_scheduled_source_begins_at_zero(line: str) -> None:
    metrics = Metrics()
    metrics.source_scheduled("csv", 60)
    assert line in metrics.render().decode().splitlines()


def test_scheduling_again_forgets_nothing(metrics: Metrics) -> None:
    before = metrics.render().decode().splitlines()
    metrics.source_scheduled(HOSTILE, 300)
    after = metrics.render().decode().splitlines()
    assert [line for line in after if "source=" in line] == [line for line in before if "source=" in line]


def test_events_are_counted() -> None:
    metrics = Metrics()
    metrics.run_finished("csv", "partial", 3, Ledger(inserted=4, rejected=2))
    metrics.http_request("GET", "/data", 200, 0.003)
    metrics.http_request("GET", "/data", 200, 0.3)
    lines = metrics.render().decode().splitlines()
    for line in (
        'kasparro_etl_runs_total{source="csv",status="partial"} 1',
        'kasparro_etl_records_total{outcome="inserted",source="csv"} 4',
        'kasparro_etl_records_total{outcome="rejected",source="csv"} 2',
        'kasparro_etl_run_duration_seconds_bucket{source="csv",le="2.5"} 0',
        'kasparro_etl_run_duration_seconds_bucket{source="csv",le="5.0"} 1',
        'api_requests_total{method="GET",route="/data",status="200"} 2',
        'api_request_duration_seconds_bucket{method="GET",route="/data",le="+Inf"} 2',
        'api_request_duration_seconds_count{method="GET",route="/data"} 2',
    ):
        assert any(each.startswith(line) for each in lines), line


@pytest.mark.parametrize(("limit", "left"), [(100, "60"), (30, "0"), (None, None)])
def test_credits(limit: int | None, left: str | None) -> None:
    metrics = Metrics()
    metrics.credits_known("coingecko", 40, limit)
    lines = dict(line.rsplit(" ", 1) for line in metrics.render().decode().splitlines())
    assert lines['kasparro_quota_used{source="coingecko"}'] == "40"
    assert lines.get('kasparro_quota_remaining{source="coingecko"}') == left


def test_the_process_is_measured() -> None:
    text = Metrics().render().decode()
    for name in (
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_open_fds",
        "kasparro_build_info",
    ):
        assert f"\n{name}" in text


def test_each_application_has_its_own() -> None:
    first, second = Metrics(), Metrics()
    first.request_made("csv", "ok")
    assert 'source="csv"' not in second.render().decode()
