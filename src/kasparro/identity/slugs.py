"""The ids of assets: what a coin is called, in letters that stand in any URL, and given once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from itertools import count

_LONGEST = 60


def slug(name: str, symbol: str | None, coin_id: str, taken: Collection[str]) -> str:
    """An id for a coin that nobody has."""
    return next(each for each in _wishes(_spelt(name), _spelt(symbol or ""), _spelt(coin_id)) if each not in taken)


def _wishes(name: str, symbol: str, coin_id: str) -> Iterator[str]:
    base = name or symbol or coin_id or "coin"
    yield base
    if symbol and symbol != base:
        yield f"{base}-{symbol}"
    yield from (f"{base}-{number}" for number in count(2))


def _spelt(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:_LONGEST].strip("-")
