"""Schema drift: what a page holds, compared with what its source is declared to send. Pure.

The declaration is the source itself: the paths and types of its record model, and its `known` and `optional` paths.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import SequenceMatcher
from typing import Any, get_args

from pydantic import AwareDatetime

from kasparro.domain import Drift, Severity
from kasparro.sources.base import ApiSource
from kasparro.sources.records import upstream_path

ALIKE = 0.6  # two names at least this similar may be one field, renamed
_ESSENTIAL = {"coin_id", "name", "price_usd"}
_JSON_TYPES = {
    Decimal: "number",
    int: "number",
    float: "number",
    str: "string",
    bool: "boolean",
    dict: "object",
    list: "array",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a source is declared to send: path -> JSON type; which paths we map, and which are essential to us.

    `immutable` are the paths whose value changes only with that of another.
    """

    types: Mapping[str, str]
    expected: frozenset[str]
    mapped: frozenset[str]
    essential: frozenset[str]
    immutable: Mapping[str, str]

    def severity(self, path: str) -> Severity:
        """How much a difference at this path matters to us."""
        if path in self.essential:
            return "critical"
        return "warning" if path in self.mapped else "info"


def baseline(source: ApiSource) -> Baseline:
    """The baseline of a source, read from its declaration."""
    mapped: dict[str, str] = {}
    essential: set[str] = set()
    for name, info in source.record_type.model_fields.items():
        if path := upstream_path(info):
            mapped[path] = _declared_type(info.annotation)
            if name in _ESSENTIAL:
                essential |= {path, *_parents(path)}
    parents = {parent: "object" for path in mapped for parent in _parents(path)}
    types = {**parents, **mapped, **source.known, **source.optional}
    expected = frozenset(types) - frozenset(source.optional)
    return Baseline(types, expected, frozenset(mapped), frozenset(essential), source.immutable)


@dataclass(slots=True)
class Profile:
    """What the records of one page hold: path -> JSON type -> a sample, collected record by record.

    `page` is all of it: a key that is nowhere in it need not be looked for in every record.
    """

    baseline: Baseline
    page: bytes | None = None
    records: int = 0
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    shapes: dict[tuple[Any, ...], list[str]] = field(default_factory=dict)
    awaited: list[bytes] = field(default_factory=lambda: [b""])
    coming: dict[bytes, bool] = field(default_factory=dict)

    def misses(self, body: bytes) -> bool:
        """Whether an ordinary record, all of whose paths are known, may hold one that no record held before."""
        return any(key in body for key in self.awaited)

    def see(self, value: Any) -> None:
        """Take a record into account."""
        self.records += 1
        if isinstance(value, dict):
            self._see(value, "")

    def _see(self, value: dict[str, Any], prefix: str) -> None:
        # Nearly all records have a shape that was seen before: then only their nested objects are looked at.
        shape = (prefix, *value, *map(type, value.values()))
        nested = self.shapes.get(shape)
        if nested is None:
            nested = self.shapes[shape] = self._learn(value, prefix)
        for key in nested:
            self._see(value[key], f"{prefix}{key}.")

    def _learn(self, value: dict[str, Any], prefix: str) -> list[str]:
        for key, item in value.items():
            self.seen.setdefault(prefix + key, {}).setdefault(_JSON_TYPES[type(item)], item)
        missing = {_quoted(path) for path in self.baseline.expected - self.seen.keys()}
        self.awaited = [key for key in missing if self._comes(key)]
        return [key for key, item in value.items() if isinstance(item, dict)]

    def _comes(self, key: bytes) -> bool:
        """Whether the page holds the key at all; looked for once."""
        if key not in self.coming:
            self.coming[key] = self.page is None or key in self.page
        return self.coming[key]

    def drifts(self) -> list[Drift]:
        """Every difference from the baseline; a page without records differs in nothing."""
        if not self.records:
            return []
        missing = {path for path in self.baseline.expected - self.seen.keys() if self._parent_was_there(path)}
        new = {path for path in self.seen.keys() - self.baseline.types.keys() if self._parent_is_known(path)}
        renamed = list(_renames(missing, new))
        for old, fresh, _ in renamed:
            missing.discard(old)
            new.discard(fresh)
        return [
            *(self._renamed(old, fresh, ratio) for old, fresh, ratio in renamed),
            *(self._missing(path) for path in sorted(missing)),
            *(self._new(path) for path in sorted(new)),
            *self._type_changes(),
        ]

    def _parent_was_there(self, path: str) -> bool:
        parent = path.rpartition(".")[0]
        return not parent or "object" in self.seen.get(parent, {})

    def _parent_is_known(self, path: str) -> bool:
        """Of a new object only its own path is news, not everything inside."""
        parent = path.rpartition(".")[0]
        return not parent or parent in self.baseline.types

    def _renamed(self, old: str, fresh: str, ratio: float) -> Drift:
        found, sample = self._found(fresh)
        severity, expected = self.baseline.severity(old), self.baseline.types[old]
        return Drift("renamed_field", old, severity, round(ratio, 3), expected, found, fresh, sample)

    def _missing(self, path: str) -> Drift:
        return Drift("missing_field", path, self.baseline.severity(path), expected=self.baseline.types[path])

    def _new(self, path: str) -> Drift:
        found, sample = self._found(path)
        return Drift("new_field", path, "info", observed=found, sample=sample)

    def _type_changes(self) -> Iterator[Drift]:
        for path in sorted(self.seen.keys() & self.baseline.types.keys()):
            expected = self.baseline.types[path]
            if self.seen[path].keys() - {expected, "null"}:
                found, sample = self._found(path, expected)
                severity = self.baseline.severity(path)
                yield Drift("type_change", path, severity, expected=expected, observed=found, sample=sample)

    def _found(self, path: str, expected: str | None = None) -> tuple[str, str]:
        """The types seen at a path beside the expected one, and a sample; null only where nothing else was."""
        kinds = sorted(self.seen[path].keys() - {expected, "null"}) or ["null"]
        return ", ".join(kinds), shortened(self.seen[path][kinds[0]])


def _renames(missing: set[str], new: set[str]) -> Iterator[tuple[str, str, float]]:
    """Pairs of a missing and a new path under the same parent that are alike, best pair first, each path once."""
    pairs = sorted(
        (-SequenceMatcher(None, old, fresh).ratio(), old, fresh)
        for old in missing
        for fresh in new
        if old.rpartition(".")[0] == fresh.rpartition(".")[0]
    )
    taken: set[str] = set()
    for ratio, old, fresh in pairs:
        if -ratio >= ALIKE and not {old, fresh} & taken:
            taken |= {old, fresh}
            yield old, fresh, -ratio


def _quoted(path: str) -> bytes:
    """The last key of a path as JSON has it."""
    return json.dumps(path.rpartition(".")[2]).encode()


def _parents(path: str) -> Iterator[str]:
    while path := path.rpartition(".")[0]:
        yield path


def _declared_type(annotation: Any) -> str:
    inside = set(_flatten(annotation))
    return "string" if inside & {str, AwareDatetime} else "number"


def _flatten(annotation: Any) -> Iterator[Any]:
    """The annotation and everything inside its brackets."""
    yield annotation
    for part in get_args(annotation):
        yield from _flatten(part)


def shortened(sample: Any) -> str:
    """A value, for people: short, whatever it is, and in letters that any text may hold."""
    return str(sample) if isinstance(sample, Decimal) else json.dumps(sample, default=float)[:100]
