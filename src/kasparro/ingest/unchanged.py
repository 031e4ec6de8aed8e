"""Pages that come again, byte for byte: nothing of them has to be read, merged or kept a second time.

What a process has committed itself it knows, until somebody else writes for the source. A run of another process, a
replay and a rebuild all draw a fence, so that the next run of ours finds that its fence is not the one that follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from kasparro.domain import Closing, Ledger, Page


class Known(NamedTuple):
    """A page as it was committed: the checksum of its bytes, where they are kept, and what its records came to."""

    url: str
    checksum: bytes
    raw_id: int
    closing: Closing
    coins: Mapping[str, datetime | None]

    def is_again(self, page: Page, seen: Set[str]) -> bool:
        """Whether a page is this one, and brings no coin that its snapshot has `seen` already."""
        return (page.url, page.checksum) == (self.url, self.checksum) and seen.isdisjoint(self.coins)


NONE: Mapping[int, Known] = MappingProxyType({})


@dataclass(slots=True)
class Memory:
    """The pages that the latest run of this process has committed, by number."""

    fence: int = 0
    pages: dict[int, Known] = field(default_factory=dict)

    @contextmanager
    def recalled(self, fence: int) -> Iterator[Mapping[int, Known]]:
        """The pages of the run before, for the run under `fence`; none where somebody has written since.

        A run that breaks off is not remembered: its last page may not have been committed.
        """
        known = self.pages if fence == self.fence + 1 else NONE
        self.fence, self.pages = fence, {}
        try:
            yield known
        except BaseException:
            self.pages = {}
            raise

    def keep(self, page: Page, raw_id: int, closing: Closing, ledger: Ledger) -> None:
        """Remember a page that is being committed. Records that were stale will be again, and not unchanged."""
        if closing.coins is not None and not ledger.stale:
            self.pages[page.number] = Known(page.url, page.checksum, page.same_as or raw_id, closing, closing.coins)
