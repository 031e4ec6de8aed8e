"""Cells: exact figures as people and programs write them, and no figure where there is none."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from kasparro.sources.csv_cells import figures, rank, slug, text
from kasparro.sources.json_list import DIGITS
from kasparro.sources.records import Amount, Figure


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("21000000.0", "21000000.0"),
        ("1234567.10", "1234567.10"),
        ("9,926,540,000", "9926540000"),
        ("$1,234.50", "1234.50"),
        ("12 $", "12"),
        (" 12.5 ", "12.5"),
        ("6.42E+11", "6.42E+11"),
        ("9.83e-05", "0.0000983"),
        (".5", "0.5"),
        ("0.000000000000000003840000000001", "0.000000000000000003840000000001"),
    ],
)
def test_amount_keeps_every_digit_of_the_text(cell: str, value: str) -> None:
    amount, _ = figures(",")
    assert str(amount(cell)) == str(Decimal(value))


@pytest.mark.parametrize("cell", ["", " ", "-", "N/A", "nan", "NaN", "null", "NULL", "None", "#N/A"])
def test_what_programs_write_for_a_missing_value_is_null(cell: str) -> None:
    amount, figure = figures(",")
    assert amount(cell) is figure(cell) is rank(cell) is None


@pytest.mark.parametrize(
    "cell",
    [
        "abc",
        "Infinity",
        "-inf",
        "1e400",
        "1e999999999999999999999",
        "-1",
        "1_000",
        "1,5",
        "0,123",
        "1$2",
        "12,34,567",
        "١٢",
        "0x1F",
    ],
)
def test_what_is_no_amount_is_a_value_error(cell: str) -> None:
    amount, _ = figures(",")
    with pytest.raises(ValueError, match=r"number|greater|less"):
        amount(cell)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("0,5", "0.5"),
        ("1234,56", "1234.56"),
        ("1.234,56", "1234.56"),
        ("1.234.567", "1234567"),
        ("1,234.56", "1234.56"),
        ("1,234,567", "1234567"),
        ("0,123", "0.123"),
        ("6,42E+11", "6.42E+11"),
        ("1.5", "1.5"),
        ("-3,25%", "-3.25"),
    ],
)
def test_comma_of_decimals_between_semicolons(cell: str, value: str) -> None:
    _, figure = figures(";")
    assert str(figure(cell)) == value


def test_signs_and_units() -> None:
    _, figure = figures(",")
    assert [str(figure(cell)) for cell in ("-3.2%", "+5 %", "-$5", "$-1,000")] == ["-3.2", "5", "-5", "-1000"]


def test_comma_that_reads_both_ways_is_not_guessed() -> None:
    amount, _ = figures(";")
    with pytest.raises(ValueError, match="both ways"):
        amount("1,234")


numbers = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.from_regex(r"-?[0-9]{0,110}\.?[0-9]{0,110}", fullmatch=True),
    st.from_regex(r"-?[0-9]{1,3}e-?[0-9]{1,3}", fullmatch=True),
)


def _not_too_fine(figure: Decimal) -> Decimal:
    if figure and int(figure.as_tuple().exponent) < -DIGITS:
        raise ArithmeticError
    return figure


@given(numbers)
def test_the_limits_are_those_of_the_api_sources(cell: str) -> None:
    for read, limits in zip(figures(","), (Amount, Figure), strict=True):
        try:
            found = read(cell)
        except ValueError:
            found = "refused"
        try:
            expected: Decimal | str | None = _not_too_fine(TypeAdapter(limits).validate_python(Decimal(cell)))
        except (ValidationError, ArithmeticError):
            expected = "refused" if cell.strip() not in ("", "-", "NaN") else None
        assert found == expected


def test_texts() -> None:
    assert text("  Bitcoin ") == "Bitcoin"
    assert text("NONE") == "NONE"
    assert text(" ") is text("nan") is None
    with pytest.raises(ValueError, match="1,000"):
        text("x" * 1001)
    with pytest.raises(ValueError, match="UTF-8"):
        text("Caf\ufffd")


def test_ranks() -> None:
    assert (rank("7"), rank("7.0"), rank("")) == (7, 7, None)
    for cell in ("7.5", "-1", "2147483648", "first"):
        with pytest.raises(ValueError, match=r"rank|number|greater"):
            rank(cell)


def test_slugs() -> None:
    made = [slug(name) for name in ("Bitcoin Cash", "0x Protocol", "StarShip🚀", "币安人生", "₿", " ")]
    assert made == ["bitcoin-cash", "0x-protocol", "starship", "币安人生", "₿", None]
