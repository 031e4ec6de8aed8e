"""The folder of the embedded server: where it lies, who owns what in it, and how its data folder is made.

`<home>/postgres` holds all of it: `data`, `password`, `socket`, and copied binaries where they are needed.
Where we are root and the server's user cannot enter the home, it is a link to a folder in /var/lib/kasparro.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from kasparro.errors import ConfigurationError
from kasparro.postgres import account as accounts
from kasparro.postgres.account import Account
from kasparro.postgres.binaries import Binaries
from kasparro.postgres.process import output

PORT = 5432  # names the socket's file; nothing listens on the network
_ELSEWHERE = Path("/var/lib/kasparro")
_SOCKET_LIMIT = 104  # bytes of sun_path on macOS; Linux has four more
_INITDB = (
    "--username=kasparro",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--no-sync",
    "--no-instructions",
)


class Cluster(NamedTuple):
    """The server's folder, and the user who owns the data in it."""

    folder: Path
    account: Account

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def socket(self) -> Path:
        return (self.folder / "socket").resolve()

    @property
    def dsn(self) -> str:
        """How to connect. The port is given because PGPORT would win over the default one."""
        password = _password(self.folder).read_text()
        return f"postgresql://kasparro:{password}@/kasparro?host={quote(str(self.socket))}&port={PORT}"


def locate(home: Path) -> Cluster:
    """The cluster of `home`, whose folder is made, still without data, where it is missing."""
    link = home / "postgres"
    account = accounts.choose(link / "data")
    if not link.exists():
        _settle(link, account)
    if not account.reaches(link.resolve()):
        raise ConfigurationError(
            f"{account}, who is to run PostgreSQL, cannot enter {link.resolve()}: "
            f"let others pass the folders above it (chmod o+x), or set KASPARRO_HOME to another folder"
        )
    return Cluster(link.resolve(), account)


async def prepare(cluster: Cluster, binaries: Binaries, lock: int) -> None:
    """Make the data folder where there is none, and a fresh folder for the socket; initdb holds `lock`."""
    if not cluster.data.exists():
        await _make_data(cluster, binaries, lock)
    if not _password(cluster.folder).exists():
        raise ConfigurationError(
            f"{_password(cluster.folder)} is missing: put it back, or run `just clean` to start anew"
        )
    # We hold the lock that a server of ours would hold, so this file is a dead one's. Left in place, it
    # prevents the start when its process id has been given to another process of the same user.
    (cluster.data / "postmaster.pid").unlink(missing_ok=True)
    _make_socket_folder(cluster)


def _settle(link: Path, account: Account) -> None:
    """Make the folder `link`, or a link of that name to a folder which `account` can enter."""
    link.unlink(missing_ok=True)
    if account.reaches(link.parent):
        link.mkdir()
    else:
        _ELSEWHERE.mkdir(exist_ok=True)
        _ELSEWHERE.chmod(0o711)
        # No name made of the path: a checkout that is moved away and one cloned in its place share no data.
        link.symlink_to(tempfile.mkdtemp(prefix=f"{link.parent.parent.name}-", dir=_ELSEWHERE))
    link.chmod(0o711)


async def _make_data(cluster: Cluster, binaries: Binaries, lock: int) -> None:
    """Run initdb in another folder, and rename it: a start that is killed leaves no half-made data folder."""
    half = cluster.folder / "data.new"
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(mode=0o700)
    _give(half, cluster.account)
    _write_password(cluster)
    arguments = (*_INITDB, f"--pwfile={_password(cluster.folder)}", f"--pgdata={half}")
    status, printed = await output(binaries.folder / "initdb", *arguments, account=cluster.account, pass_fds=(lock,))
    if status:
        raise ConfigurationError(f"the embedded PostgreSQL cannot be set up in {cluster.folder}: {printed}")
    half.rename(cluster.data)


def _write_password(cluster: Cluster) -> None:
    path = _password(cluster.folder)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(secrets.token_urlsafe(24))
    _give(path, cluster.account)


def _password(folder: Path) -> Path:
    return folder / "password"


def _make_socket_folder(cluster: Cluster) -> None:
    """Make the folder `socket`, or where its path cannot be an address, a link to a folder in /tmp."""
    link = cluster.folder / "socket"
    discard(link)
    if _is_address(link / f".s.PGSQL.{PORT}"):
        link.mkdir(mode=0o700)
    else:
        link.symlink_to(tempfile.mkdtemp(prefix="kasparro-", dir="/tmp"))  # not TMPDIR: it may be long as well
    _give(link, cluster.account)


def _is_address(socket: Path) -> bool:
    """Whether `socket` is short enough, and free of what a DSN or PostgreSQL reads as more than one path."""
    return len(os.fsencode(socket)) < _SOCKET_LIMIT and re.fullmatch(r"[\w/.+ -]+", str(socket), re.ASCII) is not None


def discard(folder: Path) -> None:
    """Delete `folder`; where it is a link, the folder that it names as well."""
    if folder.is_symlink():
        # One step of the link only: in /tmp anybody can put a link where a folder of ours was cleaned away.
        shutil.rmtree(folder.parent / folder.readlink(), ignore_errors=True)
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


def _give(path: Path, account: Account) -> None:
    if account != accounts.ourselves():
        os.chown(path, *account)
