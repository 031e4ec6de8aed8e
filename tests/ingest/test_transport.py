"""The way out: pace, retries, limits, keys."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from aiolimiter import AsyncLimiter

from kasparro.domain import Request
from kasparro.errors import Malformed, PlanLimit, RateLimited, Refused, Unauthorized, Unavailable
from kasparro.ingest.transport import ATTEMPTS, PATIENCE, Transport, limiter
from kasparro.ingest.verdict import BACK_OFF
from kasparro.metrics import Metrics
from kasparro.sandbox import Sandbox, faults
from kasparro.settings import Rate

PAGE = Request("/coins/markets", {"vs_currency": "usd"})


@pytest.fixture
async def transport(sandbox: Sandbox, outbound: aiohttp.ClientSession) -> Transport:
    return Transport("coingecko", sandbox.coingecko_url, outbound, limiter(Rate(1000, 1)), Metrics())


async def test_answer_is_the_whole_body(transport: Transport) -> None:
    response = await transport.send(PAGE)
    assert response.status == 200
    assert response.body.startswith(b"[")
    assert (transport.traffic.requests, transport.traffic.retries) == (1, 0)


@pytest.mark.parametrize(
    "fault",
    [
        faults.ServerError(503),
        faults.RateLimited(retry_after=2),
        faults.Truncated(),
        faults.Reset(),
    ],
    ids=repr,
)
async def test_passing_fault_is_retried(
    transport: Transport, sandbox: Sandbox, fault: Any, no_waiting: list[float]
) -> None:
    sandbox.fail("coingecko", fault, times=2)
    assert (await transport.send(PAGE)).status == 200
    assert (transport.traffic.requests, transport.traffic.retries) == (3, 2)


async def test_retry_after_is_kept_to_the_second(
    transport: Transport, sandbox: Sandbox, no_waiting: list[float]
) -> None:
    sandbox.fail("coingecko", faults.RateLimited(retry_after=7))
    await transport.send(PAGE)
    assert no_waiting == [7.0]


@pytest.mark.parametrize("fault", [faults.RateLimited(), faults.RateLimited(html=True), faults.Envelope()], ids=repr)
async def test_rate_limit_that_names_no_wait_ends_the_run_at_once(
    transport: Transport, sandbox: Sandbox, fault: Any, no_waiting: list[float]
) -> None:
    sandbox.fail("coingecko", fault)
    with pytest.raises(RateLimited) as caught:
        await transport.send(PAGE)
    assert (caught.value.retry_after, len(sandbox.calls), no_waiting) == (BACK_OFF, 1, [])


async def test_retry_after_beyond_patience_ends_the_run_at_once(
    transport: Transport, sandbox: Sandbox, no_waiting: list[float]
) -> None:
    sandbox.fail("coingecko", faults.RateLimited(retry_after=int(PATIENCE) + 1))
    with pytest.raises(RateLimited) as caught:
        await transport.send(PAGE)
    assert (caught.value.retry_after, len(sandbox.calls)) == (PATIENCE + 1, 1)


async def test_lasting_fault_is_given_up(transport: Transport, sandbox: Sandbox, no_waiting: list[float]) -> None:
    sandbox.fail("coingecko", faults.ServerError(500), times=None)
    with pytest.raises(Unavailable):
        await transport.send(PAGE)
    assert len(sandbox.calls) == ATTEMPTS
    assert len(no_waiting) == ATTEMPTS - 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.Unauthorized(), Unauthorized),
        (faults.PaymentRequired(), PlanLimit),
        (faults.Html(), Malformed),
        (faults.Redirect("http://127.0.0.1:1/steal"), Refused),
    ],
    ids=repr,
)
async def test_final_fault_is_not_retried(
    transport: Transport, sandbox: Sandbox, fault: Any, error: type[Exception]
) -> None:
    sandbox.fail("coingecko", fault, times=None)
    with pytest.raises(error):
        await transport.send(PAGE)
    assert len(sandbox.calls) == 1


async def test_bomb_is_cut_off(transport: Transport, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kasparro.ingest.transport.LARGEST", 2**20)
    sandbox.fail("coingecko", faults.GzipBomb(megabytes=20))
    with pytest.raises(Malformed, match="larger than 1 MiB"):
        await transport.send(PAGE)


async def test_vendor_that_is_away_is_named_with_its_address(
    outbound: aiohttp.ClientSession, no_waiting: list[float]
) -> None:
    transport = Transport("coingecko", "http://127.0.0.1:9", outbound, limiter(Rate(1000, 1)), Metrics())
    with pytest.raises(Unavailable, match=r"cannot reach http://127.0.0.1:9 \(Connection refused\)"):
        await transport.send(PAGE)


@pytest.mark.parametrize(
    "rate", [Rate(1, 1), Rate(2, 1), Rate(3, 10), Rate(10, 60), Rate(30, 60), Rate(500, 60)], ids=str
)
def test_no_window_ever_sees_more_than_the_rate(rate: Rate) -> None:
    pace = limiter(rate)
    sent = _send_times(pace, 3 * rate.requests + 2)
    for first in sent:
        assert sum(first <= other < first + rate.seconds - 1e-6 for other in sent) <= rate.requests


def _send_times(pace: AsyncLimiter, count: int) -> list[float]:
    """When a leaky bucket of this size and leak would let requests through that never pause, by arithmetic."""
    level, now, times = 0.0, 0.0, []
    leak = pace.max_rate / pace.time_period
    for _ in range(count):
        wait = max(0.0, (level + 1 - pace.max_rate) / leak)
        now, level = now + wait, max(0.0, level - wait * leak) + 1
        times.append(now)
    return times


async def test_pace_is_kept_for_real(sandbox: Sandbox, outbound: aiohttp.ClientSession) -> None:
    transport = Transport("coingecko", sandbox.coingecko_url, outbound, limiter(Rate(4, 0.4)), Metrics())
    await asyncio.gather(*(transport.send(PAGE) for _ in range(9)))
    times = sorted(call.at for call in sandbox.calls)
    assert max(sum(first <= other < first + 0.38 for other in times) for first in times) <= 4
    assert transport.traffic.waited > 0
