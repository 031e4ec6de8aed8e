"""What a setting may be: how each kind is written, and what it says where it is written wrongly."""

from __future__ import annotations

import re
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, SecretStr

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


class Rate(NamedTuple):
    """At most `requests` in any `seconds`."""

    requests: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.requests}/{self.seconds:g}"


def _seconds(value: object) -> object:
    """`300`, `300s`, `5m`, `2h`, `1d` -> seconds."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", value)
    if not match:
        raise ValueError("give seconds, or a number with s, m, h or d, such as 5m")
    return float(match[1]) * _UNITS[match[2]]


def _rate(value: object) -> object:
    """`30/60` -> Rate(30, 60.0)."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+(?:\.\d+)?)\s*", value)
    if not match or not int(match[1]) or not float(match[2]):
        raise ValueError("give requests/seconds, such as 30/60 for 30 requests in 60 seconds")
    return Rate(int(match[1]), float(match[2]))


def _rate_or_off(value: object) -> object:
    return value if value == "off" else _rate(value)


def _origin(value: str) -> str:
    if value != "*" and not re.fullmatch(r"https?://[^\s/,*?#@]+", value):
        raise ValueError("give an origin such as https://example.org, without a path, or *")
    return value


def _credits(value: object) -> int | Literal["unlimited"]:
    text = str(value).strip()
    if text == "unlimited":
        return "unlimited"
    if not text.isdecimal() or not 1 <= int(text) <= 10**12:
        raise ValueError("give a number of calls a month, or unlimited")
    return int(text)


class Budget(NamedTuple):
    """At most so many records, or this share of them."""

    records: int | None = None
    share: float | None = None

    def __str__(self) -> str:
        return str(self.records) if self.share is None else f"{self.share:.6g}%"


def _budget(value: object) -> object:
    """`500` -> Budget(records=500), `20%` -> Budget(share=20.0)."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*%\s*|\s*(\d{1,15})\s*", value)
    if not match or (match[1] and float(match[1]) > 100):
        raise ValueError("give a number of records, or a share of them such as 20%")
    return Budget(share=float(match[1])) if match[1] else Budget(records=int(match[2]))


def names_in(value: object) -> object:
    """`a, b` -> ["a", "b"]."""
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


def _one_word(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[\x21-\x7e]+", secret.get_secret_value()):
        raise ValueError("a key is one word of plain letters, digits and signs")
    return secret


def _http_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or parts.query or parts.fragment or parts.username or re.search(r"\s", url):
        raise ValueError("give an address such as http://127.0.0.1:9000, without user and query")
    return url


def _postgresql_url(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise ValueError("give an address such as postgresql://user:password@host:5432/name")
    return secret


Seconds = Annotated[float, BeforeValidator(_seconds), Field(ge=1, le=366 * 86400)]
Days = Annotated[int, Field(ge=1, le=36500)]
Credits = Annotated[int | Literal["unlimited"], PlainValidator(_credits)]
RateLimit = Annotated[Rate, BeforeValidator(_rate)]
RejectBudget = Annotated[Budget, BeforeValidator(_budget)]
ApiRate = Annotated[Rate | Literal["off"] | None, BeforeValidator(_rate_or_off)]
Origin = Annotated[str, AfterValidator(_origin)]
Word = Annotated[SecretStr, AfterValidator(_one_word)]
Url = Annotated[str, AfterValidator(_http_url)]
Dsn = Annotated[SecretStr, AfterValidator(_postgresql_url)]
