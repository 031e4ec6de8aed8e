"""Starting and stopping a service in the background; a small server plays the service."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from kasparro import background
from kasparro.background import Service
from kasparro.errors import ConfigurationError
from kasparro.settings import Settings

# The service goes on when the `Popen` that started it is forgotten, as it does when `kasparro up` ends.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

HEALTH = {
    "status": "degraded",
    "etl_status": {
        "csv": {"last_run_status": "success"},
    },
}

SERVER = """
import json, os, signal, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    asked = 0
    def do_GET(self):
        if self.path == "/health":
            Handler.asked += 1
        states = json.loads(sys.argv[1])
        body = json.dumps(states[min(Handler.asked, len(states)) - 1] if states else {}).encode()
        self.send_response(503 if self.path == "/health" else 200)
        self.end_headers()
        self.wfile.write(body)

if sys.argv[2] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("serving", flush=True)
HTTPServer(("127.0.0.1", int(os.environ["API_PORT"])), Handler).serve_forever()
"""


def command(*states: dict[str, Any], ears: str = "good") -> list[str]:
    """A service whose /health answers `states` one after the other, and the last one from then on."""
    return [sys.executable, "-c", SERVER, json.dumps(states), ears]


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    yield Settings(kasparro_home=tmp_path / "home", api_port=0)
    background.down(tmp_path / "home")


def test_up_twice_and_down_twice(settings: Settings) -> None:
    home = settings.kasparro_home
    assert background.running(home) is None
    service = background.up(settings, command(HEALTH))
    assert background.up(settings, command(HEALTH)) == background.running(home) == service
    assert (home / "kasparro.log").read_text().startswith("serving\n")
    assert background.down(home) == f"Kasparro has stopped; its data stays in {home}."
    assert background.running(home) is None
    assert background.down(home) == "Kasparro is not running."


def test_only_we_can_read_the_files(settings: Settings) -> None:
    background.up(settings, command(HEALTH))
    assert {path.stat().st_mode & 0o077 for path in settings.kasparro_home.iterdir()} == {0}


def test_ups_at_the_same_time_start_one_service(settings: Settings) -> None:
    services: list[Service] = []
    ups = [threading.Thread(target=lambda: services.append(background.up(settings, command(HEALTH)))) for _ in range(4)]
    for thread in ups:
        thread.start()
    for thread in ups:
        thread.join()
    assert len(services) == 4
    assert len(set(services)) == 1


def test_a_service_that_ends_is_quoted(settings: Settings) -> None:
    failing = [sys.executable, "-c", "raise SystemExit('DATABASE_URL: no such host')"]
    with pytest.raises(ConfigurationError, match=r"(?s)does not start; .*kasparro.log says:.*no such host"):
        background.up(settings, failing)
    assert background.running(settings.kasparro_home) is None


def test_a_port_in_use_is_named(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = settings.model_copy(update={"api_port": port})
        with pytest.raises(ConfigurationError, match=f"API_PORT {port}: Address already in use"):
            background.up(taken, command(HEALTH))
    assert background.running(settings.kasparro_home) is None


def test_an_address_of_another_machine_is_named(settings: Settings) -> None:
    elsewhere = settings.model_copy(update={"api_host": "192.0.2.1"})
    with pytest.raises(ConfigurationError, match=r"API_HOST 192.0.2.1, API_PORT 0: Cannot assign"):
        background.up(elsewhere, command(HEALTH))


def test_a_service_that_ignores_the_request_is_killed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_STOP_SECONDS", 0.5)
    service = background.up(settings, command(HEALTH, ears="deaf"))
    assert "was killed" in background.down(settings.kasparro_home)
    assert not psutil.pid_exists(service.pid) or psutil.Process(service.pid).status() == psutil.STATUS_ZOMBIE


def test_a_reused_process_id_is_not_taken_for_the_service(settings: Settings) -> None:
    home = settings.kasparro_home
    service = background.up(settings, command(HEALTH))
    process = psutil.Process(service.pid)
    process.kill()
    process.wait()
    (home / "kasparro.json").write_text(json.dumps(service._replace(pid=os.getpid())._asdict()))
    assert background.running(home) is None
    assert background.down(home) == "Kasparro is not running."


def test_follow_goes_on_after_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "kasparro.log"
    log.write_text("one\ntwo\nthree\n")
    pieces = background.follow(log, lines=2)
    assert next(pieces) == "two\nthree\n"
    with log.open("a") as stream:
        stream.write("four\n")
    assert next(pieces) == "four\n"


def test_remove_leaves_what_is_not_ours(settings: Settings) -> None:
    home = settings.kasparro_home
    background.up(settings, command(HEALTH))
    with pytest.raises(ConfigurationError, match="is running"):
        background.remove(home)
    background.down(home)
    (home / "theirs").touch()
    background.remove(home)
    assert [path.name for path in home.iterdir()] == ["theirs"]
    (home / "theirs").unlink()
    background.remove(home)
    assert not home.exists()
    background.remove(home)
