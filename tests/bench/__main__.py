"""`just bench`: every figure next to the physical limit and to a peer, in one run on one machine.

`just bench csv serving` measures these sections only. `dlt` is measured where dlt is installed: `just bench-dlt`;
FastAPI next to our serving, where FastAPI is: `just bench-fastapi`. `huge` takes minutes, and is measured when named.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import assets, csv_file, export, identity, ingestion, keyset, large_file, meanwhile, ohlcv, peer, serving
from bench.databases import Databases, databases
from bench.report import Figure, show
from kasparro import log

SECTIONS: dict[str, tuple[str, Callable[[Databases], Awaitable[list[Figure]]]]] = {
    "ingestion": ("Ingestion", lambda made: ingestion.measure(made, port=8931)),
    "csv": ("CSV files", csv_file.measure),
    "large": ("A large CSV file", large_file.measure),
    "dlt": ("Next to dlt", lambda made: peer.measure(made, port=8932)),
    "serving": ("Serving", serving.measure),
    "meanwhile": ("Serving while an ingestion runs", meanwhile.measure),
    "keyset": ("Pages by cursor", lambda made: keyset.measure(made, keyset.SMALL, keyset.LARGE)),
    "huge": (
        "Pages by cursor of ten million",
        lambda made: keyset.measure(made, keyset.SMALL, keyset.LARGE, keyset.HUGE),
    ),
    "export": ("Exports", export.measure),
    "ohlcv": ("Candles", ohlcv.measure),
    "identity": ("Identity", identity.measure),
    "assets": ("Assets", assets.measure),
}


async def main(sections: list[str]) -> None:
    async with databases() as made:
        for section in sections:
            title, measure = SECTIONS[section]
            show(title, await measure(made))


usual = [section for section in SECTIONS if section != "huge" and (section != "dlt" or peer.is_there())]
chosen = sys.argv[1:] or usual
if unknown := [section for section in chosen if section not in SECTIONS]:
    print(f"bench: no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}", file=sys.stderr)
    sys.exit(2)
signal.signal(signal.SIGTERM, signal.default_int_handler)  # however it ends, it stops what it started
log.configure("ERROR", "text")
asyncio.run(main(chosen))
