"""How values stand in the vendors' JSON: numbers as they were written, instants as text."""

from __future__ import annotations

import json
import time
from typing import Any

import orjson


class Figure(float):
    """A number that remembers how it was written: `2.3e-05` and `21000000.0` are served as they came."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Figure:
        figure = super().__new__(cls, text)
        figure.text = text
        return figure


def loads(text: str | bytes) -> Any:
    """The value of a JSON text, its fractions as figures."""
    return json.loads(text, parse_float=Figure)


def dumps(value: Any) -> bytes:
    """The JSON text of a value, its figures as they were written."""
    return orjson.dumps(value, default=_as_written)


def _as_written(value: Any) -> orjson.Fragment:
    if isinstance(value, Figure):
        return orjson.Fragment(value.text)
    raise TypeError(f"{type(value).__name__} is not JSON")


def seconds(milliseconds: int) -> str:
    """An instant as CoinPaprika writes it: `2026-08-01T01:06:20Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(milliseconds // 1000))


def milliseconds(milliseconds: int) -> str:
    """An instant as CoinGecko writes it: `2026-08-01T01:06:20.417Z`."""
    return f"{seconds(milliseconds)[:-1]}.{milliseconds % 1000:03d}Z"


def scaled(value: Any, factor: float) -> Any:
    """A figure times `factor`: unknown stays unknown, and a factor of 1 changes no digit."""
    return value if value is None or factor == 1.0 else float(value) * factor


def whole(value: Any, factor: float) -> Any:
    """The same for market caps and the like, which the vendors write in whole dollars."""
    return round(value * factor) if isinstance(value, int) else scaled(value, factor)


def shifted(percent: Any, factor: float, digits: int) -> Any:
    """What a change of `percent` becomes when the price of today is multiplied by `factor`."""
    if percent is None or factor == 1.0:
        return percent
    return round((100.0 + percent) * factor - 100.0, digits)
