"""P11: every digit arrives, in the database and at whoever asks the API."""

from __future__ import annotations

import json
from decimal import Decimal
from random import Random

from kasparro.sandbox import faults
from kasparro.selftest.ground import Ground
from kasparro.selftest.pages import coin, page
from kasparro.selftest.services import Running, serving
from kasparro.selftest.verdict import Verdict
from kasparro.store.sql import statement

_COINS_KEPT = statement("selftest_coins")
_COINS = 200
_FIELDS = {"current_price": "price_usd", "market_cap": "market_cap_usd", "total_volume": "volume_24h_usd"}


async def precision(ground: Ground, random: Random, verdict: Verdict) -> None:
    """Figures from 1e-18 to 1e18, of up to 30 digits, as PostgreSQL and as the API print them."""
    sent = {f"coin-{number}": {key: _figure(random) for key in _FIELDS} for number in range(_COINS)}
    records = [{**coin(number, "0", minute=1), **figures} for number, figures in enumerate(sent.values())]
    async with ground.market(coins=10) as market:
        market.sandbox.fail("coingecko", faults.Literal(body=page(records)), times=None)
        async with serving(market, SOURCES="coingecko", COINGECKO_PAGES="1") as service:
            await service.has_run({"coingecko": 1})
            served = await _served(service)
        rows = await ground.fetch(_COINS_KEPT)
    kept = {row["coin_id"]: [str(row[f"{field}_text"]) for field in _FIELDS.values()] for row in rows}
    for key, figures in sent.items():
        plain = [f"{Decimal(text):f}" for text in figures.values()]
        is_equal = kept.get(key) == served.get(key) == plain
        verdict.count(figures=len(_FIELDS), differing=not is_equal)
        verdict.expect(is_equal, f"{key}: {figures} kept as {kept.get(key)}, served as {served.get(key)}")


def _figure(random: Random) -> str:
    """The JSON text of a number of up to 30 digits between 1e-18 and 1e18."""
    digits = str(random.randrange(1, 10 ** random.randint(1, 30)))
    value = Decimal(digits).scaleb(random.randint(-18, 18) - len(digits) + 1)
    return random.choice([f"{value:f}", f"{value:e}"])


async def _served(service: Running) -> dict[str, list[str]]:
    """What GET /data says of every coin, digit by digit."""
    found: dict[str, list[str]] = {}
    for number in (1, 2):
        _, body = await service.get(f"/data?source=coingecko&page_size=100&page={number}")
        for row in json.loads(body, parse_float=str, parse_int=str)["data"]:
            found[row["coin_id"]] = [row[field] for field in _FIELDS.values()]
    return found
