"""The sandbox: one small HTTP server that plays CoinPaprika and CoinGecko over one simulated market."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Self

from aiohttp import web

from kasparro import __version__
from kasparro.sandbox.calls import Call
from kasparro.sandbox.catalogue import catalogue
from kasparro.sandbox.coingecko import CoinGecko
from kasparro.sandbox.coinpaprika import CoinPaprika
from kasparro.sandbox.control import Control
from kasparro.sandbox.exchange import Fault
from kasparro.sandbox.faults import Drift
from kasparro.sandbox.gate import Gate
from kasparro.sandbox.limit import PerMinute
from kasparro.sandbox.market import Market, VendorName
from kasparro.sandbox.script import Script
from kasparro.sandbox.vendor import Vendor

_PATIENCE = 0.1  # seconds that answers on their way get when the sandbox closes


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys the vendors know. They open nothing anywhere else."""

    coinpaprika: tuple[str, ...] = ("sandbox-coinpaprika-key",)
    coingecko_demo: tuple[str, ...] = ("CG-sandbox-demo-key",)
    coingecko_pro: tuple[str, ...] = ("CG-sandbox-pro-key",)


class Sandbox:
    """`async with Sandbox() as sandbox:` serves until the block ends.

    Every answer says `X-Kasparro-Simulated: 1`. Each vendor lists `coins` coins; `seed` decides them and all
    their moves. A tick moves the share `moving` of them: call `tick()`, or give `tick_every` in seconds.
    `free_cap` is how many coins CoinPaprika lists without a key (None: all). `per_minute` limits a vendor's
    requests, `drift` changes the shape of its records for good, `now` is the clock.
    """

    def __init__(
        self,
        *,
        coins: int = 1000,
        seed: int = 7,
        host: str = "127.0.0.1",
        port: int = 0,
        moving: float = 0.6,
        tick_every: float | None = None,
        free_cap: int | None = 2000,
        keys: Keys | None = None,
        per_minute: Mapping[VendorName, int] | None = None,
        drift: Mapping[VendorName, Drift] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        random = Random(seed)  # noqa: S311  # a market to play with; nothing here is secret
        self.market = Market(catalogue(coins, random), random=random, moving=moving, now=now)
        self.calls: list[Call] = []
        self._script = Script()
        self._limits = {vendor: PerMinute(most, now) for vendor, most in (per_minute or {}).items()}
        self._vendors = _vendors(self.market, keys or Keys(), free_cap)
        for vendor, shape in (drift or {}).items():
            self.fail(vendor, shape, times=None)
        self._host, self._port = host, port
        self._tick_every = tick_every
        self._open = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=_PATIENCE)
        async with contextlib.AsyncExitStack() as opening:
            opening.push_async_callback(runner.cleanup)
            await runner.setup()
            await web.TCPSite(runner, self._host, self._port).start()
            self._port = runner.addresses[0][1]
            if self._tick_every:
                opening.push_async_callback(_cancelled, asyncio.create_task(self._keep_ticking(self._tick_every)))
            self._open = opening.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    @property
    def coinpaprika_url(self) -> str:
        """What to set COINPAPRIKA_BASE_URL to."""
        return self._url("coinpaprika")

    @property
    def coingecko_url(self) -> str:
        """What to set COINGECKO_BASE_URL to."""
        return self._url("coingecko")

    @property
    def control_url(self) -> str:
        """Where faults and ticks are ordered over HTTP."""
        return f"http://{self._host}:{self._port}/control"

    def tick(self) -> int:
        """Move the market by one step; returns how many coins moved."""
        return self.market.tick()

    def fail(
        self,
        vendor: VendorName,
        fault: Fault,
        *,
        times: int | None = 1,
        on: Callable[[Call], bool] = lambda call: True,
    ) -> None:
        """Answer the next `times` calls of `vendor` that `on` accepts with `fault`; None is until `heal`."""
        self._script.fail(self._vendors[vendor].name, fault, times=times, on=on)

    def follow(self, vendor: VendorName, plan: Iterable[Fault]) -> None:
        """Answer the next calls of `vendor` with these faults, one each: a list, or what `plan.drawn` makes."""
        for fault in plan:
            self.fail(vendor, fault)

    def heal(self, vendor: VendorName | None = None) -> None:
        """Forget the faults of `vendor`, or all."""
        self._script.heal(vendor)

    def asked(self, vendor: VendorName, path: str | None = None) -> list[Call]:
        """The calls made to `vendor`, to `path` only if given."""
        return [call for call in self.calls if call.vendor == vendor and path in (None, call.path)]

    def _url(self, vendor: VendorName) -> str:
        return f"http://{self._host}:{self._port}{self._vendors[vendor].prefix}"

    def _application(self) -> web.Application:
        application = web.Application()
        application.on_response_prepare.append(_sign)
        for name, vendor in self._vendors.items():
            gate = Gate(vendor, calls=self.calls, script=self._script, limit=self._limits.get(name))
            application.add_subapp(vendor.prefix, gate.application())
        application.add_subapp("/control", Control(self).application())
        return application

    async def _keep_ticking(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            self.tick()


def _vendors(market: Market, keys: Keys, free_cap: int | None) -> dict[VendorName, Vendor]:
    return {
        "coinpaprika": CoinPaprika(market, keys=keys.coinpaprika, free_cap=free_cap),
        "coingecko": CoinGecko(market, demo_keys=keys.coingecko_demo, pro_keys=keys.coingecko_pro),
    }


async def _sign(_: web.Request, response: web.StreamResponse) -> None:
    """Nobody may take a simulated figure for a real one."""
    response.headers["X-Kasparro-Simulated"] = "1"
    response.headers["Server"] = f"kasparro-sandbox/{__version__}"


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
