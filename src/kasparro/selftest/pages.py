"""Pages of CoinGecko's made by hand, token by token: what no JSON writer would write can stand in them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from kasparro.app import Workshop
from kasparro.ingest.scheduler import NotRun
from kasparro.sandbox import faults
from kasparro.selftest.ground import Market

Record = Mapping[str, str]
"""Key -> the text of its value."""

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def at(minute: int | None) -> datetime | None:
    """The minute of the year at which a source has seen a coin, if it says so."""
    return None if minute is None else _EPOCH + timedelta(minutes=minute)


def coin(number: int, price: str, *, minute: int | None, **more: str) -> Record:
    """A record of a coin, seen at that minute."""
    seen = at(minute)
    named = {"id": f'"coin-{number}"', "symbol": f'"c{number}"', "name": f'"Coin {number}"'}
    return {**named, "current_price": price, "last_updated": f'"{seen.isoformat()}"' if seen else "null", **more}


def page(records: Iterable[Record]) -> bytes:
    """A page of these records."""
    texts = ("{" + ",".join(f"{json.dumps(key)}:{text}" for key, text in record.items()) + "}" for record in records)
    return f"[{','.join(texts)}]".encode("utf-8", "surrogatepass")


async def deliver(market: Market, shop: Workshop, body: bytes) -> None:
    """A run of CoinGecko that gets this page; while another replica is at it, it is tried again."""
    market.sandbox.fail("coingecko", faults.Literal(body=body))
    while isinstance(result := await shop.schedule("coingecko").once(), NotRun):
        if result.status != "busy":
            raise RuntimeError(result.error)
        await asyncio.sleep(0.002)
