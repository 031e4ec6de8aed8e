"""The settings of the CSV files, as a person gives them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kasparro.errors import ConfigurationError
from kasparro.settings import Settings
from kasparro.sources.csv_file import Options


def load(**environ: str) -> Options:
    options: Options = Settings.load({"csv": Options}, environ, Path("no.env")).options("csv")
    return options


def test_unset_is_left_to_the_files() -> None:
    options = load(CSV_DELIMITER="", CSV_DATE_ORDER="")
    assert (options.path, options.delimiter, options.date_order, options.timezone) == (None, None, None, "UTC")


@pytest.mark.parametrize(("given", "mark"), [("tab", "\t"), (r"\t", "\t"), (";", ";"), ("|", "|")])
def test_delimiters(given: str, mark: str) -> None:
    assert load(CSV_DELIMITER=given).delimiter == mark


@pytest.mark.parametrize(
    ("name", "value"),
    [("CSV_DELIMITER", ":"), ("CSV_DATE_ORDER", "ymd"), ("CSV_TIMEZONE", "Mars/Olympus"), ("CSV_TIMEZONE", "../etc")],
)
def test_mistakes_name_their_setting(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name}: "):
        load(**{name: value})
