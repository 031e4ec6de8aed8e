"""What a cell of a CSV file says: figures, texts, ranks. A cell that says none of them is a ValueError."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from kasparro.sources.json_list import DIGITS
from kasparro.sources.records import Amount, Figure

Reader = Callable[[str], Any]

# What programs write for a value that they do not have, as they spell it: there are coins called NONE.
_MISSING = frozenset({"", "-", "--", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None"})
_MISSING_TEXTS = _MISSING - {"NULL"}

# Ninety digits are inside the limits of Amount and Figure, whichever they are: nothing else need be asked.
_PLAIN = re.compile(r"\d{1,90}(?:\.\d{1,90})?", re.ASCII).fullmatch
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII).fullmatch
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?", re.ASCII).fullmatch
_GROUPED_BY_POINTS = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?", re.ASCII).fullmatch
_COMMA_OF_DECIMALS = re.compile(r"[+-]?(?:\d*,(?!\d{3}$)\d+|0*,\d+|\d{4,},\d+|\d+,\d+[eE][+-]?\d+)", re.ASCII).fullmatch

_UNITS = re.compile(r"^([+-]?)\$\s*|\s*[$%]$")

_amount = TypeAdapter(Amount).validate_python
_figure = TypeAdapter(Figure).validate_python
_RANKS = 2**31  # PostgreSQL's integer ends here


def figures(delimiter: str) -> tuple[Reader, Reader]:
    """Readers of amounts (never below zero) and of signed figures, in a file with this delimiter.

    A decimal comma is read only between semicolons, and only where it cannot be one of thousands.
    """
    plainly = _with_decimal_comma if delimiter == ";" else _with_thousands

    def amount(cell: str) -> Decimal | None:
        return Decimal(cell) if _PLAIN(cell) else _written(cell, plainly, _amount)

    def figure(cell: str) -> Decimal | None:
        return Decimal(cell) if _PLAIN(cell) else _written(cell, plainly, _figure)

    return amount, figure


def text(cell: str) -> str | None:
    """A name, symbol or id; None where the cell is blank."""
    cell = cell.strip()
    if cell in _MISSING_TEXTS:
        return None
    if len(cell) > 1000:
        raise ValueError("longer than 1,000 characters")
    if "\ufffd" in cell:
        raise ValueError("not UTF-8 text")
    return cell


@lru_cache(maxsize=10_000)
def rank(cell: str) -> int | None:
    """A rank, also as pandas writes it in a column where some are missing: `7.0`."""
    found = _written(cell, _with_thousands, _amount)
    if found is not None and (found >= _RANKS or found % 1):
        raise ValueError("not a rank")
    return None if found is None else int(found)


@lru_cache(maxsize=100_000)
def slug(name: str) -> str | None:
    """`Bitcoin Cash` -> `bitcoin-cash`: an id for a coin that has but a name. Any letters stay, as does `₿`."""
    found = text(name)
    if found is None:
        return None
    return re.sub(r"[\W_]+", "-", found.casefold()).strip("-") or found


def is_missing(cell: str) -> bool:
    """Whether the cell is blank, or holds what programs write for a blank."""
    return cell.strip() in _MISSING


def _written(cell: str, plainly: Callable[[str], str], limits: Callable[[Decimal], Decimal]) -> Decimal | None:
    """The figure of a cell as people and programs write them: `$1,234.50`, `-3.2%`, `6.42E+11`."""
    if is_missing(cell):
        return None
    bare = plainly(_UNITS.sub(r"\1", cell.strip()))
    if not _NUMBER(bare):
        raise ValueError("not a number")
    try:
        return _bounded(limits(Decimal(bare)))
    except ValidationError as error:
        raise ValueError(error.errors()[0]["msg"]) from None
    except ArithmeticError:
        raise ValueError("not a number") from None


def _bounded(figure: Decimal) -> Decimal:
    if int(figure.as_tuple().exponent) < -DIGITS:
        if not figure:
            return Decimal(0)  # however many noughts it was written with
        raise ValueError(f"more than {DIGITS} digits behind the point")
    return figure


def _with_thousands(figure: str) -> str:
    return figure.replace(",", "") if _GROUPED(figure) else figure


def _with_decimal_comma(figure: str) -> str:
    if "," not in figure and figure.count(".") < 2:
        return figure
    if _COMMA_OF_DECIMALS(figure):
        return figure.replace(",", ".")
    if _GROUPED_BY_POINTS(figure):
        return figure.replace(".", "").replace(",", ".")
    if _GROUPED(figure) and figure.count(",") == 1 and "." not in figure:
        raise ValueError("thousands or decimals? the comma can be read both ways")
    return _with_thousands(figure)
