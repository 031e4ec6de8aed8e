"""A JSON list cut into its items, each with its exact bytes; numbers keep every digit.

An item is decoded by whoever wants its value: a page of 20,000 that was decoded at once would hold the event loop.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, Subnormal
from typing import Any

import msgspec
import orjson

from kasparro.domain import Record
from kasparro.errors import Malformed

DIGITS = 100  # either side of the point: twice what any vendor ever sent, and far inside PostgreSQL's numeric
_usual = Context(
    prec=2 * DIGITS, Emax=DIGITS, Emin=-DIGITS, traps=[Inexact, Overflow, Subnormal, InvalidOperation]
).create_decimal
number = Context(prec=10 * DIGITS, Emax=10 * DIGITS, Emin=-10 * DIGITS, traps=[InvalidOperation]).create_decimal
"""A number of any size, as a decimal: those out of bounds stay out of bounds, but 1e9999999 is no work of seconds."""
_cut = msgspec.json.Decoder(list[msgspec.Raw]).decode
_cut_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_usual = json.JSONDecoder(parse_float=_usual, parse_int=_usual, parse_constant=Decimal).raw_decode
_decode_any = json.JSONDecoder(parse_float=number, parse_int=number, parse_constant=Decimal).raw_decode
_OPENING = re.compile(r"[ \t\r\n]*\[[ \t\r\n]*(\]?)[ \t\r\n]*")
_MARK = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]', re.DOTALL)
_TOO_DEEP = "nested too deep to be read"
_BETWEEN = re.compile(r"[ \t\r\n]*([,\]])[ \t\r\n]*")


def read(source: str, body: bytes) -> Iterator[Record]:
    """The items of a list; raises Malformed where the body is not one, or stops being one."""
    try:
        items = _cut(body)
    except (msgspec.DecodeError, RecursionError):
        yield from _read_leniently(source, body)
        return
    for position, item in enumerate(items):
        yield Record(position, bytes(item))


def zipped(source: str, body: bytes, names: Sequence[str]) -> Iterator[Record]:
    """The items of the lists that stand under `names` in an object, those that begin alike as one object.

    The first list tells which there are. Raises Malformed where there is none.
    """
    try:
        lists = _cut_object(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(source, f"expected a JSON object of lists: {error}") from None
    first, *rest = names
    others = [(name, _by_beginning(source, bytes(lists.get(name, b"[]")))) for name in rest]
    for position, item in read(source, bytes(lists.get(first, b""))):
        beginning = item.partition(b",")[0]
        found = [(first, item), *((name, items[beginning]) for name, items in others if beginning in items)]
        yield Record(position, b"{" + b",".join(f'"{name}":'.encode() + text for name, text in found) + b"}")


def _by_beginning(source: str, body: bytes) -> dict[bytes, bytes]:
    return {item.partition(b",")[0]: item for _, item in read(source, body)}


def value(record: Record) -> Any:
    """What the item says, its numbers as exact decimals."""
    try:
        return _decoded(record.text)
    except RecursionError:
        return _TOO_DEEP


def _decoded(text: str) -> Any:
    try:
        return _decode_usual(text)[0]
    except (ValueError, ArithmeticError):
        return _decode_any(text)[0]


def outline(record: Record) -> Any:
    """What the item says, at a quarter of the time, for those who do not look at its figures: they are floats."""
    try:
        return orjson.loads(record.body)
    except orjson.JSONDecodeError:
        return value(record)


def _read_leniently(source: str, body: bytes) -> Iterator[Record]:
    """As `read`, where the body is no JSON in every letter: NaN, half a surrogate and bytes that are no UTF-8 cost
    only the item that holds them."""
    text = body.decode("utf-8-sig", "surrogateescape")
    found = _OPENING.match(text)
    if not found:
        raise Malformed(source, f"expected a JSON list, got {text.strip()[:120]!r}")
    position = 0
    while found[1] != "]":
        start = found.end()
        end = _end(source, text, start)
        yield Record(position, text[start:end].encode("utf-8", "surrogateescape"))
        position += 1
        found = _BETWEEN.match(text, end)
        if not found:
            raise Malformed(source, f"the JSON list breaks off after {position} records, at character {end}")
    if found.end() != len(text):
        raise Malformed(source, f"text follows the JSON list, at character {found.end()}")


def _end(source: str, text: str, start: int) -> int:
    """Where the item ends that starts here."""
    try:
        return _decode_any(text, start)[1]
    except RecursionError:
        return _end_by_brackets(source, text, start)
    except ValueError as error:
        raise Malformed(source, f"the body is not JSON: {error}") from None


def _end_by_brackets(source: str, text: str, start: int) -> int:
    """Where an item ends that is nested too deep for any decoder."""
    depth = 0
    for mark in _MARK.finditer(text, start):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(mark[0], 0)
        if depth == 0:
            return mark.end()
    raise Malformed(source, f"the JSON list breaks off in an item that is {depth} levels deep")
