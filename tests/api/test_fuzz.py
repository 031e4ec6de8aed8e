"""schemathesis finds no fault with the live service: what it says of itself is what it does, whatever it is asked.

A little of it here, always the same; `just fuzz` goes on at length, elsewhere each time.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from kasparro.api import orders

FOLDER = Path(__file__).parent.parent / "fuzz"
LENGTH = os.environ.get("FUZZ_EXAMPLES")


@pytest.mark.timeout(7200 if LENGTH else 120)
@pytest.mark.usefixtures("filled")
async def test_schemathesis_finds_no_fault(
    pool: Any, app_on: Any, serve: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(orders, "_PATIENCE", 0.05)  # nobody takes runs up
    port = await serve(app_on(pool, ADMIN_API_KEY="boss"))
    schemathesis = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("schemathesis"),
        f"--config-file={FOLDER / 'schemathesis.toml'}",
        "run",
        f"http://127.0.0.1:{port}/openapi.json",
        *(["--max-examples", LENGTH] if LENGTH else ["--max-examples", "2", "--generation-deterministic"]),
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(FOLDER)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await schemathesis.communicate()
    print(said.decode())
    assert schemathesis.returncode == 0, said.decode()
