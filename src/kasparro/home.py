"""The home, the folder of one Kasparro: locks and logs in it, and what to say where it cannot be used.

A lock is held as long as the process lives that took it, or a child that it was passed to. No process id is
involved, so that none can be stale or belong to a stranger.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from kasparro.errors import ConfigurationError

_LOG_BYTES = 10_000_000


def make(home: Path) -> Path:
    """The absolute path of `home`, made where it is missing: others may pass it, but not look around."""
    home.mkdir(mode=0o711, parents=True, exist_ok=True)
    return home.absolute()


def take_lock(path: Path) -> int | None:
    """Lock `path`, made where it is missing, until the descriptor is closed; None when another holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if _locks(descriptor, fcntl.LOCK_EX):
        return descriptor
    os.close(descriptor)
    return None


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock of `path`."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not _locks(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def open_log(path: Path) -> IO[bytes]:
    """Open `path` for appending; a long log is put aside first, in the place of the one put aside before."""
    if path.exists() and path.stat().st_size > _LOG_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    path.touch(mode=0o600)
    return path.open("ab")


def last_lines(path: Path, count: int, since: int = 0) -> str:
    """The end of a log, for a person to read; of what was written behind the byte `since`."""
    return "\n".join(path.read_bytes()[since:].decode(errors="replace").splitlines()[-count:])


@contextmanager
def explained(home: Path) -> Iterator[None]:
    """Turn an OSError into a ConfigurationError that names the file, what is wrong, and what to do."""
    try:
        yield
    except OSError as error:
        where, whose = error.filename or home, ""
        if isinstance(error, PermissionError):
            nearest = next(folder for folder in (home, *home.parents) if _is_seen(folder))
            whose = f"run as {_owner(nearest)}, who owns {nearest}, or "
        raise ConfigurationError(f"{where}: {error.strerror}: {whose}set KASPARRO_HOME to another folder") from None


def _is_seen(folder: Path) -> bool:
    try:
        return folder.exists()
    except PermissionError:  # it lies in a folder that we may not enter
        return False


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:
        return f"user {path.stat().st_uid}"


def _locks(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
