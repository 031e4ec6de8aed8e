"""Processes of the bench: each with an environment of its own, so that no setting of the user's counts."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """What a process took: seconds, its start included, and MiB of memory at its peak (0: the system does not say)."""

    seconds: float
    peak: float


def finish(folder: Path, *arguments: str, **environ: str) -> Cost:
    """Run Python with these arguments in `folder`, to its end; raises CalledProcessError where it fails."""
    started = time.perf_counter()
    process = _start(folder, arguments, environ)
    peak = 0.0
    try:
        while process.poll() is None:
            peak = max(peak, peak_of(process.pid))
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, arguments)
    return Cost(time.perf_counter() - started, peak)


class Server(NamedTuple):
    """A process that answers at a port of loopback."""

    pid: int
    port: int

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def serving(folder: Path, port: int, path: str, *arguments: str, **environ: str) -> Iterator[Server]:
    """Python with these arguments in `folder`, from when it answers at `path`."""
    process = _start(folder, arguments, environ)
    server = Server(process.pid, port)
    try:
        _await_answer(process, server.url(path))
        yield server
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _start(folder: Path, arguments: tuple[str, ...], environ: dict[str, str]) -> subprocess.Popen[bytes]:
    clean = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, *arguments],
        cwd=folder,
        env=clean | environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def peak_of(pid: int) -> float:
    """MiB that the process has held at most. Not getrusage, which counts what its parent held when it forked."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024


def _await_answer(process: subprocess.Popen[bytes], url: str) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url):  # noqa: S310 - loopback
                return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"nothing answers at {url}")
