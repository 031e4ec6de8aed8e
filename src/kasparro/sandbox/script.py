"""Which fault is due for which call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kasparro.sandbox.calls import Call
from kasparro.sandbox.exchange import Fault
from kasparro.sandbox.market import VendorName


@dataclass(slots=True)
class _Rule:
    vendor: VendorName
    fault: Fault
    left: int | None
    on: Callable[[Call], bool]


class Script:
    """Faults in the order they were asked for, each used up before the next; endless ones come last."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []

    def fail(self, vendor: VendorName, fault: Fault, *, times: int | None, on: Callable[[Call], bool]) -> None:
        self._rules.append(_Rule(vendor, fault, times, on))
        self._rules.sort(key=lambda rule: rule.left is None)

    def heal(self, vendor: VendorName | None) -> None:
        self._rules = [rule for rule in self._rules if vendor not in (None, rule.vendor)]

    def due(self, call: Call) -> Fault | None:
        """The fault for this call, if any; it is used up by one."""
        for rule in self._rules:
            if rule.vendor == call.vendor and rule.left != 0 and rule.on(call):
                rule.left = None if rule.left is None else rule.left - 1
                return rule.fault
        return None
