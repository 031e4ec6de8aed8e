"""Plans of faults, one for each call to come, the same for the same seed. `Sandbox.follow` loads one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from random import Random
from typing import Any

from kasparro.sandbox import faults
from kasparro.sandbox.exchange import Fault

KINDS: Mapping[str, Callable[[Random], Fault]] = {
    "latency": lambda random: faults.Latency(random.uniform(0, 0.2)),
    "rate_limited": lambda random: faults.RateLimited(random.choice([None, 0, 1]), html=random.random() < 0.3),
    "server_error": lambda random: faults.ServerError(random.choice([500, 502, 503, 504, 520])),
    "truncated": lambda random: faults.Truncated(random.random()),
    "reset": lambda random: faults.Reset(random.random()),
    "slow_drip": lambda random: faults.SlowDrip(pause=0.005, size=random.randrange(2_000, 20_000)),
    "envelope": lambda _: faults.Envelope(),
    "html": lambda _: faults.Html(),
    "empty": lambda _: faults.Empty(),
    "drift": lambda random: faults.Drift(add={f"new_{random.randrange(100)}": random.randrange(9)}),
    "poison": lambda random: faults.Poison(every=random.randrange(5, 60)),
    "repeated": lambda random: faults.Repeated(random.randrange(1, 40)),
    "shuffled": lambda random: faults.Shuffled(random.randrange(1_000)),
    "stale": lambda _: faults.Stale(),
}
"""Name -> how such a fault is drawn."""

HARMLESS = ("latency", "slow_drip", "rate_limited", "server_error", "truncated", "reset", "shuffled")
"""Kinds that delay or reorder what arrives, and change none of it."""


def drawn(seed: int | str, calls: int = 100, share: float = 0.3, kinds: Collection[str] = tuple(KINDS)) -> list[Fault]:
    """A fault of one of `kinds` for a `share` of the next `calls`, the true answer for the others."""
    random = Random(str(seed))  # noqa: S311 - nothing here is secret
    names = sorted(kinds)
    return [KINDS[random.choice(names)](random) if random.random() < share else faults.Honest() for _ in range(calls)]


def listed(wishes: Iterable[Any]) -> list[Fault]:
    """A plan written down: `["Reset", ["RateLimited", {"retry_after": 1}], "Honest"]`."""
    pairs = [(wish, {}) if isinstance(wish, str) else wish for wish in wishes]
    return [faults.BY_NAME[name](**values) for name, values in pairs]
