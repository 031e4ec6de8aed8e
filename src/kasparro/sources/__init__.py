"""The registry: every source declared in a module of this package."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from kasparro.domain import Kind
from kasparro.settings import SourceOptions
from kasparro.sources.base import Source


def _declared() -> dict[str, Source]:
    """One instance of each class of each module here that gives a source its name, in alphabetical order."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    kinds = {kind for module in modules for kind in vars(module).values() if isinstance(kind, type)}
    named = [kind() for kind in kinds if issubclass(kind, Source) and "name" in vars(kind)]
    return {source.name: source for source in sorted(named, key=lambda source: source.name)}


SOURCES: Mapping[str, Source] = MappingProxyType(_declared())

POLLED = [name for name, source in SOURCES.items() if source.kind is Kind.SNAPSHOT]
"""The sources that say what is now: more often than they are asked, nothing is known of a coin."""


def options() -> dict[str, type[SourceOptions]]:
    """The settings class of every source, by its name."""
    return {name: source.options_type for name, source in SOURCES.items()}
