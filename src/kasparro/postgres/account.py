"""The user who runs the server. PostgreSQL refuses to run as root, so root starts it as another user."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path
from typing import Any, NamedTuple

from kasparro.errors import ConfigurationError

_UNPRIVILEGED = ("postgres", "nobody")


class Account(NamedTuple):
    """A user of the operating system with its first group."""

    uid: int
    gid: int

    def __str__(self) -> str:
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return f"user {self.uid}"

    @property
    def identity(self) -> dict[str, Any]:
        """What makes `subprocess` start a child as this user; nothing where we are this user already."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def reaches(self, path: Path) -> bool:
        """Whether the mode bits let this user pass every folder above `path`, and enter or run it."""
        return all(self._passes(step.stat()) for step in (path, *path.parents))

    def _passes(self, status: os.stat_result) -> bool:
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        bit = stat.S_IXGRP if status.st_gid == self.gid else stat.S_IXOTH
        return bool(status.st_mode & bit)


def ourselves() -> Account:
    """Who we are."""
    return Account(os.geteuid(), os.getegid())


def owner(path: Path) -> Account:
    """Who owns `path`."""
    status = path.stat()
    return Account(status.st_uid, status.st_gid)


def choose(data: Path) -> Account:
    """Who is to run the server of `data`: we ourselves, or where we are root its owner, else a plain user."""
    if os.geteuid() != 0:
        return _ourselves(data)
    if not data.exists():
        return _unprivileged()
    if owner(data).uid == 0:
        raise ConfigurationError(
            f"{data} belongs to root, and PostgreSQL does not run as root: give it to another user"
        )
    return owner(data)


def _ourselves(data: Path) -> Account:
    account = ourselves()
    if data.exists() and owner(data).uid != account.uid:
        raise ConfigurationError(
            f"{data} belongs to {owner(data)}, not to {account}: run as {owner(data)}, "
            f"run `sudo chown -R {account} {data.parent}`, or set KASPARRO_HOME to another folder"
        )
    return account


def _unprivileged() -> Account:
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise ConfigurationError("PostgreSQL does not run as root: add a user `postgres`, or set DATABASE_URL to a server")
