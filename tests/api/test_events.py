"""`/events`: what happens is told as it happens, to every process, and nobody waits for the slowest."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from kasparro import api
from kasparro.api import events as events_module
from kasparro.api import feed as feed_module
from kasparro.api import versions as versions_module
from kasparro.api.follower import Event
from kasparro.api.keys import FEED, VERSIONS
from kasparro.domain import Ledger
from kasparro.store import runs, states, versions
from kasparro.store.runs import Traffic
from kasparro.store.states import Due, Wait

pytestmark = pytest.mark.timeout(60)

Told = tuple[str, str | None, Any]  # kind, id, data


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks follow each other at once; without a notification there is none for a minute."""
    monkeypatch.setattr(feed_module, "_PAUSE", 0.0)
    monkeypatch.setattr(versions_module, "_CHECK", 60.0)
    monkeypatch.setattr(versions_module, "_AGAIN", 0.05)


class Stream:
    """An open answer, read event by event."""

    def __init__(self, response: Any) -> None:
        self.response = response

    async def next(self) -> Told:
        """The next event; comments and the like are skipped."""
        while True:
            fields = dict(line.split(": ", 1) for line in await self.block() if not line.startswith(":"))
            if "event" in fields:
                return fields["event"], fields.get("id"), json.loads(fields["data"])

    async def block(self) -> list[str]:
        lines = []
        while line := (await self.response.content.readline()).decode():
            if line == "\n":
                return lines
            lines.append(line.rstrip("\n"))
        raise EOFError

    async def until(self, kind: str, **wanted: Any) -> Told:
        """The next event of a kind whose data is so."""
        async with asyncio.timeout(30):
            while True:
                told = await self.next()
                if told[0] == kind and wanted.items() <= told[2].items():
                    return told


@pytest.fixture
async def follow(client: Any) -> AsyncIterator[Callable[..., Awaitable[Stream]]]:
    """Opens a stream, of any client."""
    opened = []

    async def open_stream(path: str = "/events", at: Any = None, **headers: str) -> Stream:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = await (at or client).get(path, headers=named)
        assert response.status == 200, await response.text()
        opened.append(response)
        return Stream(response)

    yield open_stream
    for response in opened:
        response.close()


async def finish(conn: Any, source: str, status: Any = "success") -> int:
    """A run from its start to its end, as ingestion has them."""
    run_id = await runs.start(conn, source, owner="test", fence=1, due=Due(), resumed_from=None)
    await runs.progress(conn, source, run_id, Ledger(inserted=3), Traffic(), simulated=False)
    await runs.finish(conn, run_id, status, Traffic(), None, None)
    return run_id


async def test_how_things_are_comes_first(follow: Any, rows: Any) -> None:
    await rows.state("csv")
    stream = await follow()
    assert stream.response.content_type == "text/event-stream"
    assert stream.response.headers["Cache-Control"] == "no-store"
    assert stream.response.headers["X-Content-Type-Options"] == "nosniff"
    assert len(stream.response.headers["X-Request-ID"]) == 32
    assert await stream.next() == ("database", None, {"status": "connected", "reason": None})
    kind, given, source = await stream.next()
    assert (kind, given, source["source"], source["last_run_status"]) == ("source", None, "csv", "never_run")


async def test_a_run_that_ends_is_told_at_once(follow: Any, rows: Any, get: Any) -> None:
    await rows.state("csv")
    stream = await follow()
    await stream.until("source")
    run_id = await finish(rows.conn, "csv")
    _, given, run = await stream.until("run")
    assert given.endswith(f"-{run_id}")
    assert [run] == await get("/runs")


async def test_how_a_source_is_is_told_when_it_changes(follow: Any, rows: Any) -> None:
    await rows.state("csv")
    stream = await follow()
    await stream.until("source")
    await states.settle(rows.conn, "csv", Wait(3600, parked=True, reason="the key is refused"))
    await stream.until("source", last_run_status="parked", reason="the key is refused")


async def test_new_data_is_told_when_it_is_committed_and_served_to_whoever_was_told(
    follow: Any, rows: Any, get: Any
) -> None:
    await rows.state("csv")
    stream = await follow()
    await stream.until("source")
    for version in (1, 2):
        assert (await get("/data"))["total"] == version - 1
        async with rows.conn.transaction():
            await rows.coin("csv", f"coin-{version}")
            await rows.changed("csv")
        await stream.until("data", source="csv", version=version)
    assert (await get("/data"))["total"] == 2


async def test_every_process_hears_of_it(follow: Any, rows: Any, aiohttp_client: Any, app_on: Any, pool: Any) -> None:
    await rows.state("csv")
    streams = [await follow(), await follow(at=await aiohttp_client(app_on(pool)))]
    for stream in streams:
        await stream.until("source")
    run_id = await finish(rows.conn, "csv")
    for stream in streams:
        await stream.until("run", run_id=run_id)


async def test_only_the_sources_that_are_asked_for(follow: Any, rows: Any) -> None:
    for source in ("csv", "coingecko"):
        await rows.state(source)
    stream = await follow("/events?source=coingecko")
    await stream.until("source", source="coingecko")
    await finish(rows.conn, "csv")
    await finish(rows.conn, "coingecko")
    while (told := await stream.next())[0] != "run":
        assert told[2].get("source") != "csv"
    assert told[2]["source_name"] == "coingecko"


async def test_what_was_missed_is_told_first_and_once(follow: Any, rows: Any) -> None:
    await rows.state("csv")
    stream = await follow()
    await stream.until("source")
    await finish(rows.conn, "csv")
    _, seen, _ = await stream.until("run")
    stream.response.close()
    missed = [await finish(rows.conn, "csv") for _ in range(3)]
    again = await follow(Last_Event_ID=seen)
    told = [await again.next() for _ in range(3)]
    assert [(kind, data["run_id"]) for kind, _, data in told] == [("run", run_id) for run_id in missed]
    last = await finish(rows.conn, "csv")
    assert (await again.until("run"))[2]["run_id"] == last


async def test_a_run_that_was_committed_late_is_not_lost(follow: Any, rows: Any) -> None:
    """It ended before the one that the client has seen, and was committed after it."""
    await rows.state("csv")
    late = await rows.run("csv", ago=12, seconds=10)
    seen = await rows.run("csv", ago=11, seconds=10)
    moment = await rows.conn.fetchval(
        "SELECT (extract(epoch FROM finished_at) * 1000000)::bigint FROM etl_run WHERE run_id = $1", seen
    )
    stream = await follow(Last_Event_ID=f"{moment}-{seen}")
    assert (await stream.next())[2]["run_id"] == late
    assert (await stream.next())[0] != "run"


@pytest.mark.parametrize("given", ["x", "1", "1-", "-1", "1-1-1", "9" * 18 + "-1", "\u0663-\u0661"])
async def test_a_foreign_id_is_refused(client: Any, given: str) -> None:
    async with client.get("/events", headers={"Last-Event-ID": given}) as response:
        assert response.status == 400
        assert "Last-Event-ID" in (await response.json(content_type=None))["detail"]


async def test_an_id_of_the_far_future_brings_nothing(follow: Any, rows: Any) -> None:
    await rows.run("csv")
    stream = await follow(Last_Event_ID="9" * 17 + "-1")
    assert (await stream.next())[0] == "database"


async def test_a_beat_says_that_the_connection_lives(follow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kasparro.api.events._BEAT", 0.01)
    stream = await follow()
    async with asyncio.timeout(20):
        assert await stream.block() == ["retry: 3000"]
        while await stream.block() != [":"]:
            pass


async def test_a_notification_that_was_lost_loses_nothing(
    follow: Any, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rows.state("csv")
    stream = await follow()
    await stream.until("source")
    monkeypatch.setattr(versions_module, "_CHECK", 0.5)
    await rows.changed("csv")
    await stream.until("data")
    run_id = await rows.run("csv", ago=10, seconds=10)  # behind our back
    await stream.until("run", run_id=run_id)


async def test_a_connection_that_is_lost_is_found_again(follow: Any, rows: Any) -> None:
    await rows.state("csv")
    stream = await follow()
    await stream.until("source")
    await rows.conn.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    run_id = await finish(rows.conn, "csv")
    await stream.until("run", run_id=run_id)


async def test_without_a_database_it_says_so_and_goes_on(
    follow: Any, aiohttp_client: Any, app_on: Any, api_pool_on: Any
) -> None:
    stranded = await aiohttp_client(app_on(await api_pool_on("postgresql://someone@127.0.0.1:1/x")))
    stream = await follow(at=stranded)
    await stream.until("database", status="unreachable", reason="nothing answers there")
    async with stranded.get("/events", headers={"Last-Event-ID": "1-1"}) as response:
        assert response.status == 503


@pytest.fixture
def feed(client: Any) -> Any:
    return client.app[FEED]


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def _held(pool: Any) -> int:
    return int(pool.get_size() - pool.get_idle_size())


async def test_one_connection_listens_however_many_follow(follow: Any, feed: Any, pool: Any) -> None:
    for _ in range(3):
        await (await follow()).until("database", status="connected")
    await _until(lambda: feed.size == 3 and _held(pool) == 1)


async def test_nothing_is_asked_while_nobody_follows(follow: Any, client: Any, rows: Any, pool: Any) -> None:
    known = client.app[VERSIONS]
    await _until(lambda: known.token and _held(pool) == 1)
    async with rows.conn.transaction():
        await rows.conn.execute("LOCK TABLE source_state")  # holds up whoever looks
        for _ in range(3):
            before = known.token
            async with pool.acquire() as conn:
                await versions.bump(conn, "csv")
            await _until(lambda before=before: known.token != before)
        assert _held(pool) == 1
        await follow()
        await _until(lambda: _held(pool) == 2)


def drained(connection: socket.socket) -> bytes:
    """The end of all that comes until the other side closes."""
    connection.settimeout(20)
    tail = b""
    while data := connection.recv(1_000_000):
        tail = (tail + data)[-100:]
    return tail


async def test_a_client_that_does_not_read_is_cut_and_the_others_are_not(follow: Any, feed: Any, client: Any) -> None:
    slow = socket.create_connection((client.host, client.port))
    slow.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
    await _until(lambda: feed.size == 1)
    stream = await follow()
    await stream.until("database")
    data = json.dumps({"padding": "x" * 50_000}).encode()
    for number in range(1000):
        feed.publish(Event("x", None, data, f"{number}-1"))
        assert (await stream.until("x"))[1] == f"{number}-1"
        if feed.size == 1:
            break
    assert feed.size == 1
    with slow:
        assert not drained(slow).endswith(b"0\r\n\r\n")  # the client sees that something is missing


async def test_there_is_a_bound(follow: Any, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "_MOST", 1)
    await follow()
    async with client.get("/events") as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "5")


async def test_one_client_leaves_room_for_others(follow: Any, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_module, "EACH", 1)
    await follow()
    async with client.get("/events") as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "5")


async def test_streams_end_when_the_service_stops(follow: Any, client: Any) -> None:
    stream = await follow()
    await stream.until("database")
    api.drain(client.app)
    with pytest.raises(EOFError):
        await stream.until("nothing of this kind")
    async with client.get("/events") as response:
        assert response.status == 503


async def test_the_service_stops_at_once_though_clients_follow(follow: Any, client: Any) -> None:
    stream = await follow()
    await stream.until("database")
    async with asyncio.timeout(5):
        await client.server.close()


@pytest.mark.parametrize("query", ["source=nowhere", "x=1", "source=csv&source=csv"])
async def test_what_is_wrong_is_named(get: Any, query: str) -> None:
    problem = await get(f"/events?{query}", status=400)
    assert problem["errors"][0]["name"] == query.partition("=")[0]


async def test_followers_are_counted(follow: Any, client: Any) -> None:
    await follow()
    async with client.get("/metrics") as response:
        assert "\nkasparro_event_followers 1\n" in await response.text()
