"""How far a file has been read, as its checkpoint remembers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

from kasparro.domain import Fault
from kasparro.sources.csv_file import Options

_VERSION = 1  # count it up when the same text is to be read as other tickers
_NOTHING = sha256().hexdigest()

Signature = list[int]
"""Inode, size, and times of change in nanoseconds: a file that keeps them keeps its content."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the text of a file: decompressed, as UTF-8, without a byte order mark.

    `digest` is of the `read` bytes before the place: where they are the same still, reading goes on from there, and
    from the start where they are not. `line` is the number of the next line. `whole` is the digest of all the text,
    once it has been read to the end: a last line without a line end is read, but stays ahead of the place.
    `refused` stands for the reason why nothing was read from here on. `reading` names the settings that the cells
    were read by: under others, the file is read again.
    """

    reading: str
    read: int = 0
    line: int = 1
    digest: str = _NOTHING
    whole: str | None = None
    refused: str | None = None
    signature: Signature | None = None

    @classmethod
    def of(cls, checkpoint: Mapping[str, Any], options: Options) -> Cursor:
        """The cursor that a checkpoint holds; the start of the file where it holds none, or one of other settings."""
        reading = f"{_VERSION} {options.delimiter} {options.date_order} {options.timezone}"
        return cls(**checkpoint) if checkpoint.get("reading") == reading else cls(reading)

    def json(self) -> dict[str, Any]:
        """What the checkpoint holds."""
        return asdict(self)

    def is_done(self, signature: Signature) -> bool:
        """Whether there is nothing to be read in a file of this signature."""
        return self.signature == signature and bool(self.whole or self.refused)

    def refuse(self, faults: tuple[Fault, ...], signature: Signature | None) -> Cursor:
        """The same place in a file that cannot be read on. Without a signature it is tried again in every cycle."""
        reason = sha256(repr((faults, signature and signature[1])).encode()).hexdigest()
        return replace(self, whole=None, refused=reason, signature=signature)


class Progress:
    """A place that moves on through the text of a file."""

    def __init__(self) -> None:
        self.read = 0
        self.line = 1
        self._hash = sha256()

    def skip(self, text: bytes, line: int) -> None:
        """Move past text of which only the number of the line after it matters."""
        self.read += len(text)
        self.line = line
        self._hash.update(text)

    def take(self, lines: bytes) -> None:
        """Move past whole lines."""
        self.skip(lines, self.line + len(lines.splitlines()))

    def digest(self, ahead: bytes = b"") -> str:
        """Of all the text before the place, and of what is ahead of it."""
        whole = self._hash.copy()
        whole.update(ahead)
        return whole.hexdigest()

    def cursor(self, reading: str, signature: Signature, whole: str | None) -> Cursor:
        """What the checkpoint holds when the file has been read up to here, or `whole`."""
        return Cursor(reading, self.read, self.line, self.digest(), whole, None, signature)
