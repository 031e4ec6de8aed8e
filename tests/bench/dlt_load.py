"""What dlt needs to load a snapshot or a CSV file into one table of PostgreSQL, in a process of its own.

`dlt_load.py snapshot URL DSN`, `dlt_load.py csv FILE DSN` and `dlt_load.py arrow FILE DSN` print the seconds of the
load, Python's start left out. All merge on the key, as Kasparro does: a second load must not double what is there.
`csv` reads with dlt's own `read_csv`; `arrow` goes the way around dlt's rows, from pyarrow's tables to COPY.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

import dlt
import requests
from dlt.sources.filesystem import filesystem, read_csv
from pyarrow import csv

MERGE = {"disposition": "merge", "strategy": "upsert"}


@dlt.resource(name="snapshot", primary_key="id", write_disposition=MERGE)
def snapshot(url: str) -> Iterator[Any]:
    """All coins of the vendor, in one answer."""
    yield requests.get(url, timeout=60).json()


def rows(file: str) -> Any:
    """The rows of a CSV file."""
    path = Path(file)
    reading = filesystem(bucket_url=path.parent.as_uri(), file_glob=path.name) | read_csv()
    return reading.with_name("history").apply_hints(primary_key=("coin_id", "date"), write_disposition=MERGE)


@dlt.resource(name="history", primary_key=("coin_id", "date"), write_disposition=MERGE)
def tables(file: str) -> Iterator[Any]:
    """The rows of a CSV file as tables of pyarrow."""
    yield from csv.open_csv(file, csv.ReadOptions(block_size=4 << 20))


def load(resource: Any, dsn: str) -> float:
    """Seconds that the load takes."""
    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            "bench", destination=dlt.destinations.postgres(address(dsn)), dataset_name="peer", pipelines_dir=folder
        )
        started = time.perf_counter()
        pipeline.run(resource)
        return time.perf_counter() - started


def address(dsn: str) -> str:
    """The address with the socket's folder where dlt looks for a host."""
    parts = urlsplit(dsn)
    [host] = parse_qs(parts.query)["host"]
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[0] + "@" + quote(host, safe=""), query=""))


kind, place, database = sys.argv[1:]
print(load({"snapshot": snapshot, "csv": rows, "arrow": tables}[kind](place), database))
