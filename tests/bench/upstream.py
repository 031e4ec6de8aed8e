"""The sandbox in a process of its own: a benchmark's upstream must not share its processor time."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Upstream:
    """Where the vendors are."""

    port: int

    @property
    def coinpaprika(self) -> str:
        return f"http://127.0.0.1:{self.port}/coinpaprika/v1"

    @property
    def coingecko(self) -> str:
        return f"http://127.0.0.1:{self.port}/coingecko/api/v3"

    @property
    def tickers_url(self) -> str:
        """Where all tickers of CoinPaprika are, in one answer."""
        return f"{self.coinpaprika}/tickers?quotes=USD"

    def tickers(self) -> bytes:
        """All tickers of CoinPaprika; the sandbox keeps them for the next who asks."""
        with urllib.request.urlopen(self.tickers_url) as answer:  # noqa: S310 - loopback
            body: bytes = answer.read()
            return body


@contextmanager
def upstream(coins: int, port: int, tick_every: float = 10.0) -> Iterator[Upstream]:
    """Both vendors with `coins` coins, which move every so many seconds."""
    command = [sys.executable, "-m", "kasparro.sandbox", "--coins", str(coins), "--port", str(port), "--all"]
    command += ["--tick-every", str(tick_every)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    try:
        yield _ready(Upstream(port))
    finally:
        process.terminate()
        process.wait(10)


def _ready(vendors: Upstream) -> Upstream:
    for _ in range(600):
        try:
            vendors.tickers()
        except OSError:
            time.sleep(0.1)
        else:
            return vendors
    raise TimeoutError("the sandbox did not start")
