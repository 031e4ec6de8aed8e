"""A file as large as people's histories are, in the seed's layout: simulated, and the same in every run."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

FIRST_DAY = date(2023, 1, 1)
COLUMNS = ("coin_id", "name", "symbol", "source_updated_at", "price_usd", "market_cap_usd", "volume_24h_usd")
"""Our names for its columns."""


def write_history(path: Path, coins: int, days: int) -> None:
    """One coin after the other, a row for each day."""
    chance = random.Random(1)  # noqa: S311 - no secret is made of it
    dates = [f"{FIRST_DAY + timedelta(days=day)}" for day in range(days)]
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("coin_id,name,symbol,date,price,market_cap,volume\n")
        for number in range(1, coins + 1):
            coin = f"simulated-coin-{number},Simulated Coin {number},SIM{number}"
            rows = zip(dates, _figures(chance), strict=False)
            file.writelines(f"{coin},{day},{figures}\n" for day, figures in rows)


def write_market(path: Path, coins: int) -> None:
    """All coins as they are now, the largest first."""
    chance = random.Random(2)  # noqa: S311 - no secret is made of it
    now = datetime.now(UTC).replace(microsecond=0).isoformat()
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("coin_id,name,symbol,rank,date,price,market_cap,volume\n")
        for number in range(1, coins + 1):
            coin = f"simulated-coin-{number},Simulated Coin {number},SIM{number},{number}"
            file.write(f"{coin},{now},{next(_figures(chance))}\n")


def months(days: int) -> list[date]:
    """The first day of each month that the history has rows of."""
    return sorted({(FIRST_DAY + timedelta(days=day)).replace(day=1) for day in range(days)})


def _figures(chance: random.Random) -> Iterator[str]:
    """Price, market cap and volume from day to day, with the digits that vendors give: ten of a price, cents."""
    price, market_cap = 10 ** chance.uniform(-6, 4), 10 ** chance.uniform(5, 11)
    while True:
        decimals = 9 - math.floor(math.log10(price))
        yield f"{price:.{decimals}f},{market_cap:.2f},{market_cap * chance.uniform(0.01, 0.2):.2f}"
        change = math.exp(chance.gauss(0, 0.04))
        price, market_cap = price * change, market_cap * change
