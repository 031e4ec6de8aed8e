"""How a run ends, whatever ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from kasparro.domain import RunStatus
from kasparro.errors import Cancelled, KasparroError, SourceError
from kasparro.store.pool import ERRORS, explain


class Ending(Protocol):
    """What a run came to."""

    status: RunStatus
    error: BaseException | None


@contextmanager
def told_to(summary: Ending) -> Iterator[None]:
    """What is wrong with the source ends in the summary, and no further; all else is raised again."""
    try:
        yield
    except SourceError as error:
        summary.status = "cancelled" if isinstance(error, Cancelled) else "failed"
        summary.error = error
    except BaseException as error:
        summary.status = "cancelled" if isinstance(error, asyncio.CancelledError) else "failed"
        summary.error = error
        raise


def words(error: BaseException | None) -> str | None:
    """What ended a run, in words that anybody may read: an error that we did not foresee says only what it is."""
    match error:
        case None:
            return None
        case KasparroError():
            return str(error)
        case _ if isinstance(error, ERRORS):
            return f"the database: {explain(error)}"
        case _:
            return f"{type(error).__name__}; the log tells more"
