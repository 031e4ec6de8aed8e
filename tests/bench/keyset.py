"""Pages by cursor, read anew each time: as fast in a large table as in a small one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from . import cursors
from .databases import Databases
from .load import Load, Wish, load
from .many_coins import api, filled
from .report import Figure, Most
from .serving import CONNECTIONS, ROUNDS, SECONDS, lines

SMALL, LARGE, HUGE = 10_000, 1_000_000, 10_000_000  # coins
_PATHS = 10_000  # more than are kept
_FLAT = 1.5  # times as long


async def measure(made: Databases, *sizes: int) -> list[Figure]:
    """Pages a second of tables of these sizes, in turns."""
    dsns = {coins: await filled(made, coins) for coins in sizes}
    loads: dict[int, list[Load]] = {coins: [] for coins in sizes}
    for _ in range(ROUNDS):
        for coins, dsn in dsns.items():
            with api(dsn) as server:
                wish = Wish(await cursors.paths(dsn, _PATHS))
                loads[coins].append(await load(server, wish, connections=CONNECTIONS, seconds=SECONDS))
    return list(_figures({coins: max(made, key=lambda one: one.rate) for coins, made in loads.items()}))


def _figures(best: Mapping[int, Load]) -> Iterator[Figure]:
    small = next(iter(best.values()))
    for coins, found in best.items():
        times = small.rate / found.rate
        against = "" if found is small else f"takes {times:.2f} times as long {Most(times, _FLAT)}"
        yield from lines(f"GET with a cursor, read anew, {coins:,} coins", found, against)
