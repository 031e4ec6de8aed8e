"""P7: what cannot be read costs itself and nothing else."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

from kasparro.sandbox import faults
from kasparro.selftest.ground import Ground
from kasparro.selftest.pages import Record, coin, page
from kasparro.selftest.verdict import Verdict
from kasparro.selftest.worker import working
from kasparro.store.sql import statement

_RUNS = statement("selftest_runs")
_MEBIBYTE = 2**20
_BOUND = 768 * _MEBIBYTE  # of a worker: the largest body that is read at all, 128 MiB, is held a few times over
_GOOD = 200
_BAD: dict[str, dict[str, str]] = {
    **{f"a list for {key}": {key: "[1]"} for key in ("id", "name", "symbol", "current_price")},
    **{token: {"current_price": token} for token in ("NaN", "Infinity", "1e400")},
    "10 MB of digits": {"current_price": f'"{"9" * 10**7}"'},
    "10 MB of name": {"name": f'"{"n" * 10**7}"'},
    "NUL": {"name": r'"N\u0000L"'},
    "a lone surrogate": {"name": r'"\ud800"'},
    "deep JSON": {"roi": "[" * 100_000 + "]" * 100_000},
}


class _Answer(NamedTuple):
    """An answer, how many coins of it are good, and how many records of it have to be quarantined."""

    name: str
    body: bytes
    good: int
    rejected: int = 0
    encoding: str = "identity"

    @property
    def status(self) -> str:
        """What becomes of its run."""
        return "partial" if self.rejected else "success" if self.good else "failed"


def _answers(random: Random) -> Iterator[_Answer]:
    """Every poison of the list among good records, and answers that fail as a whole."""
    for number, (name, token) in enumerate(_BAD.items()):
        good = _good(1000 * number)
        records = [*good, {**good[0], **token}]
        random.shuffle(records)
        yield _Answer(name, page(records), _GOOD, 1)
    latin = page(_good(100_000)).replace(b'"Coin 100007"', b'"Caf\xe9"')
    yield _Answer("a byte that is no UTF-8", latin, _GOOD - 1, 1)
    yield _Answer("UTF-16", page(_good(0)).decode().encode("utf-16"), 0)
    yield _Answer("50 MB", page([coin(200_000, "1", minute=1, image=f'"{"x" * 50_000_000}"')]), 1)
    yield _Answer("a gzip bomb", gzip.compress(b"[" + b" " * 200_000_000 + b"]", 1), 0, encoding="gzip")


def _good(first: int) -> list[Record]:
    return [coin(number, "1.5", minute=1) for number in range(first, first + _GOOD)]


async def poison(ground: Ground, random: Random, verdict: Verdict) -> None:
    """One after the other to a worker whose memory is measured; the cycle that follows is clean."""
    answers = [*_answers(random), _Answer("the cure", page([coin(0, "1.5", minute=2)]), 1)]
    async with ground.market(coins=10) as market:
        for answer in answers:
            headers = {"Content-Type": "application/json", "Content-Encoding": answer.encoding}
            market.sandbox.fail("coingecko", faults.Literal(200, headers, answer.body))
        job = market.job("cycle", times=len(answers), environ={"SOURCES": "coingecko", "COINGECKO_PAGES": "1"})
        async with working(job) as worker:
            peak = await worker.told() or 0
            code = await worker.ended()
        runs = await ground.fetch(_RUNS)
    verdict.peak(peak_mib=peak / _MEBIBYTE)
    verdict.expect(code == 0, f"the worker ended with {code}")
    verdict.expect(0 < peak < _BOUND, f"{peak / _MEBIBYTE:.0f} MiB at the peak")
    verdict.expect(len(runs) == len(answers), f"{len(runs)} runs of {len(answers)}")
    for answer, run in zip(answers, runs, strict=False):
        _judge(verdict, answer, run)


def _judge(verdict: Verdict, answer: _Answer, run: dict[str, Any]) -> None:
    """Expect that the good coins of an answer are in, and the bad records in quarantine."""
    good = run["inserted"] + run["updated"] + run["duplicate"] + run["unchanged"]
    verdict.count(poisons=1, good_records_lost=max(0, answer.good - good))
    verdict.expect(good == answer.good, f"{answer.name}: {good} of {answer.good} good records: {dict(run)}")
    verdict.expect(run["quarantined"] == answer.rejected, f"{answer.name}: not all bad ones are kept: {dict(run)}")
    verdict.expect(run["status"] == answer.status, f"{answer.name}: the run is {run['status']}, not {answer.status}")
