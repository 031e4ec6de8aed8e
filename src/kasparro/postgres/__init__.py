"""The embedded PostgreSQL: a server of our own, for when no DATABASE_URL is set.

    async with embedded(home) as dsn:      # started, or recovered, and ready; stopped at the end
        ...

One process at a time owns the server of a home; another one that runs beside it asks `running_dsn(home)`.
In the home lie:

    postgres/       data, password and socket, or a link to the folder that holds them (cluster.py)
    postgres.dsn    how to connect, while the server runs
    postgres.log    what the server says
    postgres.owner  lock of the process that owns the server, and its id
    postgres.lock   lock of that process and of the server's own processes: free means that none of them lives

An owner that is killed takes the server down with it: the kernel tells the server (process.py). The next
owner waits for the lock until the last process is gone. No process id read from a file is ever signalled.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from kasparro.errors import ConfigurationError
from kasparro.home import explained, is_locked, make, take_lock
from kasparro.postgres import binaries, cluster
from kasparro.postgres.server import serving

__all__ = ["embedded", "remove", "running_dsn"]

_OTHER_FILES = ("postgres.dsn", "postgres.log", "postgres.log.1", "postgres.owner", "postgres.lock")
_LEFT_BEHIND_SECONDS = 30.0


@asynccontextmanager
async def embedded(home: Path) -> AsyncIterator[str]:
    """Run the server of `home`, and give its DSN; raises ConfigurationError with what a person can do."""
    async with AsyncExitStack() as stack:
        with explained(home):
            dsn = await _start(make(home), stack)
        yield dsn


def running_dsn(home: Path) -> str | None:
    """The DSN of the server that another process runs in `home`; None where none runs, or is not ready."""
    with explained(home):
        published = home / "postgres.dsn"
        return published.read_text() if is_locked(home / "postgres.lock") and published.exists() else None


def remove(home: Path) -> None:
    """Delete the server's data and all its files; raises ConfigurationError while it runs."""
    with explained(home):
        if is_locked(home / "postgres.lock"):
            raise ConfigurationError(f"the embedded PostgreSQL of {home} is running: stop it first")
        cluster.discard(home / "postgres" / "socket")
        cluster.discard(home / "postgres")
        for name in _OTHER_FILES:
            (home / name).unlink(missing_ok=True)


async def _start(home: Path, stack: AsyncExitStack) -> str:
    """Start the server, and leave its end on `stack`: the steps in their order."""
    _own(home, stack)
    held = await _outlive(home, stack)
    place = cluster.locate(home)
    programs = await binaries.find(place.account, place.data, place.folder)
    await cluster.prepare(place, programs, held)
    stack.callback(cluster.discard, place.folder / "socket")
    await stack.enter_async_context(serving(place, programs, home / "postgres.log", held))
    _publish(home / "postgres.dsn", place.dsn, stack)
    return place.dsn


def _own(home: Path, stack: AsyncExitStack) -> None:
    """Become the owner of the server, at once or not at all."""
    path = home / "postgres.owner"
    held = take_lock(path)
    if held is None:
        raise ConfigurationError(
            f"process {path.read_text()} runs the embedded PostgreSQL of {home}: "
            f"stop it, or set KASPARRO_HOME to another folder"
        )
    stack.callback(os.close, held)
    os.truncate(held, 0)
    os.write(held, str(os.getpid()).encode())
    (home / "postgres.dsn").unlink(missing_ok=True)


async def _outlive(home: Path, stack: AsyncExitStack) -> int:
    """Wait until the server of an owner that was killed is gone; returns the descriptor of the lock."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LEFT_BEHIND_SECONDS):
            while True:
                held = take_lock(home / "postgres.lock")
                if held is not None:
                    stack.callback(os.close, held)
                    return held
                await asyncio.sleep(0.02)
    raise ConfigurationError(
        f"a server left behind still uses {home / 'postgres'}: end it with `pkill -INT -f {home}/postgres`"
    )


def _publish(path: Path, dsn: str, stack: AsyncExitStack) -> None:
    """Write the DSN, which holds the password, for `running_dsn` to read."""
    path.touch(mode=0o600)
    path.write_text(dsn)
    stack.callback(path.unlink, missing_ok=True)
