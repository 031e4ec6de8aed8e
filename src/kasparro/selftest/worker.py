"""Processes that work as the command does and may be struck, stopped and killed: forked from a warm one, so cheap."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Literal, NamedTuple

from kasparro import app, log
from kasparro.selftest.patience import until
from kasparro.selftest.strikes import Strike, arm, place
from kasparro.settings import Settings
from kasparro.sources import options

Work = Literal["ingest", "cycle", "serve", "migrate"]
_UNIT = 1024 if sys.platform == "linux" else 1  # of ru_maxrss, in bytes

_forkserver = multiprocessing.get_context("forkserver")
_forkserver.set_forkserver_preload(["kasparro.selftest.worker"])


class Job(NamedTuple):
    """What a worker does, with which settings, and where it is struck.

    `constants` are the product's own, replaced in the worker: `{"kasparro.store.leases:TTL": 0.5}` saves half a minute.
    `times` is how many cycles it makes of a `cycle`, and `interval` the seconds from one tick of a source to the next.
    """

    work: Work
    environ: Mapping[str, str]
    log: Path
    strike: Strike | None
    constants: Mapping[str, Any]
    times: int
    interval: float


class Worker:
    """A worker process, seen from here."""

    def __init__(self, process: ForkServerProcess, told: Connection) -> None:
        self._process = process
        self._told = told

    def send(self, number: int) -> None:
        """Send it a signal; one that has ended is not bothered."""
        with suppress(ProcessLookupError):
            if self.is_alive and self._process.pid:
                os.kill(self._process.pid, number)

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    async def told(self) -> Any:
        """What it says next: the point at which it is struck, or the bytes it took at its end. None: it ended."""
        await until("a worker comes to its point or ends", lambda: self._told.poll() or not self.is_alive)
        with suppress(EOFError):
            return self._told.recv() if self._told.poll() else None

    async def ended(self) -> int:
        """Its exit code, negative for a signal, once it has ended."""
        await until("a worker ends", lambda: not self.is_alive)
        return int(self._process.exitcode or 0)


@asynccontextmanager
async def working(job: Job) -> AsyncIterator[Worker]:
    """A worker at its job; it is killed at the end, if it still works."""
    ours, theirs = _forkserver.Pipe(duplex=False)
    process = _forkserver.Process(target=_labour, args=(job, theirs), daemon=True)
    process.start()
    theirs.close()
    worker = Worker(process, ours)
    try:
        yield worker
    finally:
        worker.send(signal.SIGKILL)
        await worker.ended()
        process.close()
        ours.close()


async def done(job: Job) -> int:
    """Do the job to its end; returns the exit code."""
    async with working(job) as worker:
        return await worker.ended()


def load(environ: Mapping[str, str]) -> Settings:
    """Settings from these variables alone: neither the user's environment nor a `.env` has a say."""
    return Settings.load(options(), environ, dotenv=Path(environ["KASPARRO_HOME"], "none.env"))


def _labour(job: Job, told: Connection) -> None:
    """In the worker: prepare everything, and do the job."""
    _log_to(job.log)
    for path, value in job.constants.items():
        resolve_name(path)  # it must be there: a constant that was renamed would be replaced in vain
        setattr(*place(path), value)
    if job.strike:
        arm(job.strike, told.send)
    settings = _every(load(job.environ), job.interval)
    log.configure(settings.log_level, settings.log_format)
    asyncio.run(_work(job, settings))
    told.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT)


def _every(settings: Settings, seconds: float) -> Settings:
    """The same settings with this interval, shorter too than a person may set."""
    options = {name: settings.options(name) for name in settings.sources}
    return settings.model_copy(
        update={name: each.model_copy(update={"interval": seconds}) for name, each in options.items()}
    )


def _log_to(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(descriptor, stream.fileno())
    os.close(descriptor)


async def _work(job: Job, settings: Settings) -> None:
    parent = multiprocessing.parent_process()
    assert parent  # noqa: S101 - we are a worker
    asyncio.get_running_loop().add_reader(parent.sentinel, partial(os._exit, 1))  # nobody waits for us any more
    match job.work:
        case "ingest":
            await _ingest(settings)
        case "cycle":
            for _ in range(job.times):
                await app.ingest(settings, lambda _: None)
        case "serve":
            await app.serve(settings)
        case "migrate":
            await app.migrate(settings)


async def _ingest(settings: Settings) -> None:
    """Cycles until every source has been through one of its own: a source that another held is asked again."""
    left = settings.sources
    while left:
        results = await app.ingest(settings.model_copy(update={"sources": left}), lambda _: None)
        left = [result.source for result in results if result.status not in ("success", "partial")]
        await asyncio.sleep(0.01)
