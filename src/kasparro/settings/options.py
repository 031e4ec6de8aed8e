"""The options of a source: each declares its own class of them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from kasparro.settings.kinds import Credits, Days, RateLimit, Seconds, Url, Word


class Group(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        validate_default=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


class SourceOptions(Group):
    """What can be set for any source, as `<SOURCE>_INTERVAL` and so on; a source's own class adds to it."""

    interval: Seconds = 300
    """From the start of one cycle to the start of the next: seconds, or `5m`."""


class ApiOptions(SourceOptions):
    """What can be set for a source that is an HTTP API."""

    base_url: Url | None = None
    """Where the API is; a URL without a path gets the vendor's own path. Unset: the vendor."""
    api_key: Word | None = None
    """The vendor's key; sent in a header, never in a URL."""
    rate: RateLimit | None = None
    """`30/60` is at most 30 requests in any 60 seconds. Unset: what the plan allows."""
    credits: Credits | None = None
    """Calls in a month, or `unlimited`; the interval grows so that they last. Unset: what the plan gives."""
    reach: Days | None = None
    """How many days back a backfill may ask. Unset: what the plan gives."""
    drift: Literal["warn", "freeze"] = "warn"
    """What a change in the vendor's answers does: `warn` of it, or `freeze` the source until it is acknowledged."""
