"""Several processes that serve on one port: started, started again when they end, and stopped together.

The process that starts them collects and does not serve: no request waits while a page of records is read, and the
death of one that serves costs ingestion nothing. Their standard input is a pipe that nobody writes to; it ends when
the first process does, however that came about.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from kasparro import log
from kasparro.api.siblings import COLLECTOR, Crew, Siblings
from kasparro.app.site import Leave, serving, shared, stop_on_signals
from kasparro.app.upkeep import observe
from kasparro.metrics import Metrics
from kasparro.settings import Settings, revealed

_AGAIN = 1.0  # seconds before a worker that has ended is started again
_STOP = 6.0  # seconds in which a worker ends in order
_POLL = 0.05  # seconds between looks whether all answer

_log = log.logger("app")


@asynccontextmanager
async def working(settings: Settings, dsn: str, port: int, metrics: Metrics) -> AsyncIterator[Leave]:
    """Run API_WORKERS workers; gives what tells them to end."""
    with TemporaryDirectory(prefix="kasparro-", dir="/tmp") as folder:  # a short path: it names sockets
        crew = Crew(Path(folder), settings.api_workers)
        workers = [_Worker(number, crew, _environ(settings, dsn, port)) for number in range(1, crew.workers + 1)]
        siblings = Siblings(crew, COLLECTOR, metrics.render)

        async def leave() -> None:
            for worker in workers:
                worker.leave()

        async with siblings.told():
            work = [_announce(siblings), *(worker.keep() for worker in workers)]
            keeping = [asyncio.create_task(each) for each in work]
            try:
                yield leave
            finally:
                for task in keeping:
                    task.cancel()
                await asyncio.gather(*keeping, return_exceptions=True)
                await asyncio.gather(*(worker.stop() for worker in workers))


async def _announce(siblings: Siblings) -> None:
    """Log when all answer; ingestion does not wait for that."""
    while not await siblings.are_up():  # noqa: ASYNC110 - no event of ours tells what other processes do
        await asyncio.sleep(_POLL)
    _log.info("all workers answer")


async def attend(settings: Settings, number: int, folder: Path) -> None:
    """Serve as one of several, until SIGTERM or the end of the process that started us."""
    crew, metrics = Crew(folder, settings.api_workers), Metrics()
    assert settings.database_url  # noqa: S101 - whoever starts us sets it
    with log.bind(worker=number), suppress(asyncio.CancelledError), shared(settings) as listening:
        stop_on_signals()
        dsn = settings.database_url.get_secret_value()
        async with serving(settings, dsn, listening, metrics, (crew, str(number))) as leave:
            observing = asyncio.create_task(observe(metrics))
            try:
                await _until_alone()
                shutil.rmtree(folder, ignore_errors=True)  # the one who made it cannot
            finally:
                observing.cancel()
                await leave()


async def _until_alone() -> None:
    """Waits until nobody holds the other end of our standard input."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


def _environ(settings: Settings, dsn: str, port: int) -> Mapping[str, str]:
    """Ours, and what is known here only: where the database is, and which port was free."""
    standby = revealed(settings.database_read_url) or ""
    found = {"DATABASE_URL": dsn, "DATABASE_READ_URL": standby, "DATABASE_READ_URL_FILE": "", "API_PORT": str(port)}
    return {**os.environ, **found}


@dataclass(slots=True)
class _Worker:
    """A process that serves, and is started again whenever it ends before it was told to leave."""

    number: int
    crew: Crew
    environ: Mapping[str, str]
    process: asyncio.subprocess.Process | None = None
    is_leaving: bool = False

    async def keep(self) -> None:
        while not self.is_leaving:
            self.process = await self._start()
            code = await self.process.wait()
            if not self.is_leaving:
                _log.error("a worker has ended; starting it again", worker=self.number, code=code)
                await asyncio.sleep(_AGAIN)

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "kasparro", "worker", str(self.number), str(self.crew.folder)),
            stdin=asyncio.subprocess.PIPE,
            env=self.environ,
            start_new_session=True,  # Ctrl-C is for the first process, which tells the others
        )

    def leave(self) -> None:
        """Tell it to end."""
        self.is_leaving = True
        if self.process and self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.terminate()

    async def stop(self) -> None:
        """Wait for its end, or bring it about."""
        self.leave()
        if self.process is None:
            return
        try:
            async with asyncio.timeout(_STOP):
                await self.process.wait()
        except TimeoutError:
            _log.warning("a worker did not stop in time and was killed", worker=self.number)
            self.process.kill()
            await self.process.wait()
