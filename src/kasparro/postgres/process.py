"""Starting PostgreSQL's programs as children of ours that end when we do, even when we are killed."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT
from typing import Any

from kasparro.postgres.account import Account

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_libc = ctypes.CDLL(None)


async def spawn(program: Path, *arguments: str, account: Account, **options: Any) -> asyncio.subprocess.Process:
    """Start `program` as `account` in a session of its own; `options` as for `subprocess.Popen`.

    The environment stays behind: it holds our keys, and maybe variables such as PGPORT that steer a server.
    """
    return await asyncio.create_subprocess_exec(
        program,
        *arguments,
        stdin=DEVNULL,
        cwd="/",
        env={"LC_ALL": "C"},
        start_new_session=True,
        preexec_fn=_ends_with_us(),
        **account.identity,
        **options,
    )


async def output(program: Path, *arguments: str, account: Account, **options: Any) -> tuple[int, str]:
    """Run `program` to its end: its exit status, and all that it printed."""
    process = await spawn(program, *arguments, account=account, stdout=PIPE, stderr=STDOUT, **options)
    printed, _ = await process.communicate()
    return process.returncode or 0, printed.decode(errors="replace").strip()


def _ends_with_us() -> Callable[[], None] | None:
    """What a child runs just before its program, where the kernel can end it when we die, even by SIGKILL."""
    return partial(_ask_for_signal, os.getpid()) if sys.platform == "linux" else None


def _ask_for_signal(parent: int) -> None:
    # subprocess calls this after the change of user, which would clear the setting.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != parent:
        os._exit(1)
