"""The README's example of a source of your own is run as it stands there."""

from __future__ import annotations

import re
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import AliasPath, Field

from kasparro.domain import Request
from kasparro.ingest.pipeline import Pipeline
from kasparro.ingest.reader import reader
from kasparro.metrics import Metrics
from kasparro.resources import folder
from kasparro.settings import Rate, Settings, names
from kasparro.sources.base import ApiSource, Plan
from kasparro.sources.records import Amount, Moment, Text, TickerRecord
from kasparro.store import maintenance
from kasparro.store.pool import Pool

WORDS = {
    "AliasPath": AliasPath,
    "Amount": Amount,
    "ApiSource": ApiSource,
    "Field": Field,
    "Moment": Moment,
    "Plan": Plan,
    "Rate": Rate,
    "Request": Request,
    "Text": Text,
    "TickerRecord": TickerRecord,
}
COINS = [
    {"id": f"coin-{n}", "name": f"Coin {n}", "quote": {"usd": n / 8}, "time": "2026-01-01T00:00:00Z"} for n in range(7)
]


def example() -> type[ApiSource]:
    """The class in the README's Python block."""
    readme = (folder("sql").parent / "README.md").read_text()
    [code] = [block for block in re.findall(r"```python\n(.*?)```", readme, re.DOTALL) if "class Example" in block]
    known: dict[str, Any] = dict(WORDS)
    exec(compile(code, "README.md", "exec", dont_inherit=True), known)  # noqa: S102 - our own README
    source: type[ApiSource] = known["Example"]
    return source


async def pages(request: web.Request) -> web.Response:
    first = 3 * (int(request.query["page"]) - 1)
    return web.json_response(COINS[first : first + 3])


async def test_example_of_the_readme_brings_its_coins(pool: Pool, outbound: aiohttp.ClientSession) -> None:
    application = web.Application()
    application.router.add_get("/v2/coins", pages)
    source = example()()
    async with TestServer(application) as server, pool.acquire() as conn:
        await maintenance.prepare(conn, [source.name])
        options = source.options_type(base_url=str(server.make_url("/")), rate=Rate(1000, 1))
        summary = await Pipeline(reader(source, options, outbound, Metrics()), pool, Metrics(), "test").run("manual")
        prices = await conn.fetch("SELECT coin_id, price_usd FROM unified_crypto WHERE source = 'example'")
    assert (summary.status, summary.pages, summary.ledger.inserted) == ("success", 4, 7)
    assert {row["coin_id"]: float(row["price_usd"]) for row in prices} == {
        coin["id"]: coin["quote"]["usd"]
        for coin in COINS  # type: ignore[index] # a literal of this file
    }


def test_example_has_its_settings_without_an_edit_elsewhere() -> None:
    found = names(Settings.model_for({"example": example().options_type}))
    expected = ("INTERVAL", "RATE", "CREDITS", "API_KEY", "BASE_URL")
    assert {f"EXAMPLE_{name}" for name in expected} <= found.keys()
