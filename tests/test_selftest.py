"""The promises, tried in short; the long form is `just selftest`. And each trial fails where its promise is broken."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from kasparro import cli, selftest
from kasparro.errors import ConfigurationError
from kasparro.ingest.scheduler import Schedule
from kasparro.selftest import table
from kasparro.selftest.ground import SWIFT, Ground
from kasparro.selftest.strikes import POINTS, place
from kasparro.selftest.verdict import Verdict
from kasparro.store import rejects, tickers

README = Path(__file__).parents[1] / "README.md"
BACK_IN_TIME = tickers._MERGE.replace("'stale'", "'updated'").replace(
    "excluded.source_updated_at >= u.source_updated_at", "true"
)
ROUNDED = tickers._MERGE.replace(
    "$1, coin_id, name, symbol, rank, price_usd", "$1, coin_id, name, symbol, rank, round(price_usd, 9)"
)
NO_REJECTS = rejects._INSERT + "\nWHERE false"

# Trial -> what is broken in the product for it, and what the trial then has to say.
BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "crashes": (
        {"kasparro.store.runs:_CLOSE_ORPHANS": "SELECT 0, '' WHERE $1::text = 'nobody'"},
        "runs_left_open",
    ),
    "migration_crashes": (
        {"kasparro.selftest.books:_SCHEMA": "SELECT clock_timestamp()::text AS line"},  # two that differ
        "the schema differs",
    ),
    "repeats": ({"kasparro.store.tickers:_MERGE": BACK_IN_TIME}, "twice or wrong"),
    "monotone": ({"kasparro.store.tickers:_MERGE": BACK_IN_TIME}, "went back"),
    "frozen": (
        {
            "kasparro.store.leases:_RENEW": "SELECT $2::bigint, $1::text, $3::double precision",
            "kasparro.store.runs:_CLOSE_ORPHANS": "SELECT 0, '' WHERE $1::text = 'nobody'",
        },
        "committed under an old fence",
    ),
    "ticks": (
        {
            "kasparro.store.states:_DUE": "SELECT 0.0::double precision WHERE $1::text <> ''",
            "kasparro.store.states:_TAKE": "SELECT clock_timestamp(), NULL::timestamptz, 0 WHERE $1::text <> ''",
        },
        "not all is well",
    ),
    "conservation": ({"kasparro.store.rejects:_INSERT": NO_REJECTS}, "not all rejects are kept"),
    "months": (
        {"kasparro.store.quotas:_RESERVE": "SELECT 1, $1::text, $2::text, $3::text, $4::bigint"},
        "calls of 25",
    ),
    "poison": ({"kasparro.store.rejects:_INSERT": NO_REJECTS}, "not all bad ones are kept"),
    "database_outage": (
        {"kasparro.app.shop:Schedule": partial(Schedule, poll=1000), "kasparro.selftest.patience:LONGEST": 5.0},
        "waited 5 s in vain: good runs",
    ),
    "source_outage": ({"kasparro.ingest.waits:FIRST_RETRY": 0.0}, "a storm"),
    "graceful_stop": ({"kasparro.app.site:_DRAIN": 1.0, "kasparro.selftest.stops:_LONGEST": 0.9}, "it took"),
    "precision": ({"kasparro.store.tickers:_MERGE": ROUNDED}, "kept as"),
    "leaks": ({"kasparro.ingest.transport:_without_secrets": "{}".format}, "a secret is in"),
}
TRIALS = {trial.__name__: trial for promise in selftest.PROMISES.values() for trial, _, _ in promise.trials}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground() -> AsyncIterator[Ground]:
    async with selftest.prepared("7", is_quick=True) as ground:
        yield ground


@pytest.mark.parametrize("name", selftest.PROMISES)
@pytest.mark.asyncio(loop_scope="module")
async def test_promise_is_kept(ground: Ground, name: str) -> None:
    verdict = await selftest.tried(ground, name)
    assert (verdict.faults, verdict.failures) == ([], 0)


def test_every_trial_is_shown_to_fail() -> None:
    assert BROKEN.keys() == TRIALS.keys()


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.asyncio(loop_scope="module")
async def test_trial_fails_where_its_promise_is_broken(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    broken, fault = BROKEN[name]
    for path, value in broken.items():
        monkeypatch.setattr(*place(path), value)
        monkeypatch.setitem(SWIFT, path, value)  # in the workers too
    verdict = Verdict(name)
    await selftest.attempt(ground, TRIALS[name], verdict)
    assert verdict.failures == 1
    assert fault in "\n".join(verdict.faults)


def test_promise_that_was_never_put_to_the_proof_is_not_kept() -> None:
    verdict = Verdict("P1")
    with verdict.trial():
        verdict.count(kills_survived=0)
    verdict.close("kills_survived")
    assert (verdict.failures, verdict.faults) == (1, ["P1, trial 1: kills_survived is 0: nothing is proved"])


@pytest.mark.parametrize("point", POINTS)
def test_point_is_a_function_of_the_product(point: str) -> None:
    owner, name = place(POINTS[point][0])
    assert callable(getattr(owner, name))


def command(*arguments: str) -> Any:
    return CliRunner().invoke(cli.commands, ["selftest", "--quick", "--seed", "1", "--promise", "p4", *arguments])


def test_command_prints_json_and_is_content_with_promises_that_are_kept() -> None:
    result = command("--json")
    (row,) = json.loads(result.stdout)
    assert (result.exit_code, row["promise"], row["trials"], row["failures"]) == (0, "P4", 1, 0)
    assert row["figures"]["unaccounted"] == 0 < row["figures"]["records"]


def test_command_says_what_was_broken_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejects, "_INSERT", NO_REJECTS)
    result = command()
    assert result.exit_code == 1
    assert "P4, trial 1: not all rejects are kept" in result.stdout


def test_command_knows_its_promises() -> None:
    assert "no such promise: P99" in str(command("--promise", "P99").exception)


@pytest.fixture
def verdicts() -> list[Verdict]:
    kept, broken = Verdict("P1"), Verdict("P3")
    with kept.trial():
        kept.count(kills=1200)
    with broken.trial():
        broken.expect(False, "2 late commits")
        broken.peak(longest_seconds=1.23456)
        broken.peak(longest_seconds=1)
    return [kept, broken]


def test_json_is_a_list_of_verdicts(verdicts: list[Verdict]) -> None:
    assert json.loads(table.as_json(verdicts)) == [
        {"promise": "P1", "trials": 1, "failures": 0, "figures": {"kills": 1200}},
        {"promise": "P3", "trials": 1, "failures": 1, "figures": {"longest_seconds": 1.235}},
    ]


def test_text_says_what_went_wrong(verdicts: list[Verdict]) -> None:
    assert "kills 1,200" in table.as_text(verdicts)
    assert table.as_text(verdicts).endswith("P3, trial 1: 2 late commits")


def test_markdown_goes_between_its_comments_and_nowhere_else(tmp_path: Path, verdicts: list[Verdict]) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- selftest -->\nold\n<!-- /selftest -->\nafter\n")
    markdown = table.as_markdown(verdicts, "7")
    for _ in range(2):
        table.insert(readme, markdown)
    assert readme.read_text() == f"before\n<!-- selftest -->\n{markdown}<!-- /selftest -->\nafter\n"
    readme.write_text("no place")
    with pytest.raises(ConfigurationError, match=r"README\.md: has no <!-- selftest -->"):
        table.insert(readme, markdown)


def test_readme_has_the_table_of_the_long_form_with_every_promise_kept() -> None:
    rows = re.findall(r"^\| (P\d+) \| (.*?) \| (\d+) \| (\d+) \| (.*) \|$", README.read_text(), re.MULTILINE)
    assert [(name, says) for name, says, *_ in rows] == [(name, each.says) for name, each in selftest.PROMISES.items()]
    for name, _, trials, failures, _ in rows:
        assert int(trials) == sum(long for _, _, long in selftest.PROMISES[name].trials)
        assert failures == "0"
    kills, ticks = re.search(r"kills survived ([\d,]+)", rows[0][4]), re.search(r"ticks ([\d,]+)", rows[2][4])
    assert kills is not None
    assert ticks is not None
    assert int(kills[1].replace(",", "")) >= 200
    assert int(ticks[1].replace(",", "")) >= 1000
