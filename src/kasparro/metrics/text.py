"""Prometheus' text format: metrics written, and those of several processes merged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aioprometheus.collectors import Histogram


def lines(collector: Any) -> Iterator[str]:
    """A metric in the text format.

    aioprometheus' own formatter escapes nothing: one quote in a label makes the whole answer unreadable.
    """
    yield from heading(collector.name, collector.doc, collector.kind.name)
    for labels, value in collector.get_all():
        if isinstance(collector, Histogram):
            yield from histogram_lines(collector.name, labels, value)
        else:
            yield line(collector.name, labels, value)


def heading(name: str, told: str, kind: str) -> Iterator[str]:
    yield f"# HELP {name} {told}"
    yield f"# TYPE {name} {kind}"


def histogram_lines(name: str, labels: Mapping[str, str], values: Mapping[float | str, float]) -> Iterator[str]:
    for key, value in values.items():
        if isinstance(key, str):  # "count" and "sum"
            yield line(f"{name}_{key}", labels, value)
        else:
            bound = "+Inf" if key == float("inf") else str(key)
            yield line(f"{name}_bucket", {**labels, "le": bound}, value)


def line(name: str, labels: Mapping[str, str], value: float) -> str:
    pairs = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{pairs}}} {value}" if pairs else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def merged(told: Mapping[str, bytes | None]) -> bytes:
    """The metrics of several processes as one text, each family once; None is a process that does not answer."""
    families: dict[str, list[str]] = {
        "# HELP kasparro_worker_up Whether the process answers.": [],
        "# TYPE kasparro_worker_up gauge": [
            f'kasparro_worker_up{{worker="{name}"}} {int(text is not None)}' for name, text in told.items()
        ],
    }
    for name, text in told.items():
        samples: list[str] = []
        for line in (text or b"").decode().splitlines():
            if line.startswith("#"):
                samples = families.setdefault(line, [])  # those of a family follow its last heading
            else:
                samples.append(_labelled(line, name))
    return "\n".join([line for heading, samples in families.items() for line in (heading, *samples)] + [""]).encode()


def _labelled(sample: str, worker: str) -> str:
    name, brace, rest = sample.partition("{")
    if brace:
        return f'{name}{{worker="{worker}",{rest}'
    name, _, value = sample.partition(" ")
    return f'{name}{{worker="{worker}"}} {value}'
