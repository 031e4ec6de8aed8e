"""Which parts of the past are asked for: what is missing, as finely as the plan gives it, in few calls. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from kasparro.domain import Part, Reach, Span

_SLACK = 1.5  # steps without a point that make a gap: vendors' points are not on time to the minute
_MARGIN = timedelta(minutes=10)  # that a plan is taken to reach less far back: clocks differ, and a call takes its time


class Zone(NamedTuple):
    """A stretch of time, and what the plan gives of it."""

    span: Span
    reach: Reach

    def longest(self, pace: timedelta) -> timedelta:
        """The longest stretch without a tick that is none to ask for. `pace` is that of the source's own cycles."""
        return _SLACK * max(self.reach.step, pace)


class Zones(NamedTuple):
    """A time, cut by what the plan gives of it, the oldest first; `beyond` is what it does not give."""

    zones: Sequence[Zone]
    beyond: Span | None


def zones(within: Span, reaches: Iterable[Reach], now: datetime) -> Zones:
    """Cut a time into what can be asked for, each as finely as possible; the reaches are given finest first."""
    found: list[Zone] = []
    until = min(within.until, now)
    for reach in reaches:
        since = within.since if reach.back is None else max(within.since, now - reach.back + _MARGIN)
        if since < until:
            found.insert(0, Zone(Span(since, until), reach))
            until = since
    return Zones(found, Span(within.since, until) if within.since < until else None)


def unasked(gaps: Iterable[Span], asked: Sequence[Span], longest: timedelta) -> Iterator[Span]:
    """What is left of the gaps without what was asked before, where that is longer than `longest`; all in order."""
    for since, until in gaps:
        for before in asked:
            if before.since < until and before.until > since:
                if before.since - since > longest:
                    yield Span(since, before.since)
                since = max(since, before.until)
        if until - since > longest:
            yield Span(since, until)


def parts(gaps: Iterable[Span], reach: Reach) -> list[Part]:
    """The calls that cover the gaps, which are in order: several gaps in one where they are near each other."""
    found: list[Part] = []
    for since, until in gaps:
        while since < until:
            end = min(since + reach.span, until)
            if found and end - found[-1].since <= reach.span:
                found[-1] = found[-1]._replace(until=end)
            else:
                found.append(Part(since, end, reach.step))
            since = end
    return found
