"""How fast the service answers `/data`, next to aiohttp answering constant bytes, and to FastAPI where it is there."""

from __future__ import annotations

import asyncio
import json
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from . import cursors, market_file
from .databases import Databases
from .load import Load, Wish, load
from .process import Server, free_port, serving
from .report import Figure, Ratio

COINS = 20_000
PATH = "/data?page_size=100"
CONNECTIONS = 64
SECONDS = 2
ROUNDS = 3
_CONSTANT = str(Path(__file__).with_name("constant.py").resolve())
_FASTAPI = str(Path(__file__).with_name("fastapi_serve.py").resolve())


async def measure(made: Databases) -> list[Figure]:
    """Requests a second and latencies of each kind of answer, each server in a process of its own, in turns."""
    dsn, port = await made.fresh(), free_port()
    with tempfile.TemporaryDirectory(prefix="kasparro-bench-") as name, ExitStack() as stack:
        file = Path(name, "simulated-market.csv")
        market_file.write_market(file, COINS)
        environ = {"DATABASE_URL": dsn, "SOURCES": "csv", "CSV_PATH": str(file), "CSV_INTERVAL": "1d"}
        home = {"KASPARRO_HOME": ".kasparro", "API_PORT": str(port)}
        arguments = ("-m", "kasparro", "serve")
        ours = stack.enter_context(serving(file.parent, port, PATH, *arguments, **environ, **home))
        body, etag = await _settled(dsn, ours)
        kinds = {
            "constant": (_constant(file.parent, len(body), stack), Wish([PATH])),
            "cached": (ours, Wish([PATH])),
            "unchanged": (ours, Wish([PATH], 304, {"If-None-Match": etag})),
            "keyset": (ours, Wish(await cursors.paths(dsn, COINS))),
        }
        kinds["bare"] = (kinds["constant"][0], Wish(["/unchanged"], 304))
        if find_spec("fastapi"):
            peer = free_port()
            kinds["fastapi"] = (
                stack.enter_context(serving(file.parent, peer, PATH, _FASTAPI, str(peer), dsn)),
                Wish([PATH]),
            )
        return list(_figures(await _rounds(kinds), len(body)))


def _constant(folder: Path, size: int, stack: ExitStack) -> Server:
    port = free_port()
    return stack.enter_context(serving(folder, port, PATH, _CONSTANT, str(port), str(size)))


async def _rounds(kinds: Mapping[str, tuple[Server, Wish]]) -> dict[str, Load]:
    """The best load of each kind."""
    loads: dict[str, list[Load]] = {kind: [] for kind in kinds}
    for _ in range(ROUNDS):
        for kind, (server, wish) in kinds.items():
            loads[kind].append(await load(server, wish, connections=CONNECTIONS, seconds=SECONDS))
    return {kind: max(made, key=lambda one: one.rate) for kind, made in loads.items()}


async def _settled(dsn: str, server: Server) -> tuple[bytes, str]:
    """An answer and its ETag, once the service holds all coins and the database has come to rest."""
    for _ in range(600):
        if json.loads(_answer(server)[0])["total"] == COINS:
            break
        await asyncio.sleep(0.1)
    else:
        raise TimeoutError(f"the service does not hold {COINS:,} coins")
    await resolved(dsn, COINS)
    return _answer(server)


async def resolved(dsn: str, coins: int) -> None:
    """Until every listing is in an asset: from then on nothing is written."""
    conn = await asyncpg.connect(dsn)
    for _ in range(600):
        if await conn.fetchval("SELECT count(*) FROM asset_source") == coins:
            break
        await asyncio.sleep(0.1)
    else:
        raise TimeoutError(f"the service does not place {coins:,} listings")
    await conn.execute("VACUUM ANALYZE")
    await conn.execute("CHECKPOINT")
    await conn.close()


def _answer(server: Server) -> tuple[bytes, str]:
    with urllib.request.urlopen(server.url(PATH)) as answer:  # noqa: S310 - loopback
        return answer.read(), answer.headers["ETag"]


def _figures(best: Mapping[str, Load], size: int) -> Iterator[Figure]:
    constant, cached = best["constant"].rate, best["cached"].rate
    unchanged, bare = best["unchanged"].rate, best["bare"].rate
    yield from lines(f"aiohttp: {size:,} constant bytes", best["constant"])
    yield from lines(f"GET {PATH}, kept", best["cached"], Ratio(cached / constant, 0.8))
    yield from lines("aiohttp: a bare 304", best["bare"])
    what = "GET with If-None-Match: 304"
    yield from lines(
        what, best["unchanged"], f"{Ratio(unchanged / constant, 0.9)}; {unchanged / bare:.2f} of bare 304s"
    )
    yield from lines("GET with a cursor, read anew", best["keyset"], Ratio(best["keyset"].rate / constant))
    if peer := best.get("fastapi"):
        yield from lines(
            "FastAPI and SQLAlchemy: the same page", peer, f"kept is {Ratio(cached / peer.rate, 20)} times it"
        )


def lines(what: str, found: Load, against: Ratio | str = "") -> Iterator[Figure]:
    """Two lines for what was found."""
    busy = ", ".join(f"{name} {part:.0%}" for name, part in found.busy.items() if part >= 0.01)
    yield Figure(what, found.rate, "requests/s", against)
    yield Figure("    99 % within", found.p99, "ms", f"half {found.p50:.1f}, 99.9 % {found.p999:.1f}; busy: {busy}")
