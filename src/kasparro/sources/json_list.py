"""A JSON list decoded item by item, with the exact text of each; numbers keep every digit.

Item by item, because decoding a large page at once would hold the event loop for a tenth of a second.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from kasparro.domain import Record
from kasparro.errors import Malformed

_decoder = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal, parse_constant=Decimal)
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
        value, end = _item(source, text, found.end())
        yield Record(position, text[found.end() : end], value)
        position += 1
        found = _BETWEEN.match(text, end)
        if not found:
            raise Malformed(source, f"the JSON list breaks off after {position} records, at character {end}")
    if found.end() != len(text):
        raise Malformed(source, f"text follows the JSON list, at character {found.end()}")


def _decode(source: str, body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(source, f"the body is not UTF-8: {error}") from None


def _item(source: str, text: str, at: int) -> tuple[Any, int]:
    try:
        return _decoder.raw_decode(text, at)
    except (json.JSONDecodeError, RecursionError) as error:
        raise Malformed(source, f"the body is not JSON: {error}") from None
