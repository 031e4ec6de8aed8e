"""What every command begins with."""

from __future__ import annotations

from collections.abc import Sequence

from kasparro import log
from kasparro.errors import ConfigurationError
from kasparro.settings import Settings
from kasparro.sources import options


def settings(sources: Sequence[str] | None = None) -> Settings:
    """The settings, with these sources where there are any, and the log as they say.

    Raises ConfigurationError naming every mistake.
    """
    loaded = Settings.load(options())
    log.configure(loaded.log_level, loaded.log_format)
    if unknown := set(sources or ()) - set(options()):
        raise ConfigurationError(f"no such source: {', '.join(sorted(unknown))}; there are {', '.join(options())}")
    return loaded.model_copy(update={"sources": list(sources or loaded.sources)})
