"""The coin that somebody means by a name: an asset's, or its source's own."""

from __future__ import annotations

from difflib import get_close_matches

from kasparro.domain import Coin
from kasparro.errors import NotThere
from kasparro.store import backfills
from kasparro.store.pool import Connection


async def coin(conn: Connection, source: str, name: str) -> Coin:
    """The coin of a source; raises NotThere, with the nearest names, where there is none or it may be one of two."""
    found = set(await backfills.coins(conn, source, name))
    if len(found) > 1:
        raise NotThere(_doubt(source, name, found))
    if not found:
        near = get_close_matches(name, await backfills.names(conn, source), 3)
        hint = f"is {' or '.join(near)} meant?" if near else "GET /assets?q=... looks for one"
        raise NotThere(f"{source} lists no coin {name!r}; {hint}")
    return found.pop()


def _doubt(source: str, name: str, found: set[Coin]) -> str:
    [other] = (coin.coin_id for coin in found if coin.coin_id != name)
    return (
        f"{name!r} is an asset, in which {source} has {other!r}, and {source}'s own name for another coin: "
        f"say {other!r}, or name the asset of the other"
    )
