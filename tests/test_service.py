"""The service as a process: it starts, is killed, starts again, is fed garbage, loses its database, stops."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from kasparro import app
from kasparro.metrics import Metrics
from kasparro.postgres import remove
from kasparro.sandbox import Sandbox, faults
from kasparro.sandbox.market import VendorName
from kasparro.settings import Settings
from kasparro.sources import options
from kasparro.store import runs
from kasparro.store.states import Due

from .serving import Service, eventually, fetch, serving, settled, upstreams


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(coins=1500, seed=3) as sandbox:
        yield sandbox


async def test_all_sources_come_in_at_the_first_start_and_say_that_they_are_simulated(
    tmp_path: Path, dsn: str, sandbox: Sandbox
) -> None:
    async with serving(tmp_path, **upstreams(sandbox, dsn)) as service:
        health = await service.until(settled)
        assert health["status"] == "healthy"
        assert health["simulated"] is True
        assert {name: state["records_processed"] for name, state in health["etl_status"].items()} == {
            "coingecko": 1500,
            "coinpaprika": 1500,
            "csv": 51,
        }
        status, page = await service.get("/data?source=coingecko&page_size=100")
        assert (status, page["total"], len(page["data"])) == (200, 1500, 100)
        code, log = await service.stop()
    assert code == 0
    lines = [json.loads(line) for line in log.splitlines()]
    assert all({"timestamp", "level", "component", "event"} <= line.keys() for line in lines)
    assert {line["source"] for line in lines if line["event"] == "run success"} == {"coingecko", "coinpaprika", "csv"}
    assert not [line for line in lines if line["level"] in {"error", "critical"}]


async def test_killed_in_mid_run_the_next_start_goes_on_behind_the_last_page(
    tmp_path: Path, dsn: str, sandbox: Sandbox
) -> None:
    environ = upstreams(sandbox, dsn, SOURCES="coingecko")
    sandbox.fail("coingecko", faults.Latency(60), on=lambda call: call.query["page"] == "4")

    async def three_pages() -> bool:
        return (await fetch(dsn, "SELECT count(*) AS n FROM raw"))[0]["n"] == 3

    async with serving(tmp_path, **environ) as service:
        await eventually(three_pages)
        code, _ = await service.stop(signal.SIGKILL)
        assert code == -signal.SIGKILL
    sandbox.heal()
    asked = len(sandbox.calls)
    async with serving(tmp_path, **environ) as service:
        await service.until(lambda health: health["etl_status"]["coingecko"]["last_run_status"] == "success")
    assert [call.query["page"] for call in sandbox.calls[asked:]] == ["4", "5", "6", "7"]
    runs = await fetch(dsn, "SELECT status, fetched, resumed_from IS NOT NULL AS resumed FROM etl_run ORDER BY run_id")
    assert [tuple(run) for run in runs] == [("abandoned", 750, False), ("success", 750, True)]
    (counts,) = await fetch(
        dsn,
        "SELECT (SELECT count(*) FROM unified_crypto) AS coins, "
        "(SELECT count(DISTINCT coin_id) FROM unified_crypto) AS ids, "
        "(SELECT count(*) FROM price_history) AS ticks, "
        "(SELECT count(*) FROM unified_crypto WHERE price_usd IS NOT NULL) AS priced",
    )
    assert counts["coins"] == counts["ids"] == 1500
    assert counts["ticks"] == counts["priced"]


async def test_stops_within_ten_seconds_in_mid_run(tmp_path: Path, dsn: str, sandbox: Sandbox) -> None:
    sandbox.fail("coinpaprika", faults.SlowDrip(pause=0.2, size=1000), times=None)
    async with serving(tmp_path, **upstreams(sandbox, dsn)) as service:
        await service.until(lambda health: health["etl_status"].get("coinpaprika", {})["last_run_status"] == "running")
        code, _ = await service.stop(signal.SIGINT)
    assert code == 0
    (run,) = await fetch(dsn, "SELECT status FROM etl_run WHERE source = 'coinpaprika'")
    assert run["status"] == "cancelled"


async def test_run_that_a_stop_has_left_open_is_closed_before_the_process_ends(tmp_path: Path, dsn: str) -> None:
    settings = Settings.load(options(), {"KASPARRO_HOME": str(tmp_path)}, dotenv=tmp_path / "none.env")
    async with app.workshop(settings, dsn, Metrics()) as shop, shop.pool.acquire() as conn:
        for owner in (shop.owner, "another"):
            await runs.start(conn, "coingecko", owner=owner, fence=1, due=Due(), resumed_from=None)
    found = await fetch(dsn, "SELECT status, finished_at IS NULL AS is_open FROM etl_run ORDER BY run_id")
    assert [tuple(run) for run in found] == [("cancelled", False), ("running", True)]


async def test_one_failing_source_delays_no_other_and_says_why(tmp_path: Path, dsn: str, sandbox: Sandbox) -> None:
    sandbox.fail("coinpaprika", faults.Latency(30), times=None)
    sandbox.fail("coingecko", faults.Unauthorized(), times=None)
    async with serving(tmp_path, **upstreams(sandbox, dsn, COINGECKO_API_KEY="wr0ng-key")) as service:
        health = await service.until(
            lambda health: (
                health["etl_status"].get("csv", {}).get("last_run_status") == "success"
                and health["etl_status"]["coingecko"]["last_run_status"] == "parked"
            )
        )
        assert health["status"] == "degraded"
        assert "COINGECKO_API_KEY" in health["etl_status"]["coingecko"]["reason"]
        assert health["etl_status"]["coingecko"]["next_run_at"]
        assert health["etl_status"]["coinpaprika"]["last_run_status"] == "running"
        _, log = await service.stop()
    assert "wr0ng-key" not in log
    assert "wr0ng-key" not in str(await fetch(dsn, "SELECT url, body FROM raw"))


@pytest.mark.parametrize(
    ("source", "fault", "status", "code"),
    [
        ("coingecko", faults.RateLimited(retry_after=600), "failed", 0),
        ("coinpaprika", faults.RateLimited(), "failed", 0),
        ("coinpaprika", faults.PaymentRequired(), "parked", 1),
    ],
    ids=repr,
)
async def test_vendor_that_does_not_want_to_be_asked_is_not_asked_again_after_a_restart(
    tmp_path: Path, dsn: str, sandbox: Sandbox, source: VendorName, fault: Any, status: str, code: int
) -> None:
    sandbox.fail(source, fault, times=None)
    environ = upstreams(sandbox, dsn, SOURCES=source)
    for _ in range(3):
        async with serving(tmp_path, **environ) as service:
            await service.until(lambda health: health["etl_status"][source]["last_run_status"] == status)
            await service.stop(signal.SIGKILL)
        async with serving(tmp_path, "ingest", **environ) as service:
            await service.process.communicate()
            assert service.process.returncode == code
    assert len(sandbox.calls) == 1


async def test_database_lost_and_found_again(tmp_path: Path, dsn: str, server: str, sandbox: Sandbox) -> None:
    name = urlsplit(dsn).path[1:]

    async def admit(allowed: bool) -> None:
        await fetch(server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS {str(allowed).lower()}")
        if not allowed:
            await fetch(
                server,
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",  # noqa: S608
            )

    async with serving(tmp_path, **upstreams(sandbox, dsn, COINPAPRIKA_INTERVAL="1")) as service:
        await service.until(settled)
        await admit(False)
        health = await service.until(lambda health: health["status"] == "unhealthy")
        assert (await service.get("/health"))[0] == 503
        assert "5499" not in str(health)
        assert (await service.get("/data"))[0] == 503
        await admit(True)
        runs = (await fetch(dsn, "SELECT max(run_id) AS last FROM etl_run WHERE source = 'coinpaprika'"))[0]["last"]
        await service.until(lambda health: health["status"] in {"healthy", "degraded"})

        async def runs_again() -> bool:
            last = await fetch(
                dsn, "SELECT max(run_id) AS last FROM etl_run WHERE source = 'coinpaprika' AND status = 'success'"
            )
            return bool(last[0]["last"] > runs)

        await eventually(runs_again)
        code, _ = await service.stop()
    assert code == 0


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        (
            {"DATABASE_URL": "postgresql://u:s3cret@127.0.0.1:9/x"},
            "DATABASE_URL: cannot connect: nothing answers there",
        ),
        (
            {"DATABASE_URL": "mysql://u:s3cret@127.0.0.1/x"},
            "DATABASE_URL: give an address such as postgresql://",
        ),
        ({"API_PORT": "many"}, "API_PORT: Input should be a valid integer"),
        ({"API_HOST": "no.such.host.invalid"}, "API_HOST: 'no.such.host.invalid' is no address of this machine"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
async def test_cannot_start_says_why_in_one_sentence(tmp_path: Path, environ: dict[str, str], sentence: str) -> None:
    async with serving(tmp_path, **environ) as service:
        async with asyncio.timeout(20):
            _, log = await service.process.communicate()
    assert service.process.returncode == 2
    assert log.decode().startswith(f"kasparro: {sentence}")
    assert len(log.decode().splitlines()) == 1
    assert "s3cret" not in log.decode()


async def test_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with serving(tmp_path, API_PORT=port) as service, asyncio.timeout(20):
            _, log = await service.process.communicate()
    assert service.process.returncode == 2
    assert f"API_PORT: cannot listen on 127.0.0.1:{port}: Address already in use" in log.decode()
    assert "Traceback" not in log.decode()


async def test_demo_says_simulated_and_keeps_its_data_apart(tmp_path: Path) -> None:
    async with serving(tmp_path, "demo", DATABASE_URL="postgresql://never:used@127.0.0.1:9/x") as service:
        health = await service.until(settled)
        assert health["simulated"] is True
        assert health["etl_status"]["coingecko"]["simulated"] is True
        assert health["etl_status"]["csv"]["simulated"] is False
        async with aiohttp.ClientSession(headers={"Accept": "text/html"}) as client, client.get(service.url) as answer:
            assert "simulated" in (await answer.text()).lower()
        await eventually(partial(_has_a_past, service))
        await service.stop()
    assert (tmp_path / ".kasparro" / "demo").is_dir()
    assert [path.name for path in (tmp_path / ".kasparro").iterdir()] == ["demo"]
    remove(tmp_path / ".kasparro" / "demo")


async def _has_a_past(service: Service) -> bool:
    _, history = await service.get("/coins/coingecko/solana/history?page_size=1000")
    return bool(history.get("next"))


async def test_two_processes_on_one_database_share_the_runs(tmp_path: Path, dsn: str, sandbox: Sandbox) -> None:
    environ = upstreams(sandbox, dsn, SOURCES="coinpaprika", COINPAPRIKA_INTERVAL="2")
    async with serving(tmp_path, **environ) as one, serving(tmp_path, **environ) as two:
        await one.until(settled)
        await two.until(settled)
        before = len(sandbox.calls)
        await asyncio.sleep(6)
        calls = len(sandbox.calls) - before
        await one.stop()
        await two.stop()
    assert 2 <= calls <= 4
    (overlap,) = await fetch(
        dsn,
        "SELECT count(*) AS n FROM etl_run a JOIN etl_run b ON a.run_id < b.run_id "
        "AND (a.started_at, a.finished_at) OVERLAPS (b.started_at, b.finished_at)",
    )
    assert overlap["n"] == 0


async def test_run_is_begun_and_ended_on_request(tmp_path: Path, dsn: str, sandbox: Sandbox) -> None:
    key = {"X-API-Key": "k3y"}
    environ = upstreams(sandbox, dsn, SOURCES="coingecko", ADMIN_API_KEY="k3y")
    async with serving(tmp_path, **environ) as service:
        await service.until(settled)
        sandbox.fail("coingecko", faults.Latency(60), on=lambda call: call.query["page"] == "3")
        status, begun = await service.post("/runs", {"source": "coingecko"}, **key)
        assert status == 202
        run_id = begun["run_id"]
        status, problem = await service.post("/runs", {"source": "coingecko"}, **key)
        assert (status, problem["run_id"]) == (409, run_id)

        async def two_pages() -> bool:
            return bool((await service.get(f"/runs/{run_id}"))[1]["pages"] == 2)

        await eventually(two_pages)
        assert (await service.post(f"/runs/{run_id}/cancel", **key))[0] == 202
        await service.until(lambda health: health["etl_status"]["coingecko"]["last_run_status"] != "running", 5)
        _, run = await service.get(f"/runs/{run_id}")
        assert (run["trigger"], run["status"], run["pages"], run["requests"]) == ("manual", "cancelled", 2, 3)
        assert (await service.post(f"/runs/{run_id}/cancel", **key))[0] == 409
        sandbox.heal()
        _, again = await service.post("/runs", {"source": "coingecko"}, **key)
        await service.until(lambda health: health["etl_status"]["coingecko"]["last_run_status"] == "success")
        assert (await service.get(f"/runs/{again['run_id']}"))[1]["resumed_from"] == run_id
        code, log = await service.stop()
    assert code == 0
    assert "k3y" not in log


async def test_process_alone_with_its_sources_leaves_those_of_others_be(
    tmp_path: Path, dsn: str, sandbox: Sandbox
) -> None:
    """Each retires what it does not run; whoever does run it takes no notice."""
    environ = upstreams(sandbox, dsn, COINPAPRIKA_INTERVAL="1")
    async with serving(tmp_path, **environ | {"SOURCES": "coinpaprika"}) as one:
        await one.until(settled)
        async with serving(tmp_path, **environ | {"SOURCES": "coingecko"}) as two:
            health = await two.until(
                lambda health: all(
                    state["enabled"] and state["last_run_status"] == "success"
                    for state in health["etl_status"].values()
                )
            )
            assert set(health["etl_status"]) == {"coinpaprika", "coingecko"}
            await two.stop()
        await one.stop()
