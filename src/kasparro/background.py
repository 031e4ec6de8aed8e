"""The service in the background: starting it, asking it how it is, stopping it.

In the home lie `kasparro.lock`, held by the process as long as it lives, so that no other can be taken
for it; `kasparro.json`, its id and where it listens; and `kasparro.log`, what it prints.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

from kasparro.errors import ConfigurationError
from kasparro.home import explained, is_locked, last_lines, make, open_log, take_lock
from kasparro.settings import Settings

LOG = "kasparro.log"
_LOCK = "kasparro.lock"
_PROCESS = "kasparro.json"
_START_SECONDS = 180.0  # an embedded server may have to recover, and migrations to run
_STOP_SECONDS = 15.0
_CLAIM_SECONDS = 10.0
_POLL_SECONDS = 0.05
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # where to look for one that binds to it


class Service(NamedTuple):
    """A process that serves, and where it can be reached from this machine."""

    pid: int | None
    host: str
    port: int

    @classmethod
    def at(cls, settings: Settings) -> Self:
        """Whatever listens where the settings say."""
        return cls(None, _ANY_ADDRESS.get(settings.api_host, settings.api_host), settings.api_port)

    @property
    def url(self) -> str:
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    def get(self, path: str, seconds: float = 10.0, *, key: str | None = None) -> tuple[int, bytes]:
        """GET `path`, with this key: status and body. Asks no proxy; raises OSError where nobody answers."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=seconds)
        try:
            headers = {"Accept": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read()
        except http.client.HTTPException as error:
            raise OSError(f"{self.url} does not answer in HTTP: {error!r}") from None
        finally:
            connection.close()


def running(home: Path) -> Service | None:
    """The service that runs in the background of `home`; None where none does, or is only being started."""
    with explained(home), suppress(FileNotFoundError, json.JSONDecodeError):
        if is_locked(home / _LOCK):
            return Service(**json.loads((home / _PROCESS).read_text()))
    return None


def up(settings: Settings, command: Sequence[str]) -> Service:
    """Start `command`, which is to serve at API_HOST and API_PORT, and return once it answers.

    Where the service of this home runs already, it is returned. Raises ConfigurationError with the end of the
    log where the process ends instead of answering.
    """
    home = settings.kasparro_home
    claimed = _claim(home)
    if isinstance(claimed, Service):
        return claimed
    try:
        with explained(home):
            process, service, before = _spawn(settings, command, claimed)
    finally:
        os.close(claimed)
    _wait_until_alive(process, service, home / LOG, before)
    return service


def down(home: Path) -> str:
    """Stop the service, gently or else by force; its data stays. Returns what happened, in a sentence."""
    service = running(home)
    if service is None or service.pid is None:
        return "Kasparro is not running."
    if _ends(home, service.pid, signal.SIGTERM):
        return f"Kasparro has stopped; its data stays in {home}."
    if _ends(home, service.pid, signal.SIGKILL):
        return f"Kasparro did not stop within {_STOP_SECONDS:g} s and was killed; its data stays in {home}."
    raise ConfigurationError(f"Kasparro, process {service.pid}, cannot be stopped")


def remove(home: Path) -> None:
    """Delete the files of the service, and the home itself where nothing else is in it."""
    if running(home):
        raise ConfigurationError("Kasparro is running: stop it first")
    with explained(home):
        for name in (_PROCESS, LOG, f"{LOG}.1", _LOCK):
            (home / name).unlink(missing_ok=True)
        if home.is_dir() and not any(home.iterdir()):
            home.rmdir()


def follow(log: Path, lines: int = 20) -> Iterator[str]:
    """The last lines of `log`, and then, without end, what is added to it."""
    with explained(log.parent), log.open(errors="replace") as stream:
        yield "".join(deque(stream, lines))
        while True:
            yield stream.read()
            time.sleep(_POLL_SECONDS)


def _claim(home: Path) -> int | Service:
    """The lock of the service, or the service that holds it."""
    deadline = time.monotonic() + _CLAIM_SECONDS
    while time.monotonic() < deadline:
        with explained(home):
            held = take_lock(make(home) / _LOCK)
        if held is not None:
            return held
        if service := running(home):
            return service
        time.sleep(_POLL_SECONDS)  # somebody else is starting it, or only looks whether it runs
    raise ConfigurationError(f"another process holds {home / _LOCK}, but has started no service")


def _spawn(settings: Settings, command: Sequence[str], held: int) -> tuple[subprocess.Popen[bytes], Service, int]:
    """Start `command` in a session of its own, with the lock `held`, and write down where it is.

    The number is the size that the log had before.
    """
    home, port = settings.kasparro_home, _free_port(settings.api_host, settings.api_port)
    with open_log(home / LOG) as log:
        before = log.tell()
        process = subprocess.Popen(  # noqa: S603  # our own command line
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "API_PORT": str(port)},  # the free one that was found, where it was 0
            start_new_session=True,
            pass_fds=(held,),
        )
    service = Service.at(settings)._replace(pid=process.pid, port=port)
    _write(home / _PROCESS, json.dumps(service._asdict()))
    return process, service, before


def _free_port(host: str, port: int) -> int:
    """`port`, or for 0 a free one; raises ConfigurationError where the service could not listen.

    Otherwise another program that answers at this port could be taken for the service.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return int(probe.getsockname()[1])
    except OSError as error:
        raise ConfigurationError(f"cannot listen at API_HOST {host}, API_PORT {port}: {error.strerror}") from None


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def _wait_until_alive(process: subprocess.Popen[bytes], service: Service, log: Path, before: int) -> None:
    answers = _becomes(lambda: process.poll() is not None or _is_alive(service), _START_SECONDS)
    if process.returncode is not None:
        raise ConfigurationError(f"Kasparro does not start; {log} says:\n{last_lines(log, 20, before)}")
    if not answers:
        raise ConfigurationError(f"Kasparro does not answer at {service.url} yet; see {log}")


def _is_alive(service: Service) -> bool:
    with suppress(OSError):
        return service.get("/health/live")[0] == http.HTTPStatus.OK
    return False


def _ends(home: Path, pid: int, order: signal.Signals) -> bool:
    """Whether the service ends upon the signal `order`."""
    with explained(home):
        os.kill(pid, order)
        return _becomes(lambda: not is_locked(home / _LOCK), _STOP_SECONDS)


def _becomes(claim: Callable[[], bool], seconds: float) -> bool:
    """Whether `claim` comes true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not (holds := claim()) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return holds
