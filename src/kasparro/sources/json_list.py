"""A JSON list decoded item by item, with the exact text of each; numbers keep every digit.

Item by item, because decoding a large page at once would hold the event loop for a tenth of a second.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, Subnormal
from typing import Any

from kasparro.domain import Record
from kasparro.errors import Malformed

DIGITS = 100  # either side of the point: twice what any vendor ever sent, and far inside PostgreSQL's numeric
_usual = Context(
    prec=2 * DIGITS, Emax=DIGITS, Emin=-DIGITS, traps=[Inexact, Overflow, Subnormal, InvalidOperation]
).create_decimal
number = Context(prec=10 * DIGITS, Emax=10 * DIGITS, Emin=-10 * DIGITS, traps=[InvalidOperation]).create_decimal
"""A number of any size, as a decimal: those out of bounds stay out of bounds, but 1e9999999 is no work of seconds."""
_decode_usual = json.JSONDecoder(parse_float=_usual, parse_int=_usual, parse_constant=Decimal).raw_decode
_decode_any = json.JSONDecoder(parse_float=number, parse_int=number, parse_constant=Decimal).raw_decode
_OPENING = re.compile(r"[ \t\r\n]*\[[ \t\r\n]*(\]?)[ \t\r\n]*")
_BETWEEN = re.compile(r"[ \t\r\n]*([,\]])[ \t\r\n]*")


def read(source: str, body: bytes) -> Iterator[Record]:
    """The items of a list; raises Malformed where the body is not one, or stops being one."""
    text = _decode(source, body)
    found = _OPENING.match(text)
    if not found:
        raise Malformed(source, f"expected a JSON list, got {text.strip()[:120]!r}")
    position = 0
    while found[1] != "]":
        start = found.end()
        try:
            value, end = _decode_usual(text, start)
            yield Record(position, text[start:end], value)
        except (ValueError, ArithmeticError, RecursionError):
            value, end = _look_again(source, text, start)
            yield Record(position, text[start:end], value, is_unusual=True)
        position += 1
        found = _BETWEEN.match(text, end)
        if not found:
            raise Malformed(source, f"the JSON list breaks off after {position} records, at character {end}")
    if found.end() != len(text):
        raise Malformed(source, f"text follows the JSON list, at character {found.end()}")


def _decode(source: str, body: bytes) -> str:
    """The text of the body; bytes that are no UTF-8 become lone surrogates, which cost the records that hold them."""
    return body.decode("utf-8-sig", "surrogateescape")


def _look_again(source: str, text: str, at: int) -> tuple[Any, int]:
    """An item that the usual decoder would not take: it holds a number out of all bounds, or is no JSON at all."""
    try:
        return _decode_any(text, at)
    except (ValueError, RecursionError) as error:
        raise Malformed(source, f"the body is not JSON: {error}") from None
