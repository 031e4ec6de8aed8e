"""What became of all that was asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

_KEPT = 20  # sentences


class Tally:
    """Answers by kind and status, and what must not be: told in sentences, of which the first are kept."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self.wrong: Counter[str] = Counter({"5xx": 0, "unexpected": 0, "broken": 0})
        self.sentences: list[str] = []

    def answered(self, kind: str, path: str, status: int, *, is_deliberate: bool, is_expected: bool) -> None:
        """`is_deliberate`: a 503 that says when to come back."""
        self.answers[kind, status] += 1
        if status >= 500 and not (status == 503 and is_deliberate):
            self.note("5xx", f"{kind}: {path} answers {status}")
        elif status != 503 and not is_expected:
            self.note("unexpected", f"{kind}: {path} answers {status}")

    def note(self, what: str, sentence: str) -> None:
        self.wrong[what] += 1
        if len(self.sentences) < _KEPT:
            self.sentences.append(f"{what}: {sentence}")

    @contextmanager
    def visit(self, kind: str) -> Iterator[None]:
        """A visit that breaks off, or shows something that cannot be, is noted."""
        try:
            yield
        except (aiohttp.ClientError, OSError, TimeoutError, EOFError, AssertionError) as error:
            self.note("broken", f"{kind}: {type(error).__name__}: {error}")

    @property
    def deliberate(self) -> int:
        """503s."""
        return sum(count for (_, status), count in self.answers.items() if status == 503)
