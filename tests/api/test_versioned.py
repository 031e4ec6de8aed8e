"""Answers for a version of the data: a 304 before anything is read, one body for all, gzip where it is wanted."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import brotli
import pytest
import zstandard
from aiohttp.test_utils import make_mocked_request

from kasparro.api.accept import CODINGS, Coding, coding
from kasparro.api.cache import Body, Cache
from kasparro.api.compression import pack, press
from kasparro.api.keys import CACHE, VERSIONS

GZIP = {"Accept-Encoding": "gzip"}
PLAIN = {"Accept-Encoding": "identity"}


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.fixture
async def heard(client: Any, rows: Any) -> Any:
    """Waits until the service knows of what the test has written."""
    versions = client.app[VERSIONS]
    await until(lambda: versions.token)

    async def wait() -> None:
        before = versions.token
        await rows.changed("csv")
        await until(lambda: versions.token not in (None, before))

    return wait


def unpacked(body: bytes, how: str | None) -> bytes:
    """The text, once it is sure that nothing is missing and nothing left over."""
    match how:
        case "gzip":
            reader: Any = zlib.decompressobj(wbits=31)
        case "zstd":
            reader = zstandard.ZstdDecompressor().decompressobj()
        case "br":
            return bytes(brotli.decompress(body))
        case _:
            return body
    text = reader.decompress(body)
    assert reader.eof
    assert not reader.unused_data
    return bytes(text)


class Answer(NamedTuple):
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.plain)

    @property
    def plain(self) -> bytes:
        return unpacked(self.body, self.headers.get("Content-Encoding"))


async def fetch(client: Any, path: str, **headers: str) -> Answer:
    """The answer as it comes over the wire."""
    async with client.get(path, headers=PLAIN | headers, auto_decompress=False) as response:
        return Answer(response.status, response.headers, await response.read())


@pytest.fixture
async def filled(rows: Any, heard: Any) -> None:
    for number in range(30):
        await rows.coin("csv", f"coin-{number}", rank=number)
    await rows.tick("csv", "coin-1", "2026-01-01T00:00:00Z")
    await heard()


PATHS = ["/data", "/data?page_size=100", "/coins/csv/coin-1", "/coins/csv/coin-1/history"]


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("path", PATHS)
async def test_nothing_is_read_for_a_304_or_a_body_that_is_kept(client: Any, rows: Any, path: str) -> None:
    first = await fetch(client, path)
    async with rows.conn.transaction():
        await rows.conn.execute("LOCK TABLE unified_crypto, price_history")
        again = await fetch(client, path)
        unmodified = await fetch(client, path, **{"If-None-Match": f'"x", {first.headers["ETag"]}'})
    one, two = first.json, again.json
    assert one.pop("request_id") == first.headers["X-Request-ID"]
    assert two.pop("request_id") == again.headers["X-Request-ID"]
    assert one.pop("api_latency_ms") >= two.pop("api_latency_ms")
    assert one == two
    assert (unmodified.status, unmodified.body) == (304, b"")
    assert unmodified.headers["ETag"] == first.headers["ETag"] == again.headers["ETag"]
    assert unmodified.headers["Vary"] == first.headers["Vary"] == "Accept, Accept-Encoding"


@pytest.mark.usefixtures("filled")
async def test_who_has_whatever_there_is_is_sent_nothing(client: Any) -> None:
    """Where there is nothing, that is what is told."""
    exports = ["/data?format=csv", "/coins/csv/coin-1/history?format=csv"]
    for path in (*PATHS, *exports, "/", "/runs", "/openapi.json", "/health", "/static/status.css"):
        unmodified = await fetch(client, path, **{"If-None-Match": "*"})
        assert (unmodified.status, unmodified.body) == (304, b""), path
        if path in (*PATHS, *exports):
            assert unmodified.headers["ETag"] == (await fetch(client, path)).headers["ETag"]
    for path in ("/coins/csv/nothing", "/coins/csv/nothing/history?format=csv"):
        async with client.head(path, headers={"If-None-Match": "*"}) as head:
            assert head.status == (await fetch(client, path, **{"If-None-Match": "*"})).status == 404


@pytest.mark.usefixtures("filled")
async def test_a_change_makes_new_bodies_and_new_tags(client: Any, rows: Any, heard: Any) -> None:
    first = await fetch(client, "/data")
    await rows.coin("csv", "another", rank=0)
    await heard()
    then = await fetch(client, "/data", **{"If-None-Match": first.headers["ETag"]})
    assert (then.status, then.json["total"]) == (200, 31)
    assert then.headers["ETag"] != first.headers["ETag"]


@pytest.mark.usefixtures("filled")
async def test_every_address_and_encoding_has_a_tag_of_its_own(client: Any) -> None:
    ways = [PLAIN, *({"Accept-Encoding": how} for how in CODINGS)]
    tags = [(await fetch(client, path, **how)).headers["ETag"] for path in PATHS for how in ways]
    assert len(set(tags)) == len(PATHS) * len(ways)
    for number, tag in enumerate(tags):
        found = (await fetch(client, PATHS[0], **GZIP, **{"If-None-Match": tag})).status
        assert found == (304 if number == ways.index(GZIP) else 200)


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("how", CODINGS)
async def test_a_packed_answer_unpacks_to_the_plain_one(client: Any, how: str) -> None:
    for _ in range(2):  # made, and kept
        for path in ("/data?page_size=100", "/data?format=csv"):
            packed = await fetch(client, path, **{"Accept-Encoding": how, "X-Request-ID": "same"})
            plain = await fetch(client, path, **{"X-Request-ID": "same"})
            assert packed.headers["Content-Encoding"] == how
            assert "Content-Encoding" not in plain.headers
            assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept, Accept-Encoding"
            assert packed.plain.rpartition(b",")[0] == plain.body.rpartition(b",")[0]
            assert len(packed.body) < len(plain.body) / 3


@pytest.mark.parametrize("path", ["/openapi.json", "/", "/docs", "/nothing", "/metrics"])
async def test_other_text_is_packed_when_it_is_worth_it(client: Any, path: str) -> None:
    packed, plain = await fetch(client, path, **GZIP), await fetch(client, path)
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert ("Content-Encoding" in packed.headers) == (len(plain.body) >= 1024)


@pytest.mark.usefixtures("filled")
async def test_who_takes_nothing_but_what_is_packed_gets_that_or_a_406(client: Any) -> None:
    small = await fetch(client, "/health/live", **{"Accept-Encoding": "gzip, identity;q=0"})
    assert (small.status, small.headers["Content-Encoding"], small.json) == (200, "gzip", {"status": "alive"})
    for path, accepted in (
        ("/data", "identity;q=0"),
        ("/health/live", "*;q=0"),
        ("/data?format=csv", "deflate, *;q=0"),
        ("/events", "gzip, identity;q=0"),
        ("/static/status.css", "gzip, *;q=0"),
    ):
        refused = await fetch(client, path, **{"Accept-Encoding": accepted})
        assert (refused.status, refused.headers["Content-Type"]) == (406, "application/problem+json"), path


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [("gzip", "gzip"), ("GZIP", "gzip"), ("br, gzip;q=0.5", "br"), ("*", "zstd"), ("x-gzip", "gzip"), ("", None),
     ("identity", None), ("gzip;q=0", None), ("gzip; q=0.0", None), ("*;q=0", None), ("deflate", None),
     ("gzip;q=0.1, identity", None), ("gzip;q=x", None), ("notgzip", None), ("*, zstd;q=0", "br"),
     ("gzip, deflate, br, zstd", "zstd"), ("gzip, deflate, br", "br"), ("gzip;q=1.0, br;q=0.8", "gzip"),
     ("zstd;q=nan, br;q=inf, gzip;q=1e0", None), ("gzip;q=2", None), ("br;x=1;q=0.3, gzip;q=0.2", "br"),
     (",;=,,q=1;;", None), ("gzip;q=0.5;q=0", "gzip"), ("identity;q=0.5, *", "zstd")],
)  # fmt: skip
def test_accept_encoding_is_read_as_it_is_written(accepted: str, chosen: str | None) -> None:
    request = make_mocked_request("GET", "/", {"Accept-Encoding": accepted})
    assert coding(request) == chosen


@pytest.mark.parametrize("how", CODINGS)
@pytest.mark.parametrize("beginning", [b"{", b"x" * 100_000, bytes(range(256)) * 50])
@pytest.mark.parametrize("tail", [b"", b"t", b"tail", b"t" * 60_000])
def test_an_end_may_be_added_to_what_is_packed(beginning: bytes, tail: bytes, how: Coding) -> None:
    packed = pack(beginning, how)
    for _ in range(2):
        assert unpacked(packed.ended(tail), how) == beginning + tail


@pytest.mark.parametrize("how", CODINGS)
def test_a_stream_is_packed_piece_by_piece(how: Coding) -> None:
    pieces, presser = [bytes([number]) * 50_000 for number in range(20)], press(how)
    packed = b"".join([*(presser.compress(piece) for piece in pieces), presser.finish()])
    assert unpacked(packed, how) == b"".join(pieces)
    assert len(packed) < 50_000


@pytest.mark.usefixtures("filled")
async def test_head_is_get_without_the_body(client: Any) -> None:
    await fetch(client, "/data")
    async with client.head("/data", headers=PLAIN) as head, client.get("/data", headers=PLAIN) as get:
        assert (head.status, head.headers["ETag"]) == (200, get.headers["ETag"])
        assert abs(int(head.headers["Content-Length"]) - int(get.headers["Content-Length"])) < 4
        assert await head.read() == b""


@pytest.mark.usefixtures("filled")
async def test_what_depends_on_the_hour_is_never_kept(client: Any, rows: Any) -> None:
    first = await fetch(client, "/data?max_age=60")
    await rows.conn.execute("UPDATE unified_crypto SET observed_at = now() - interval '1 hour'")
    then = await fetch(client, "/data?max_age=60")
    assert "ETag" not in first.headers
    assert (first.json["total"], then.json["total"]) == (30, 0)
    assert "ETag" in (await fetch(client, "/data?format=csv")).headers
    assert "ETag" not in (await fetch(client, "/data?format=csv&max_age=60")).headers


@pytest.mark.usefixtures("filled")
async def test_nothing_is_kept_while_changes_are_not_heard(client: Any, rows: Any) -> None:
    versions = client.app[VERSIONS]
    first = await fetch(client, "/data")
    await rows.conn.execute("ALTER TABLE data_version RENAME TO gone")
    await rows.conn.execute("NOTIFY kasparro_data, 'csv'")
    await until(lambda: versions.token is None)
    await rows.coin("csv", "another")
    blind = await fetch(client, "/data", **{"If-None-Match": first.headers["ETag"]})
    assert (blind.status, blind.json["total"]) == (200, 31)
    assert "ETag" not in blind.headers
    await rows.conn.execute("ALTER TABLE gone RENAME TO data_version")
    await until(lambda: versions.token)
    assert "ETag" in (await fetch(client, "/data")).headers


@pytest.mark.usefixtures("filled")
async def test_a_killed_listener_is_noticed_and_comes_back(client: Any, rows: Any) -> None:
    versions = client.app[VERSIONS]
    await rows.conn.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await until(lambda: versions.token is None)
    await until(lambda: versions.token)


@pytest.mark.usefixtures("filled")
async def test_many_who_ask_together_cost_one_query(client: Any, rows: Any) -> None:
    before = await rows.conn.fetchval("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    async with rows.conn.transaction():
        await rows.conn.execute("LOCK TABLE unified_crypto")
        asking = [asyncio.create_task(fetch(client, "/data?page_size=3")) for _ in range(20)]
        await asyncio.sleep(0.5)
        waiting = await rows.conn.fetchval("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    assert {answer.status for answer in await asyncio.gather(*asking)} == {200}
    assert waiting - before == 1


async def made(cache: Cache, address: str, size: int, version: str = "v") -> Body:
    async def maker() -> Body:
        return Body(b"x" * size, {})

    cache.find(version, address)
    return await cache.make(version, address, maker)


async def test_the_cache_is_bounded_by_bytes_and_forgets_the_least_used() -> None:
    cache = Cache(room=200_000)
    for number in range(100):
        await made(cache, str(number), 1500)
        assert cache.find("v", "0")
    assert 180_000 < cache.size <= 200_000
    assert cache.find("v", "99")
    assert cache.find("v", "50") is None
    await made(cache, "too large", 10_000)
    assert cache.find("v", "too large") is None
    assert cache.find("w", "0") is None
    assert cache.size == 0


async def test_long_addresses_and_headers_count() -> None:
    cache = Cache(room=400_000)
    cache.find("v", "")

    async def maker() -> Body:
        return Body(b"", {"Link": "x" * 2000})

    for number in range(100):
        await cache.make("v", f"{number:06000}", maker)
    assert sum(cache.find("v", f"{number:06000}") is not None for number in range(100)) == 15


@pytest.mark.usefixtures("filled")
async def test_no_error_is_kept(client: Any) -> None:
    for _ in range(2):
        assert (await fetch(client, "/data?page=0")).status == 400
        assert (await fetch(client, "/coins/csv/nothing")).status == 404
    assert client.app[CACHE].size == 0
