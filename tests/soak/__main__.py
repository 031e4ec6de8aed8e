"""`just soak`: the service under mixed load for ten minutes, and what it still holds at the end; stops by itself.

`--minutes 2 --seed 5` make it shorter, and another one. Prints a table; exits with 1 where a limit was passed.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.databases import databases
from tests.soak.trial import Trial, soak

from kasparro import log


def main() -> int:
    parser = argparse.ArgumentParser(prog="just soak", description="The service under mixed load.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # however it ends, it stops what it started
    log.configure("ERROR", "text")
    trial = asyncio.run(_soaked(asked.minutes * 60, asked.seed))
    _show(trial)
    return 0 if all(claim.holds for claim in trial.claims()) else 1


async def _soaked(seconds: float, seed: int) -> Trial:
    with tempfile.TemporaryDirectory(prefix="kasparro-soak-") as folder:
        async with databases() as made:
            return await soak(await made.fresh(), Path(folder), seconds=seconds, seed=seed)


def _show(trial: Trial) -> None:
    table = Table("what", "figure", "", "at most", "")
    for claim in trial.claims():
        most = "" if claim.most is None else f"{claim.most:g}"
        table.add_row(claim.what, f"{claim.value:,.10g}", claim.unit, most, "" if claim.holds else "MISSED")
    console = Console(width=110)
    console.print(table)
    for sentence in (*trial.tally.sentences, *trial.errors[:20]):
        console.print(sentence, markup=False)


sys.exit(main())
