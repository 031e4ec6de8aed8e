"""Every setting, and the only reader of the environment.

Values come from the environment, then from `.env` in the working folder. A secret may instead be named by
`<SETTING>_FILE`, the path of a file that holds it. All mistakes are reported at once, each with its setting.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, create_model

from kasparro.errors import ConfigurationError
from kasparro.settings.kinds import ApiRate, Budget, Days, Dsn, Origin, Rate, RejectBudget, Seconds, names_in
from kasparro.settings.loading import collect, is_secret, names, read_dotenv, sentence, unknown
from kasparro.settings.options import ApiOptions, Group, SourceOptions

__all__ = [
    "LOOPBACK",
    "ApiOptions",
    "Budget",
    "Rate",
    "Seconds",
    "Settings",
    "SourceOptions",
    "effective",
    "is_secret",
    "names",
    "revealed",
]

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_USUAL_RATE = Rate(600, 60.0)


class Settings(Group):
    """The settings of the service. `Settings.load` adds one group of options for each source."""

    database_url: Dsn | None = None
    """`postgresql://user:password@host:5432/name`, PostgreSQL 15 or newer. Unset: an embedded server."""
    database_read_url: Dsn | None = None
    """A standby of DATABASE_URL to read from; several hosts with `?target_session_attrs=prefer-standby`."""
    kasparro_home: Path = Path(".kasparro")
    """Folder of the embedded PostgreSQL, the log and the process file."""
    api_host: str = "127.0.0.1"
    """Address to listen on."""
    api_port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port to listen on; 0 takes a free one."""
    api_workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes that serve. With more than one, ingestion has another one to itself."""
    admin_api_key: SecretStr | None = None
    """Opens the routes that write. Unset: they stay closed."""
    read_api_keys: SecretStr | None = None
    """Comma list of the keys that may read; the admin key may too. Unset: everybody may."""
    metrics_token: SecretStr | None = None
    """What `/metrics` asks for, as a bearer token. Unset: as any other route."""
    api_rate: ApiRate = None
    """Requests of one client, such as `600/60` for 600 in 60 seconds, or `off`. Unset: off on loopback, else 600/60."""
    trusted_proxies: Annotated[list[IPv4Network | IPv6Network], BeforeValidator(names_in)] = Field(default_factory=list)
    """Comma list of addresses or networks whose X-Forwarded-For tells who the client is."""
    cors_origins: Annotated[list[Origin], BeforeValidator(names_in)] = Field(default_factory=list)
    """Comma list of the origins whose pages may read, such as `https://example.org`; `*` is any. Unset: none."""
    sources: Annotated[list[str], BeforeValidator(names_in)] = Field(default_factory=list)
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
        written = read_dotenv(dotenv)
        values, mistakes = collect(model, {**written, **(os.environ if environ is None else environ)})
        mistakes += unknown(written, names(model).keys())
        mistakes += [
            f"SOURCES: {name!r} is no source; there are {', '.join(options)}"
            for name in cast(list[str], names_in(values.get("sources", "")))
            if name not in options
        ]
        try:
            settings = model.model_validate(values)
        except ValidationError as error:
            mistakes += [sentence(item) for item in error.errors(include_url=False, include_input=False)]
        if mistakes:
            raise ConfigurationError("\n".join(mistakes))
        return settings if settings.sources else settings.model_copy(update={"sources": list(options)})

    @classmethod
    def model_for(cls, options: Mapping[str, type[SourceOptions]]) -> type[Self]:
        """The settings class with a group of options for each source."""
        fields: Any = {name: (kind, Field(default_factory=kind)) for name, kind in options.items()}
        return cast(type[Self], create_model("Settings", __base__=cls, **fields))


def revealed(secret: SecretStr | None) -> str | None:
    """What a secret holds, where it is set."""
    return secret.get_secret_value() if secret else None


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
