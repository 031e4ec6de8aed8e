"""The server process: started as our child, waited for, and stopped."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from kasparro.errors import ConfigurationError
from kasparro.home import last_lines, open_log
from kasparro.log import logger
from kasparro.postgres.binaries import Binaries
from kasparro.postgres.cluster import PORT, Cluster
from kasparro.postgres.process import spawn

START_SECONDS = 120.0  # a recovery replays 1 GB of log at most, see max_wal_size
STOP_SECONDS = 15.0
_RESTART_SECONDS = 0.5
_SETTINGS = {
    "port": str(PORT),
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "max_wal_size": "1GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # What a statement does wrong is told to the client, who logs it: this log stays short.
    "log_min_messages": "log",
    "log_checkpoints": "off",
    "checkpoint_warning": "0",
}

_log = logger("postgres")


@asynccontextmanager
async def serving(cluster: Cluster, binaries: Binaries, log: Path, lock: int) -> AsyncIterator[None]:
    """Run the server of `cluster` for as long as the context lasts; its processes hold `lock`."""
    server = _Server(cluster, binaries, log, lock)
    try:
        await server.start()
        guard = asyncio.create_task(server.keep())
        try:
            yield
        finally:
            guard.cancel()
            await asyncio.gather(guard, return_exceptions=True)
    finally:
        await server.stop()


@dataclass(slots=True)
class _Server:
    """The server process, and what it takes to start it again."""

    cluster: Cluster
    binaries: Binaries
    log: Path
    lock: int
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, and wait until it takes connections."""
        with open_log(self.log) as output:
            self.process = await spawn(
                self.binaries.folder / "postgres",
                *_arguments(self.cluster),
                account=self.cluster.account,
                stdout=output,
                stderr=output,
                pass_fds=(self.lock,),
            )
        await _wait_until_ready(self.process, self.cluster.dsn, self.log)

    async def keep(self) -> None:
        """Start it again whenever it ends, until cancelled: whoever uses it finds it again by themselves."""
        while self.process:
            _log.error("the embedded PostgreSQL has ended; starting it again", code=await self.process.wait())
            with suppress(ConfigurationError):  # its last children may be alive still: again, in a moment
                await self.start()
            await asyncio.sleep(_RESTART_SECONDS)

    async def stop(self) -> None:
        """Stop it, if it was started."""
        if self.process:
            await _stop(self.process)


def _arguments(cluster: Cluster) -> list[str]:
    settings = {**_SETTINGS, "unix_socket_directories": str(cluster.socket)}
    return ["-D", str(cluster.data), *(f"--{name}={value}" for name, value in settings.items())]


async def _wait_until_ready(server: asyncio.subprocess.Process, dsn: str, log: Path) -> None:
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await _answers(dsn):
                if server.returncode is not None:
                    raise ConfigurationError(
                        f"the embedded PostgreSQL does not start; {log} says:\n{last_lines(log, 5)}"
                    )
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise ConfigurationError(f"the embedded PostgreSQL is not ready after {START_SECONDS:g} s; see {log}") from None
    except asyncpg.PostgresError as error:
        raise ConfigurationError(f"the embedded PostgreSQL refuses us: {error}") from None


async def _answers(dsn: str) -> bool:
    """Whether the server takes connections to our database, which is made at the first one."""
    try:
        connection = await asyncpg.connect(dsn)
    except asyncpg.InvalidCatalogNameError:
        connection = await asyncpg.connect(dsn, database="postgres")
        await connection.execute("CREATE DATABASE kasparro")
    except (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
        return False
    await connection.close()
    return True


async def _stop(server: asyncio.subprocess.Process) -> None:
    """Fast shutdown, which ends sessions and writes a checkpoint; after a while the immediate one."""
    for order in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            server.send_signal(order)
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await server.wait()
                return
