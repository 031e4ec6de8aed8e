"""Work that goes on for ever looks at what there is to do, again and again; no look is its last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kasparro.store.pool import ERRORS, explain


@contextmanager
def survived(log: Any, *, put_off: str, broke: str) -> Iterator[None]:
    """What goes wrong inside is told to the log, and goes no further: the next look tries again.

    `put_off` is what is said while the database is in the way, `broke` of an error that nobody foresaw.
    """
    try:
        yield
    except ERRORS as error:
        log.warning(put_off, reason=explain(error))
    except Exception:  # the one place that keeps such work alive whatever happens
        log.exception(broke)
