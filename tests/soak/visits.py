"""What honest clients do: each visit is a few requests, and all of them have to be answered as they should be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping
from random import Random
from typing import Any, NamedTuple
from urllib.parse import urlencode

import aiohttp

from .tally import Tally

ADMIN_KEY = "soak"
_NONE: Mapping[str, str] = {}
_OVERVIEWS = (
    "/", "/docs", "/openapi.json", "/sources", "/stats", "/quota", "/runs?limit=100", "/runs/1", "/drift", "/rejects",
    "/runs/compare?source=coingecko", "/health", "/health/live", "/health/ready", "/metrics",
)  # fmt: skip
_SORTS = ("rank", "-market_cap_usd", "name", "-price_usd,name", "-updated_at", "symbol,-volume_24h_usd")
_WORDS = ("bit", "coin", "sim", "a", "e", "10")
_SOURCES = ("coinpaprika", "coingecko", "csv")
_MISTAKES = {"/nothing": 404, "/data?pagesize=1": 400, "/data?cursor=x": 400, "/runs/999999999": 404}


class Answer(NamedTuple):
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Visitor:
    """A client of one kind."""

    def __init__(self, kind: str, url: str, http: aiohttp.ClientSession, random: Random, tally: Tally) -> None:
        self.kind, self.url, self.random, self.tally = kind, url, random, tally
        self._http = http

    async def ask(
        self, path: str, expected: Collection[int] = (200,), headers: Mapping[str, str] = _NONE, **more: Any
    ) -> Answer:
        """The whole answer to a GET, or to a POST of `json`; its status is noted."""
        method = "POST" if "json" in more else "GET"
        async with self._http.request(method, self.url + path, headers=headers, **more) as response:
            answer = Answer(response.status, response.headers, await response.read())
        self.tally.answered(
            self.kind,
            path,
            answer.status,
            is_deliberate="Retry-After" in answer.headers
            and answer.headers["Content-Type"] == "application/problem+json",
            is_expected=answer.status in expected,
        )
        return answer


async def kept(visitor: Visitor) -> None:
    """The page that everybody asks for, and then whether it has changed."""
    answer = await visitor.ask("/data?page_size=100")
    if etag := answer.headers.get("ETag"):
        await visitor.ask("/data?page_size=100", (200, 304), {"If-None-Match": etag})


async def anew(visitor: Visitor) -> None:
    """A page that hardly anybody asks for."""
    chance = visitor.random
    query = {"page": chance.randint(1, 20), "page_size": chance.choice((1, 20, 100)), "sort": chance.choice(_SORTS)}
    if chance.random() < 0.5:
        query |= {"q": chance.choice(_WORDS), "rank_lte": chance.randint(100, 10_000)}
    await visitor.ask(f"/data?{urlencode(query)}", headers={"Accept-Encoding": chance.choice(("gzip", "identity"))})


async def walk(visitor: Visitor) -> None:
    """By cursor through all coins of a source, by name, which does not change: none may come twice."""
    path = f"/data?{urlencode({'source': visitor.random.choice(_SOURCES[:2]), 'page_size': 100, 'sort': 'name'})}"
    seen: list[str] = []
    while path:
        answer = await visitor.ask(path)
        if answer.status != 200:
            return
        page = answer.json()
        seen += [coin["coin_id"] for coin in page["data"]]
        path = page["next"]
    assert len(seen) == len(set(seen)), f"of {len(seen)} coins {len(seen) - len(set(seen))} came twice"


async def assets(visitor: Visitor) -> None:
    """A page of assets, one of them, and its price."""
    query = {"q": visitor.random.choice(_WORDS), "limit": 20}
    answer = await visitor.ask(f"/assets?{urlencode(query)}")
    if answer.status == 200 and (found := answer.json()["data"]):
        asset_id = visitor.random.choice(found)["asset_id"]
        await visitor.ask(f"/assets/{asset_id}")
        await visitor.ask(f"/assets/{asset_id}/price")


async def coin(visitor: Visitor) -> None:
    """A coin, the record that it came from, and its history to the first page's end."""
    query = {"source": visitor.random.choice(_SOURCES[:2]), "page": visitor.random.randint(1, 100), "page_size": 1}
    answer = await visitor.ask(f"/data?{urlencode(query)}")
    for found in answer.json()["data"] if answer.status == 200 else ():
        path = f"/coins/{found['source']}/{found['coin_id']}"
        for part in ("", "/raw", "/history?page_size=100"):
            await visitor.ask(path + part)


async def overview(visitor: Visitor) -> None:
    """How things are, as people and machines look at it."""
    path = visitor.random.choice((*_OVERVIEWS, f"/runs/compare?source={visitor.random.choice(_SOURCES[:2])}"))
    await visitor.ask(
        path, (200, 404, 409), {"Accept": visitor.random.choice(("text/html", "application/json", "*/*"))}
    )


async def export(visitor: Visitor) -> None:
    """All coins at once, to the last row."""
    form = visitor.random.choice(("csv", "ndjson"))
    answer = await visitor.ask(f"/data?format={form}")
    assert answer.status == 503 or answer.body.endswith(b"\n"), "an export ends in the middle of a row"


async def mistake(visitor: Visitor) -> None:
    """What is refused."""
    path, status = visitor.random.choice(list(_MISTAKES.items()))
    await visitor.ask(path, (status,))


async def order(visitor: Visitor) -> None:
    """A run now; most find one under way, and the pace of a visitor is the pace of its runs."""
    wish = {"source": visitor.random.choice(_SOURCES)}
    await visitor.ask("/runs", (202, 409), {"X-API-Key": ADMIN_KEY}, json=wish)
    await asyncio.sleep(1)
