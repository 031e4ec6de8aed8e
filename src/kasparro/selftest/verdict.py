"""What came of a promise: how often it was tried, how often it was broken, and the figures that say so."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Verdict:
    """The count of one promise while it is being tried. `faults` say, trial by trial, what was wrong."""

    promise: str
    trials: int = 0
    failures: int = 0
    figures: dict[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @contextmanager
    def trial(self) -> Iterator[None]:
        """One trial: it fails where anything that it expects does not hold, or where it breaks."""
        self.trials += 1
        before = len(self.faults)
        try:
            yield
        except Exception:
            self.expect(False, traceback.format_exc())
        self.failures += len(self.faults) > before

    def expect(self, holds: bool, fault: str) -> None:
        """Note the fault, unless what was promised holds."""
        if not holds:
            self.faults.append(f"{self.promise}, trial {self.trials}: {fault}")

    def count(self, **figures: float) -> None:
        """Add to figures; one that stays at 0 is shown too."""
        for name, figure in figures.items():
            self.figures[name] = self.figures.get(name, 0) + figure

    def peak(self, **figures: float) -> None:
        """Keep the largest of figures."""
        for name, figure in figures.items():
            self.figures[name] = max(self.figures.get(name, 0), figure)

    def close(self, proof: str) -> None:
        """The end of all trials: where the figure `proof` is 0, nothing has been proved."""
        if not self.figures.get(proof):
            self.failures += 1
            self.expect(False, f"{proof} is 0: nothing is proved")

    def as_row(self) -> dict[str, Any]:
        """The verdict as `--json` prints it."""
        return {
            "promise": self.promise,
            "trials": self.trials,
            "failures": self.failures,
            "figures": {name: round(figure, 3) for name, figure in self.figures.items()},
        }
