"""CSV files: coins and daily histories as people keep them, by whatever tool they were written."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator

from kasparro.domain import Kind
from kasparro.settings import Seconds, SourceOptions
from kasparro.sources.base import Source


def _tab(value: object) -> object:
    r"""`tab` and `\t` -> the character, which a line of `.env` cannot hold by itself."""
    return "\t" if value in ("tab", r"\t") else value


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; give a name such as UTC or Europe/Prague") from None
    return name


class Options(SourceOptions):
    """Settings of the CSV files."""

    interval: Seconds = 60
    """How often the files are looked at. An unchanged file costs a look at its size and times."""
    path: str | None = None
    """A file, a folder or a pattern such as `/data/**/*.csv`. Unset: the sample that is shipped."""
    delimiter: Annotated[Literal[",", ";", "\t", "|"] | None, BeforeValidator(_tab)] = None
    """`,`, `;`, `|` or `tab`. Unset: what the header shows."""
    date_order: Literal["dmy", "mdy"] | None = None
    """How 01/02/2017 is read: `dmy` or `mdy`. Unset: what the whole column shows."""
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    """Of dates that name no zone, such as `Europe/Prague`."""


class CsvFile(Source):
    """Dated rows are observations of coins; a file without dates is a snapshot."""

    name = "csv"
    kind = Kind.SERIES
    options_type = Options
