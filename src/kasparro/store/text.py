"""What PostgreSQL's text cannot hold, written so that it can."""

from __future__ import annotations


def storable(text: str) -> str:
    """The text with NULs and lone surrogates as backslash escapes; every other text as it is."""
    if "\0" in text:
        text = text.replace("\0", "\\x00")
    try:
        text.encode()  # quick, and nearly always all
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text
