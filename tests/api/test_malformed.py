"""Bytes that are no HTTP: told so as a problem, counted under one label, and the service goes on."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from typing import Any, NamedTuple

import pytest
from structlog.testing import capture_logs

from kasparro.api import asked

HEAD = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /runs HTTP/1.1\r\nHost: x\r\nX-API-Key: boss\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
CASES = {
    "no request line": (b"nonsense\r\n\r\n", 400),
    "an unknown method": (b"G<T / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "HTTP/0.9": (b"GET /\r\n\r\n", 505),
    "HTTP/2 without being asked": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "a version that there is not": (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 400),
    "lines that end wrongly": (b"GET / HTTP/1.1\nHost: x\n\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), 400),
    "only NULs": (bytes(500), 400),
    "a NUL in the address": (b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a bare byte in the address": (b"GET /\xe9 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "an address that is none": (b"GET http://[::1/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a long address": (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    "a long query": (b"GET /data?q=" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    "a long header": (HEAD + b"A: " + b"a" * 20_000 + b"\r\n\r\n", 431),
    "a long name of a header": (HEAD + b"a" * 20_000 + b": x\r\n\r\n", 431),
    "many headers": (HEAD + b"".join(b"A%d: x\r\n" % number for number in range(200)) + b"\r\n", 431),
    "a NUL in a header": (HEAD + b"A: x\0y\r\n\r\n", 400),
    "a folded header": (HEAD + b"A: x\r\n y\r\n\r\n", 400),
    "a blank before the colon": (HEAD + b"A : x\r\n\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "a length that is no number": (POST + b"Content-Length: x\r\n\r\n", 400),
    "a negative length": (POST + b"Content-Length: -1\r\n\r\n", 400),
    "two lengths": (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    "a length and chunks": (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "an unknown transfer encoding": (POST + b"Transfer-Encoding: bogus\r\n\r\nx", 400),
    "a bad chunk": (CHUNKED + b"ZZ\r\nabc\r\n", 400),
    "no gzip": (POST + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nabcde", 400),
    "a bomb": (POST + b"Content-Length: 99999999\r\n\r\n" + b"x" * 70_000, 413),
    "an expectation": (POST + b"Expect: cake\r\nContent-Length: 2\r\n\r\n{}", 417),
    "an expectation of nothing": (b"GET /no HTTP/1.1\r\nHost: x\r\nExpect: cake\r\n\r\n", 417),
    "another protocol": (b"GET /no HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 404),
    "a tunnel": (b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "the whole server": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404),
}
SEEN_BY_A_ROUTE = {"HTTP/0.9", "no gzip", "a bomb", "another protocol", "a tunnel", "the whole server"}


@pytest.fixture
async def port(pool: Any, app_on: Any, serve: Any) -> int:
    return int(await serve(app_on(pool, ADMIN_API_KEY="boss")))


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


async def said(port: int, sent: bytes) -> Answer:
    """What is answered to these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(10):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *fields = head.strip().split("\r\n")
        headers = {name.title(): value for name, _, value in (field.partition(": ") for field in fields)}
        body = await reader.readexactly(int(headers["Content-Length"]))
    writer.close()
    return Answer(int(line.split()[1]), headers, body)


async def test_what_is_no_http_is_told_so_in_a_problem(port: int) -> None:
    for name, (sent, status) in CASES.items():
        with capture_logs() as lines:
            answer = await said(port, sent)
        assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json"), name
        problem = json.loads(answer.body)
        assert (problem["status"], problem["request_id"]) == (status, answer.headers["X-Request-Id"]), name
        assert {"Server": "kasparro", "X-Content-Type-Options": "nosniff"}.items() <= answer.headers.items(), name
        assert not [line for line in lines if "exc_info" in line], name
        assert (await said(port, HEAD + b"\r\n")).status == 200, name
    metrics = (await said(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")).body.decode()
    counts = dict(re.findall(r'api_requests_total{method="other",route="malformed",status="(\d+)"} (\d+)', metrics))
    refused = Counter(str(status) for name, (_, status) in CASES.items() if name not in SEEN_BY_A_ROUTE)
    assert {status: int(count) for status, count in counts.items()} == refused


async def test_a_body_that_does_not_end_holds_nobody_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked, "_PATIENCE", 0.1)
    answer = await said(port, POST + b"Content-Length: 10\r\n\r\n{")
    assert answer.status == 408
    assert json.loads(answer.body)["request_id"] == answer.headers["X-Request-Id"]
