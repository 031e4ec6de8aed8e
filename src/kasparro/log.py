"""Log lines on stderr: JSON for machines, readable text on a terminal.

Every line has timestamp, level, component and event, and whatever `bind` added: source, run_id, request_id.
"""

from __future__ import annotations

import logging
import os
import sys
from contextvars import ContextVar
from typing import Any, Literal

import orjson
import structlog

bind = structlog.contextvars.bound_contextvars
"""`with bind(run_id=7):` puts the field on every line logged inside, in tasks started inside too."""

request_id = ContextVar[str](f"{structlog.contextvars.STRUCTLOG_KEY_PREFIX}request_id")
"""Set in a task, it is on every line that is logged there from then on."""

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
    structlog.processors.StackInfoRenderer(),
]


def logger(component: str) -> Any:
    """The logger of a component: `log.info("page committed", page=3)`."""
    return structlog.get_logger(component=component)


def configure(level: str, form: Literal["auto", "text", "json"]) -> None:
    """Send every line, the libraries' too, through one formatter to stderr."""
    text = form == "text" or (form == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=[*_SHARED, _component], processors=_renderers(text))
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("yoyo", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # a traceback for every request that is no HTTP: anyone could fill the log; our own middleware logs real faults
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _renderers(text: bool) -> list[Any]:
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    # plain tracebacks: the richer ones print local variables, and with them keys and passwords
    if text:
        colors = sys.stderr.isatty() and "NO_COLOR" not in os.environ
        plain = structlog.dev.plain_traceback
        return [strip, structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]
    return [strip, structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_json)]


def _json(line: Any, **_: Any) -> str:
    return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _component(_: Any, __: str, line: Any) -> Any:
    """A library's line: its logger's name is the component."""
    record = line.get("_record")
    return line | {"component": record.name if record else "unknown"}
