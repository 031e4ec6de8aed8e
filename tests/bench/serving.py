"""How fast the service answers `/data`, next to aiohttp answering as many constant bytes."""

from __future__ import annotations

import asyncio
import json
import tempfile
import urllib.request
from pathlib import Path

import asyncpg

from . import market_file
from .databases import Databases
from .load import Load, load
from .process import free_port, serving
from .report import Figure, best, ratio

COINS = 20_000
PATH = "/data?page_size=100"
CONNECTIONS = 32
SECONDS = 3
ROUNDS = 3
_CONSTANT = str(Path(__file__).with_name("constant.py").resolve())


async def measure(made: Databases) -> list[Figure]:
    """Requests a second and latencies of both, each in a process of its own."""
    dsn, port, constant = await made.fresh(), free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="kasparro-bench-") as name:
        file = Path(name, "simulated-market.csv")
        market_file.write_market(file, COINS)
        environ = {"DATABASE_URL": dsn, "SOURCES": "csv", "CSV_PATH": str(file), "CSV_INTERVAL": "1d"}
        home = {"KASPARRO_HOME": ".kasparro", "API_PORT": str(port)}
        with serving(file.parent, _url(port), "-m", "kasparro", "serve", **environ, **home):
            size = await _settled(dsn, port)
            with serving(file.parent, _url(constant), _CONSTANT, str(constant), str(size)):
                ours, plain = await _rounds(port, constant)
    return [*_figures(f"aiohttp: {size:,} constant bytes", plain), *_figures(f"GET {PATH}", ours, plain)]


async def _rounds(port: int, constant: int) -> tuple[list[Load], list[Load]]:
    ours, plain = [], []
    for _ in range(ROUNDS):
        plain.append(await load(constant, PATH, connections=CONNECTIONS, seconds=SECONDS))
        ours.append(await load(port, PATH, connections=CONNECTIONS, seconds=SECONDS))
    return ours, plain


async def _settled(dsn: str, port: int) -> int:
    """How long an answer is, once the service holds all coins and the database has come to rest."""
    for _ in range(600):
        body = _answer(port)
        if json.loads(body)["total"] == COINS:
            break
        await asyncio.sleep(0.1)
    else:
        raise TimeoutError(f"the service does not hold {COINS:,} coins")
    conn = await asyncpg.connect(dsn)
    await conn.execute("VACUUM ANALYZE")
    await conn.execute("CHECKPOINT")
    await conn.close()
    return len(body)


def _answer(port: int) -> bytes:
    with urllib.request.urlopen(_url(port)) as answer:  # noqa: S310 - loopback
        body: bytes = answer.read()
        return body


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}{PATH}"


def _figures(what: str, loads: list[Load], others: list[Load] | None = None) -> list[Figure]:
    rates = [one.rate for one in loads]
    against = ratio(rates, [other.rate for other in others]) if others else ""
    return [
        Figure(f"{what}, {CONNECTIONS} connections", best(rates), "requests/s", against),
        Figure("    half of them within", min(one.p50 for one in loads), "ms"),
        Figure("    99 % of them within", min(one.p99 for one in loads), "ms"),
    ]
