"""Where settings come from: the environment, `.env`, and files that hold secrets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream
from pydantic import BaseModel

from kasparro.errors import ConfigurationError
from kasparro.settings.options import SourceOptions


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


def read_dotenv(path: Path) -> dict[str, str]:
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


def collect(model: type[BaseModel], environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
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


def sentence(item: Any) -> str:
    """One pydantic error as `SETTING: what is wrong`, without the value: it may be a secret."""
    name = "_".join(str(part) for part in item["loc"] if isinstance(part, str)).upper()
    return f"{name}: {item['msg'].removeprefix('Value error, ')}"


def unknown(given: Iterable[str], known: Iterable[str]) -> list[str]:
    """What looks like a misspelt setting; other names are other programs' business."""
    right = {*known, *(f"{name}_FILE" for name in known)}
    close = {name: get_close_matches(name, right, 1, cutoff=0.9) for name in given if name not in right}
    return [f"{name}: no such setting; is {found[0]} meant?" for name, found in close.items() if found]
