"""What an open file holds: its text, decompressed and as UTF-8, in blocks; and whether somebody writes to it."""

from __future__ import annotations

import gzip
import os
import stat
import time
import zlib
from collections.abc import Generator, Iterator
from functools import partial
from itertools import chain
from typing import BinaryIO

import zstandard

from kasparro.domain import Fault
from kasparro.errors import Rejected
from kasparro.sources.csv_cursor import Progress, Signature
from kasparro.sources.csv_text import utf8

BLOCK = 256 * 1024
SETTLED = 2.0  # seconds after which a last line without a line end is taken for whole
_TICK = 0.02  # seconds; two changes in one tick of the kernel's clock leave the same times
_CHANGED = "it was changed while it was read; the next cycle reads it again"


def signature(status: os.stat_result) -> Signature:
    """What changes with the content of a file; raises Rejected where there is no file to be read."""
    if not stat.S_ISREG(status.st_mode):
        raise Rejected((Fault("file", "neither a file nor a folder of CSV files", ""),))
    return [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def await_tick(seen: Signature) -> None:
    """Wait until any later change to the file must show in its signature."""
    age = time.time() - max(seen[2:]) / 1e9
    if 0 <= age < _TICK:
        time.sleep(_TICK - age)


def is_settled(file: BinaryIO, opened: Signature, *, rest: bytes) -> bool:
    """Whether nobody has written to the file since it was opened; nor for two seconds, if there is a `rest`."""
    age = time.time() - os.fstat(file.fileno()).st_mtime
    if rest and 0 <= age < SETTLED:
        time.sleep(SETTLED - age)
    return signature(os.fstat(file.fileno())) == opened


def check_size(file: BinaryIO, opened: Signature) -> None:
    """Raises OSError where the file has been cut."""
    if os.fstat(file.fileno()).st_size < opened[1]:
        raise OSError(_CHANGED)


def check_text(file: BinaryIO, progress: Progress, ahead: bytes) -> Generator[None, None, None]:
    """Raises OSError where the text, up to the end of what is `ahead` of the progress, is no longer what was read."""
    again, _ = yield from skip(file, progress.read + len(ahead), 1)
    if again.digest() != progress.digest(ahead):
        raise OSError(_CHANGED)


def skip(file: BinaryIO, length: int, line: int) -> Generator[None, None, tuple[Progress, Iterator[bytes]]]:
    """The text behind its first `length` bytes, where line `line` begins. Rests after each block."""
    progress, blocks = Progress(), text(file)
    for block in blocks:
        before = block[: length - progress.read]
        progress.skip(before, line)
        if progress.read == length:
            return progress, chain((block[len(before) :],), blocks)
        yield None
    return progress, iter(())


def text(file: BinaryIO) -> Iterator[bytes]:
    """The text of a file from its start. Raises Rejected where compressed data is damaged, after all that is not."""
    file.seek(0)
    magic = file.read(4)
    file.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        return utf8(_whole(_gzip(file)))
    if magic == b"\x28\xb5\x2f\xfd":
        return utf8(_whole(_zstandard(file)))
    return utf8(iter(partial(file.read, BLOCK), b""))


def _whole(blocks: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from blocks
    except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as error:
        raise Rejected((Fault("file", f"the compressed data is damaged or cut off: {error}", ""),)) from None


def _gzip(file: BinaryIO) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=file) as unpacked:
        # read1, since read loses what came before the damage
        yield from iter(partial(unpacked.read1, BLOCK), b"")


def _zstandard(file: BinaryIO) -> Iterator[bytes]:
    """Frame by frame, since the library's own reader takes a file that is cut off for a whole one."""
    frame: zstandard.ZstdDecompressionObj | None = None
    unpacked: list[bytes] = []
    # a KiB at most unpacks to 32 MiB, whatever somebody made of it
    while packed := file.read(1024):
        while packed:
            frame = frame or zstandard.ZstdDecompressor().decompressobj()
            unpacked.append(frame.decompress(packed))
            packed = frame.unused_data
            frame = None if frame.eof else frame
        if sum(map(len, unpacked)) >= BLOCK:
            yield b"".join(unpacked)
            unpacked.clear()
    yield b"".join(unpacked)
    if frame:
        raise EOFError("the last frame has no end")
