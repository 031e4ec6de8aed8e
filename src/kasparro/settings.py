"""Every setting, and the only reader of the environment.

Values come from the environment, then from `.env` in the working folder. A secret may instead be named by
`<SETTING>_FILE`, the path of a file that holds it. All mistakes are reported at once, each with its setting.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self, cast
from urllib.parse import urlsplit

from dotenv.parser import parse_stream
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    SecretStr,
    ValidationError,
    create_model,
)

from kasparro.errors import ConfigurationError

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


class Rate(NamedTuple):
    """At most `requests` in any `seconds`."""

    requests: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.requests}/{self.seconds:g}"


_USUAL_RATE = Rate(600, 60.0)


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


def _names(value: object) -> object:
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
Url = Annotated[str, AfterValidator(_http_url)]
Dsn = Annotated[SecretStr, AfterValidator(_postgresql_url)]


class _Group(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        validate_default=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


class SourceOptions(_Group):
    """What can be set for any source, as `<SOURCE>_INTERVAL` and so on; a source's own class adds to it."""

    interval: Seconds = 300
    """From the start of one cycle to the start of the next: seconds, or `5m`."""


class ApiOptions(SourceOptions):
    """What can be set for a source that is an HTTP API."""

    base_url: Url | None = None
    """Where the API is; a URL without a path gets the vendor's own path. Unset: the vendor."""
    api_key: Annotated[SecretStr, AfterValidator(_one_word)] | None = None
    """The vendor's key; sent in a header, never in a URL."""
    rate: RateLimit | None = None
    """`30/60` is at most 30 requests in any 60 seconds. Unset: what the plan allows."""
    credits: Credits | None = None
    """Calls in a month, or `unlimited`; the interval grows so that they last. Unset: what the plan gives."""
    reach: Days | None = None
    """How many days back a backfill may ask. Unset: what the plan gives."""
    drift: Literal["warn", "freeze"] = "warn"
    """What a change in the vendor's answers does: `warn` of it, or `freeze` the source until it is acknowledged."""


class Settings(_Group):
    """The settings of the service. `Settings.load` adds one group of options for each source."""

    database_url: Dsn | None = None
    """`postgresql://user:password@host:5432/name`, PostgreSQL 15 or newer. Unset: an embedded server."""
    kasparro_home: Path = Path(".kasparro")
    """Folder of the embedded PostgreSQL, the log and the process file."""
    api_host: str = "127.0.0.1"
    """Address to listen on."""
    api_port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port to listen on; 0 takes a free one."""
    admin_api_key: SecretStr | None = None
    """Opens the routes that write. Unset: they stay closed."""
    read_api_keys: SecretStr | None = None
    """Comma list of the keys that may read; the admin key may too. Unset: everybody may."""
    metrics_token: SecretStr | None = None
    """What `/metrics` asks for, as a bearer token. Unset: as any other route."""
    api_rate: ApiRate = None
    """Requests of one client, such as `600/60` for 600 in 60 seconds, or `off`. Unset: off on loopback, else 600/60."""
    trusted_proxies: Annotated[list[IPv4Network | IPv6Network], BeforeValidator(_names)] = Field(default_factory=list)
    """Comma list of addresses or networks whose X-Forwarded-For tells who the client is."""
    cors_origins: Annotated[list[Origin], BeforeValidator(_names)] = Field(default_factory=list)
    """Comma list of the origins whose pages may read, such as `https://example.org`; `*` is any. Unset: none."""
    sources: Annotated[list[str], BeforeValidator(_names)] = Field(default_factory=list)
    """Comma list of the sources to run. Unset: all of them."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """`DEBUG`, `INFO`, `WARNING` or `ERROR`."""
    log_format: Literal["auto", "text", "json"] = "auto"
    """`json` lines, readable `text`, or `auto`: text on a terminal."""
    raw_retention_days: Days = 14
    """Raw pages older than this are deleted."""
    history_retention_days: Days = 36500
    """Months of price history that ended longer ago than this are dropped; their candles stay."""
    run_retention_days: Days = 90
    """Runs that ended longer ago than this are deleted, with the records that they quarantined."""

    reject_budget: RejectBudget = Budget(share=50.0)
    """A run that rejects more records than this, or than this share of them (never for fewer than 100), is stopped."""

    @property
    def client_rate(self) -> Rate | None:
        """How often one client may ask; None is as often as it likes."""
        if self.api_rate is None:
            return None if self.api_host in LOOPBACK else _USUAL_RATE
        return None if self.api_rate == "off" else self.api_rate

    @property
    def own_key(self) -> str | None:
        """A key that opens the routes for reading."""
        keys = self.read_api_keys or self.admin_api_key
        return keys.get_secret_value().split(",")[0].strip() if keys else None

    def options(self, source: str) -> Any:
        """The options of `source`, an instance of the class it declares."""
        return getattr(self, source)

    @classmethod
    def load(
        cls,
        options: Mapping[str, type[SourceOptions]],
        environ: Mapping[str, str] | None = None,
        dotenv: Path = Path(".env"),
    ) -> Self:
        """Read the settings, a group of options for each source; raises ConfigurationError naming every mistake."""
        model = cls.model_for(options)
        written = _read_dotenv(dotenv)
        values, mistakes = _collect(model, {**written, **(os.environ if environ is None else environ)})
        mistakes += _unknown(written, names(model).keys())
        mistakes += [
            f"SOURCES: {name!r} is no source; there are {', '.join(options)}"
            for name in cast(list[str], _names(values.get("sources", "")))
            if name not in options
        ]
        try:
            settings = model.model_validate(values)
        except ValidationError as error:
            mistakes += [_sentence(item) for item in error.errors(include_url=False, include_input=False)]
        if mistakes:
            raise ConfigurationError("\n".join(mistakes))
        return settings if settings.sources else settings.model_copy(update={"sources": list(options)})

    @classmethod
    def model_for(cls, options: Mapping[str, type[SourceOptions]]) -> type[Self]:
        """The settings class with a group of options for each source."""
        fields: Any = {name: (kind, Field(default_factory=kind)) for name, kind in options.items()}
        return cast(type[Self], create_model("Settings", __base__=cls, **fields))


def names(model: type[BaseModel], prefix: str = "") -> dict[str, tuple[tuple[str, ...], Any]]:
    """Every setting of a settings class: NAME -> (path of the field, its FieldInfo)."""
    found: dict[str, tuple[tuple[str, ...], Any]] = {}
    for field, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, SourceOptions):
            inner = names(info.annotation, f"{field}_")
            found |= {name: ((field, *path), inf) for name, (path, inf) in inner.items()}
        else:
            found[f"{prefix}{field}".upper()] = ((field,), info)
    return found


def is_secret(info: Any) -> bool:
    """Whether the field holds a secret, and so may be given as `<NAME>_FILE`."""
    return "SecretStr" in str(info.annotation)


def effective(settings: Settings) -> dict[str, str | None]:
    """Every setting by name, as it is in effect; a secret only says that it is set."""
    values: dict[str, str | None] = {}
    for name, (path, info) in names(type(settings)).items():
        value: Any = settings
        for part in path:
            value = getattr(value, part)
        shown = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        values[name] = None if value is None else "********" if is_secret(info) else shown
    return values


def _read_dotenv(path: Path) -> dict[str, str]:
    """The pairs of a `.env` file; raises ConfigurationError with the line that is no `NAME=value`."""
    try:
        if path.exists() and not path.is_file():
            raise ConfigurationError(f"{path}: is no file")
        with path.open(encoding="utf-8") as stream:
            bindings = list(parse_stream(stream))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from None
    for binding in bindings:
        if binding.error or (binding.key and binding.value is None):
            raise ConfigurationError(f"{path}: line {binding.original.line} is not NAME=value")
    return {binding.key: binding.value for binding in bindings if binding.key and binding.value is not None}


def _collect(model: type[BaseModel], environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """The given values as nested input for `model`, and the mistakes made with `_FILE`. A blank value is none."""
    values: dict[str, Any] = {}
    mistakes: list[str] = []
    for name, (path, info) in names(model).items():
        try:
            given = environ.get(name, "").strip() or (_from_file(name, environ) if is_secret(info) else "")
        except ConfigurationError as error:
            mistakes.append(str(error))
            continue
        if given:
            group = values
            for part in path[:-1]:
                group = group.setdefault(part, {})
            group[path[-1]] = given
    return values, mistakes


def _from_file(name: str, environ: Mapping[str, str]) -> str:
    path = environ.get(f"{name}_FILE", "").strip()
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{name}_FILE: {path} cannot be read: {error}") from None


def _sentence(item: Any) -> str:
    """One pydantic error as `SETTING: what is wrong`, without the value: it may be a secret."""
    name = "_".join(str(part) for part in item["loc"] if isinstance(part, str)).upper()
    return f"{name}: {item['msg'].removeprefix('Value error, ')}"


def _unknown(given: Iterable[str], known: Iterable[str]) -> list[str]:
    """What looks like a misspelt setting; other names are other programs' business."""
    right = {*known, *(f"{name}_FILE" for name in known)}
    close = {name: get_close_matches(name, right, 1, cutoff=0.9) for name in given if name not in right}
    return [f"{name}: no such setting; is {found[0]} meant?" for name, found in close.items() if found]
