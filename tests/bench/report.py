"""Figures and how they compare, printed as one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.console import Console
from rich.table import Table


class Ratio(NamedTuple):
    """A figure against another of the same run, and the goal where there is one."""

    value: float
    goal: float | None = None

    def __str__(self) -> str:
        goal = "" if self.goal is None else f" (goal {self.goal:g}: {'met' if self.value >= self.goal else 'MISSED'})"
        return f"{self.value:.2f}{goal}"


class Most(NamedTuple):
    """A figure that is to stay under a limit."""

    value: float
    limit: float

    def __str__(self) -> str:
        return f"(goal under {self.limit:g}: {'met' if self.value < self.limit else 'MISSED'})"


class Figure(NamedTuple):
    """What was measured, how much it was, and against what."""

    what: str
    value: float
    unit: str
    against: Ratio | Most | str = ""


def best(values: Sequence[float]) -> float:
    """The best of several rounds: what the machine can do when nothing disturbs it."""
    return max(values)


def ratio(values: Sequence[float], others: Sequence[float], goal: float | None = None) -> Ratio:
    """The best of one against the best of the other, of rounds that took turns."""
    return Ratio(best(values) / best(others), goal)


def show(title: str, figures: Sequence[Figure]) -> None:
    """Print the figures."""
    table = Table("what", "figure", "", "ratio", title=title, title_justify="left")
    for figure in figures:
        table.add_row(figure.what, f"{figure.value:,.1f}", figure.unit, str(figure.against))
    Console(width=130).print(table)
