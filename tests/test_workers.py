"""Several processes on one port: all are counted, one that dies comes back, and none outlives the service."""

from __future__ import annotations

import asyncio
import re
import signal
from pathlib import Path

import aiohttp
import psutil

from kasparro.metrics.text import merged

from .serving import Service, eventually, serving, settled
from .test_metrics import check

NAMES = ["ingestion", "1", "2"]


def workers(service: Service) -> dict[str, psutil.Process]:
    """The processes that serve, by their number."""
    found = psutil.Process(service.process.pid).children()
    return {line[-2]: child for child in found if "worker" in (line := child.cmdline())}


async def metrics(service: Service) -> str:
    async with aiohttp.ClientSession() as client, client.get(f"{service.url}/metrics") as answer:
        return await answer.text()


async def answering(service: Service) -> dict[str, str]:
    """Worker -> whether it answers, as whoever is scraped says."""
    return dict(re.findall(r'^kasparro_worker_up\{worker="(\w+)"\} ([01])$', await metrics(service), re.MULTILINE))


async def all_answer(service: Service) -> bool:
    try:
        return list((await answering(service)).items()) == [(name, "1") for name in NAMES]
    except aiohttp.ClientError:
        return False  # none listens yet, or the one that was asked has just been killed


def counted(text: str) -> dict[str, int]:
    """Worker -> how often /health/live was asked for there."""
    pattern = r'^api_requests_total\{worker="(\w+)",method="GET",route="/health/live",status="200"\} (\d+)$'
    return {worker: int(count) for worker, count in re.findall(pattern, text, re.MULTILINE)}


async def test_all_are_counted_and_one_that_dies_comes_back(tmp_path: Path, dsn: str) -> None:
    async with serving(tmp_path, DATABASE_URL=dsn, SOURCES="csv", API_WORKERS="2") as service:
        await eventually(lambda: all_answer(service))
        assert (await service.until(settled))["workers"] == 2
        for _ in range(50):
            assert (await service.get("/health/live"))[0] == 200
        told = [await metrics(service) for _ in range(10)]
        assert [counted(text).keys() for text in told] == [{"1", "2"}] * 10
        assert [sum(counted(text).values()) for text in told] == [50] * 10
        assert 'kasparro_etl_runs_total{worker="ingestion",source="csv",status="success"} 1' in told[0]
        check(told[0].encode())

        before = workers(service)
        before["1"].kill()
        await eventually(lambda: is_another(service, before["1"].pid))
        await eventually(lambda: all_answer(service))
        assert workers(service)["2"].pid == before["2"].pid
        assert (await service.get("/data"))[1]["total"] > 0
        left = [child.pid for child in workers(service).values()]
        code, log = await service.stop()
    assert code == 0
    assert "a worker has ended; starting it again" in log
    assert "was killed" not in log
    assert not any(map(psutil.pid_exists, left))


async def is_another(service: Service, pid: int) -> bool:
    first = workers(service).get("1")
    return first is not None and first.pid != pid


async def test_none_outlives_the_first_process_and_nobody_else_gets_the_port(tmp_path: Path, dsn: str) -> None:
    environ = {"DATABASE_URL": dsn, "SOURCES": "csv", "API_WORKERS": "2"}
    async with serving(tmp_path, **environ) as service:
        await eventually(lambda: all_answer(service))
        left = list(workers(service).values())
        async with serving(tmp_path, **environ | {"API_PORT": service.url.rpartition(":")[2]}) as second:
            async with asyncio.timeout(20):
                _, log = await second.process.communicate()
            assert (second.process.returncode, b"Address already in use" in log) == (2, True)
        service.process.send_signal(signal.SIGKILL)

        async def gone() -> bool:
            return not any(child.is_running() for child in left)

        await eventually(gone)


def test_families_come_once_and_samples_say_whose_they_are() -> None:
    one = b'# HELP a A.\n# TYPE a counter\na{x="{ y"} 1\n# HELP b B.\n# TYPE b gauge\nb 2\n'
    two = b"# HELP b B.\n# TYPE b gauge\nb 3\n# HELP c C.\n# TYPE c gauge\nc 4\n"
    lines = merged({"1": one, "2": two, "3": None}).decode().splitlines()
    assert lines == [
        "# HELP kasparro_worker_up Whether the process answers.",
        "# TYPE kasparro_worker_up gauge",
        *(f'kasparro_worker_up{{worker="{name}"}} {up}' for name, up in {"1": 1, "2": 1, "3": 0}.items()),
        *("# HELP a A.", "# TYPE a counter", 'a{worker="1",x="{ y"} 1'),
        *("# HELP b B.", "# TYPE b gauge", 'b{worker="1"} 2', 'b{worker="2"} 3'),
        *("# HELP c C.", "# TYPE c gauge", 'c{worker="2"} 4'),
    ]
