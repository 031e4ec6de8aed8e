"""How fast coins are answered: pages of `/assets`, with and without prices, one coin, and what it is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random

from . import many_assets
from .databases import Databases
from .load import Load, Wish, load
from .many_coins import api
from .report import Figure, Ratio
from .serving import CONNECTIONS, ROUNDS, SECONDS, lines

ASSETS = 12_000
_PATHS = 2_000
_PRICED = "/assets?limit=100&fields=asset_id,name,symbol,price"


async def measure(made: Databases) -> list[Figure]:
    """Requests a second and latencies of each kind of answer, in turns. None is kept: whoever links sees it at once."""
    wishes = {
        "GET /assets?limit=100, behind any asset": Wish([f"/assets?limit=100&after={each}" for each in _ids()]),
        "    the same with the price of each": Wish([f"{_PRICED}&after={each}" for each in _ids()]),
        "GET /assets/{asset_id}": Wish([f"/assets/{each}" for each in _ids()]),
        "GET /assets/{asset_id}/price": Wish([f"/assets/{each}/price" for each in _ids()]),
    }
    loads: dict[str, list[Load]] = {kind: [] for kind in wishes}
    with api(await many_assets.filled(made, ASSETS)) as server:
        for _ in range(ROUNDS):
            for kind, wish in wishes.items():
                loads[kind].append(await load(server, wish, connections=CONNECTIONS, seconds=SECONDS))
    return list(_figures({kind: max(found, key=lambda one: one.rate) for kind, found in loads.items()}))


def _ids() -> list[str]:
    return [f"simulated-coin-{number}" for number in Random(0).sample(range(1, ASSETS), _PATHS)]  # noqa: S311 - no secret


def _figures(best: Mapping[str, Load]) -> Iterator[Figure]:
    page = next(iter(best.values()))
    for kind, found in best.items():
        yield from lines(kind, found, "" if found is page else Ratio(found.rate / page.rate))
