"""The alarms go off when they should, and a real Prometheus draws every panel of the dashboard."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web

from kasparro.domain import Ledger
from kasparro.metrics import CONTENT_TYPE, Metrics
from kasparro.metrics.text import merged

from .prometheus import FOLDER, PROMETHEUS, ask, scraping

RULES = [rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
TESTS = Path(__file__).parent / "monitoring" / "alerts.yml"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "grafana" / "dashboards" / "kasparro.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run([PROMTOOL or "", *arguments], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_promtool_finds_no_fault_with_the_configuration_and_the_rules() -> None:
    promtool("check", "config", FOLDER / "prometheus.yml")
    promtool("check", "rules", FOLDER / "alerts.yml")


@needs_promtool
def test_each_alarm_goes_off_when_it_should() -> None:
    promtool("test", "rules", TESTS)


def test_each_alarm_is_tested() -> None:
    told = yaml.safe_load(TESTS.read_text())["tests"]
    raised = {each["alertname"] for test in told for each in test["alert_rule_test"] if each.get("exp_alerts")}
    assert raised == {rule["alert"] for rule in RULES}


@needs_promtool
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_that_is_gone_is_missed(rule: dict[str, Any], tmp_path: Path) -> None:
    """The tests of the rules can fail."""
    left = [each for each in RULES if each is not rule]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "left", "rules": left}]}))
    told = yaml.safe_load(TESTS.read_text()) | {"rule_files": ["rules.yml"]}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(told))
    with pytest.raises(AssertionError, match=rule["alert"]):
        promtool("test", "rules", tmp_path / "tests.yml")


def _metrics_named(expression: str) -> Iterator[str]:
    for name in re.findall(r"\b(?:kasparro|api|process)_[a-z_]+\b", expression):
        yield re.sub("_bucket$", "", name)


@pytest.mark.parametrize("expression", [*(rule["expr"] for rule in RULES), *EXPRESSIONS])
def test_only_metrics_that_exist_are_asked_for(expression: str) -> None:
    declared = re.findall(r"^# TYPE (\S+)", merged({"1": Metrics().render()}).decode(), re.MULTILINE)
    assert set(_metrics_named(expression)) <= set(declared)


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    places = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]
    assert len(set(places)) == len(places)
    assert max(x for x, _ in places) < 24


def test_every_panel_says_what_it_shows_and_takes_the_chosen_source_of_data() -> None:
    for panel in PANELS:
        assert panel["description"]
        assert panel["datasource"]["uid"] == "${datasource}"


async def _scraped(_: web.Request) -> web.Response:
    """A service that has seen everything, and ever more of it."""
    _METRICS.run_finished("csv", "success", 3, Ledger(inserted=4, rejected=2))
    _METRICS.request_made("csv", "ok")
    _METRICS.throttled("csv", 1.5)
    _METRICS.drift_seen("csv", "new_field")
    _METRICS.snapshot_flagged("csv", "torn")
    _METRICS.http_request("GET", "/data", 500, 0.003)
    _METRICS.loop_lag(0.002)
    return web.Response(body=_METRICS.render(), headers={"Content-Type": CONTENT_TYPE})


_METRICS = Metrics()


@pytest.fixture
async def prometheus(aiohttp_server: Any, tmp_path: Path) -> AsyncIterator[str]:
    """Address of a Prometheus with our rules, which scrapes twice a second."""
    if PROMETHEUS is None:
        pytest.skip("prometheus is not installed")
    _METRICS.source_scheduled("csv", 300)
    _METRICS.credits_known("csv", 40, 100)
    _METRICS.last_success("csv", 1_700_000_000)
    _METRICS.pool_connections("desk", used=1, idle=2)
    _METRICS.followers(1)
    _METRICS.prices_counted({"agree": 3, "disagree": 1}, {"csv": {"kept": 2, "stale": 1}}, {"csv": 1})
    app = web.Application()
    app.router.add_get("/metrics", _scraped)
    target = await aiohttp_server(app)
    async with scraping(target.port, tmp_path) as address:
        yield address


async def test_a_real_prometheus_draws_every_panel(prometheus: str) -> None:
    waiting = {
        expression: expression.replace("$__rate_interval", "30s").replace("$source", ".*") for expression in EXPRESSIONS
    }
    async with aiohttp.ClientSession() as session, asyncio.timeout(60):
        while waiting:
            for expression, asked in list(waiting.items()):
                answer = await ask(session, f"{prometheus}/api/v1/query", query=asked)
                if answer and answer["result"]:
                    del waiting[expression]
            await asyncio.sleep(0.2)
        [target] = (await ask(session, f"{prometheus}/api/v1/targets"))["activeTargets"]
        rules = await ask(session, f"{prometheus}/api/v1/rules")
    assert (target["health"], target["lastError"]) == ("up", "")
    assert {rule["health"] for group in rules["groups"] for rule in group["rules"]} <= {"ok", "unknown"}
