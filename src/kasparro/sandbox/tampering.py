"""What can be done to records before they are served. Pure functions; paths are dotted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from kasparro.sandbox import wire

Record = dict[str, Any]
Tamper = Callable[
    [str, Record, Record], Any
]  # vendor, the record, the first record of the page -> what is served instead

_PRICE = {"coinpaprika": "quotes.USD.price", "coingecko": "current_price"}
_AS_TYPE: Mapping[str, Callable[[Any], Any]] = {
    "string": lambda value: value.text if isinstance(value, wire.Figure) else str(value),
    "number": lambda value: 0,
    "boolean": bool,
    "null": lambda value: None,
    "list": lambda value: [value],
    "object": lambda value: {"value": value},
}


def renamed(record: Record, old: str, new: str) -> None:
    """Rename the key at the dotted path `old` to the bare name `new`, in its place among its neighbours."""
    parent, key = _parent(record, old)
    if key not in parent:
        return
    items = [(new if name == key else name, value) for name, value in parent.items()]
    parent.clear()
    parent.update(items)


def dropped(record: Record, path: str) -> None:
    parent, key = _parent(record, path)
    parent.pop(key, None)


def put(record: Record, path: str, value: Any) -> None:
    parent, key = _parent(record, path)
    parent[key] = value


def retyped(record: Record, path: str, kind: str) -> None:
    """Make the value at `path` a `string`, `number`, `boolean`, `null`, `list` or `object`."""
    parent, key = _parent(record, path)
    if key in parent:
        parent[key] = _AS_TYPE[kind](parent[key])


_MOMENTS = {"last_updated": (0, 10), "ath_date": (-8, 1), "atl_date": (-8, 1)}  # hours off, grid in seconds


def flipped(record: Record) -> None:
    """CoinGecko's other variant, of the same keys: whole seconds, extremes eight hours early, a percentage cut."""
    for key, (hours, grid) in _MOMENTS.items():
        if record.get(key):
            moment = datetime.fromisoformat(record[key]) + timedelta(hours=hours)
            moment = moment.replace(second=moment.second // grid * grid)
            record[key] = f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"
    if record.get("price_change_percentage_24h") is not None:
        record["price_change_percentage_24h"] = round(record["price_change_percentage_24h"], 1)


def _parent(record: Record, path: str) -> tuple[Record, str]:
    *above, key = path.split(".")
    for name in above:
        record = record.get(name, {})
    return record, key


def _with(path: str, value: bytes) -> Tamper:
    """The record with `value`, raw JSON or what is none, at `path`; an empty path is the price."""

    def tamper(vendor: str, record: Record, _: Record) -> Any:
        put(record, path or _PRICE[vendor], orjson.Fragment(value))
        return record

    return tamper


def _without_id(_: str, record: Record, __: Record) -> Any:
    dropped(record, "id")
    return record


POISONS: Mapping[str, Tamper] = {
    "text": _with("", b'"a lot"'),
    "list": _with("", b"[1, 2]"),
    "nan": _with("", b"NaN"),
    "infinity": _with("", b"Infinity"),
    "huge": _with("", b"1e400"),
    "negative": _with("", b"-1"),
    "nul": _with("name", rb'"N\u0000L"'),
    "surrogate": _with("name", rb'"half \ud800"'),
    "numeric_name": _with("name", b"42"),
    "no_date": _with("last_updated", b'"yesterday"'),
    "no_id": _without_id,
    "null_id": _with("id", b"null"),
    "duplicate": lambda _, __, first: first,
    "scalar": lambda _, __, ___: 17,
    "nothing": lambda _, __, ___: None,
}
