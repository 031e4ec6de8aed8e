"""P12: keys and passwords are in no log, metric, run, raw page, reject or error, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from random import Random
from urllib.parse import urlsplit

from kasparro.sandbox import Keys, Sandbox, faults
from kasparro.sandbox.exchange import Fault
from kasparro.sandbox.market import VendorName
from kasparro.selftest.ground import Ground, Market
from kasparro.selftest.services import serving
from kasparro.selftest.verdict import Verdict
from kasparro.store.sql import statement

_TABLES = statement("selftest_tables")
_KEYS: dict[VendorName, str] = {"coinpaprika": "paprika-s3cret-key", "coingecko": "CG-s3cret-gecko-key"}
_ADMIN = "adm1n-s3cret"
_ASKED = ("/", "/health", "/metrics", "/runs?limit=100", "/runs/1", "/rejects", "/drift", "/stats", "/docs", "/data")
# What puts off the next try of a key that was refused.
_WAITS = ("verdict:BACK_OFF", "quota:PARKED", "waits:FIRST_RETRY")
_EAGER = {f"kasparro.ingest.{name}": 0.05 for name in _WAITS}


def _faults(key: str, elsewhere: Sandbox) -> Iterator[Fault]:
    """What vendors, networks and thieves may answer; most of it repeats the key."""
    yield faults.Unauthorized()
    yield faults.PaymentRequired()
    for status in (200, 400, 401, 403, 404, 429, 500):
        yield faults.Literal(status, {"Content-Type": "application/json"}, f'{{"error": "the key {key} is bad"}}')
        yield faults.Literal(status, {"Content-Type": "text/html"}, f"<html>{key}</html>")
    yield faults.Redirect(f"{elsewhere.coingecko_url}/coins/markets")
    yield faults.Redirect(f"{elsewhere.coingecko_url}/{key}?key={key}")
    yield faults.Reset()
    yield faults.Truncated()
    yield faults.Poison(every=5)


async def leaks(ground: Ground, random: Random, verdict: Verdict) -> None:
    """Every fault under real keys; then every place where words may end is searched for them."""
    secrets = [*_KEYS.values(), _ADMIN, str(urlsplit(ground.dsn).password)]
    ground.log.write_bytes(b"")
    keys = Keys((_KEYS["coinpaprika"],), (_KEYS["coingecko"],))
    async with Sandbox(coins=10) as elsewhere, ground.market(coins=60, keys=keys) as market:
        told = await _suffered(market, elsewhere, random)
        sent = {value for call in market.sandbox.calls for value in call.headers.values()}
    hits = [place for place, text in told.items() for secret in secrets if secret in text]
    verdict.count(places=len(told), hits=len(hits), calls_elsewhere=len(elsewhere.calls))
    verdict.expect(not hits, f"a secret is in {hits}")
    verdict.expect(not elsewhere.calls, f"{len(elsewhere.calls)} redirects followed")
    verdict.expect(set(_KEYS.values()) <= sent, "the keys were never sent: nothing is proved")


async def _suffered(market: Market, elsewhere: Sandbox, random: Random) -> dict[str, str]:
    """What was said while everything went wrong: the answers of the API, the tables, and the log."""
    environ = {f"{vendor.upper()}_API_KEY": key for vendor, key in _KEYS.items()}
    environ |= {"ADMIN_API_KEY": _ADMIN, "LOG_LEVEL": "DEBUG", "SOURCES": ",".join(_KEYS)}
    async with serving(market, interval=0.05, constants=_EAGER, **environ) as service:
        calls = {vendor: _script(market, elsewhere, vendor, random) for vendor in _KEYS}
        await service.until(
            f"the vendors are asked {calls} times",
            lambda: all(len(market.sandbox.asked(vendor)) >= wanted for vendor, wanted in calls.items()),
        )
        told = {path: (await service.get(path))[1].decode() for path in _ASKED}
        await service.stop()
    return told | await _tables(market.ground) | {"the log": market.ground.log.read_text()}


async def _tables(ground: Ground) -> dict[str, str]:
    """All that every table holds."""
    told = {}
    for row in await ground.fetch(_TABLES):
        held = BytesIO()
        async with ground.pool.acquire() as conn:
            await conn.copy_from_table(row["name"], output=held)
        told[f"the table {row['name']}"] = held.getvalue().decode()
    return told


def _script(market: Market, elsewhere: Sandbox, vendor: VendorName, random: Random) -> int:
    """Let a vendor give all these answers, and then an honest one; returns how often it has to be asked for that."""
    plan = list(_faults(_KEYS[vendor], elsewhere))
    market.sandbox.follow(vendor, random.sample(plan, len(plan)))
    return len(market.sandbox.asked(vendor)) + len(plan) + 1
