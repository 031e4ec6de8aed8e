"""Plans are the same for the same seed, and the sandbox follows them call by call."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp import ClientSession

from kasparro.sandbox import Sandbox, faults, plan

MARKETS = "/coins/markets?vs_currency=usd&per_page=250"


async def ids(client: ClientSession, sandbox: Sandbox, *following: faults.Fault) -> list[str]:
    sandbox.follow("coingecko", following)
    async with client.get(sandbox.coingecko_url + MARKETS) as response:
        return [record["id"] for record in await response.json()]


def test_seed_decides_the_plan() -> None:
    assert plan.drawn(7) == plan.drawn(7) != plan.drawn(8)


def test_share_of_calls_goes_wrong() -> None:
    wrong = sum(not isinstance(fault, faults.Honest) for fault in plan.drawn(7, calls=1000, share=0.2))
    assert 150 < wrong < 250
    assert plan.drawn(7, calls=5, share=0) == [faults.Honest()] * 5


@pytest.mark.parametrize("kind", plan.KINDS)
def test_every_kind_can_be_drawn_alone(kind: str) -> None:
    assert {type(fault) for fault in plan.drawn(7, calls=20, share=1, kinds=[kind])} < set(faults.BY_NAME.values())


async def test_calls_meet_the_plan_in_its_order(sandbox: Sandbox, client: ClientSession) -> None:
    sandbox.follow("coingecko", plan.listed([["ServerError", {"status": 502}], "Honest", "Html"]))
    found = []
    for _ in range(4):
        async with client.get(sandbox.coingecko_url + MARKETS) as response:
            found.append((response.status, response.content_type))
    json = "application/json"
    assert found == [(502, json), (200, json), (200, "text/html"), (200, json)]


async def test_records_come_twice_or_in_another_order(sandbox: Sandbox, client: ClientSession) -> None:
    true = await ids(client, sandbox)
    assert await ids(client, sandbox, faults.Repeated(3)) == true + true[:3]
    shuffled = await ids(client, sandbox, faults.Shuffled(1))
    assert shuffled != true
    assert sorted(shuffled) == sorted(true)


async def test_stale_answer_is_the_one_before_the_market_moved(sandbox: Sandbox, client: ClientSession) -> None:
    async def body(*following: faults.Fault) -> bytes:
        sandbox.follow("coingecko", following)
        async with client.get(sandbox.coingecko_url + MARKETS) as response:
            return await response.read()

    before = await body(faults.Stale())
    sandbox.tick()
    assert await body(faults.Stale()) == before != await body()


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"vendor": "coingecko", "seed": 7, "calls": 2, "share": 1, "kinds": ["html"]}, 200),
        ({"vendor": "coingecko", "faults": ["Html", ["Latency", {"seconds": 0}]]}, 200),
        ({"vendor": "kraken", "seed": 7}, 400),
        ({"vendor": "coingecko", "faults": ["Earthquake"]}, 400),
        ({"vendor": "coingecko", "seed": 7, "kinds": ["earthquake"]}, 400),
    ],
)
async def test_plan_is_loaded_over_http(
    sandbox: Sandbox, client: ClientSession, wish: dict[str, object], status: int
) -> None:
    async with client.post(f"{sandbox.control_url}/plan", json=wish) as response:
        assert response.status == status
        if status == 200:
            assert len((await response.json())["faults"]) == 2


async def test_harmless_kinds_change_nothing_that_arrives(sandbox: Sandbox, client: ClientSession) -> None:
    true = sorted(await ids(client, sandbox))
    sandbox.follow("coingecko", plan.drawn(7, calls=30, share=1, kinds=plan.HARMLESS))
    arrived = []
    for _ in range(30):
        try:
            async with client.get(sandbox.coingecko_url + MARKETS) as response:
                if response.status == 200:
                    arrived.append(sorted(record["id"] for record in await response.json()))
        except (aiohttp.ClientError, ValueError):
            continue
    assert arrived == [true] * len(arrived) != []
