"""Every answer a vendor was seen or documented to give has one meaning."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kasparro.domain import Response
from kasparro.errors import (
    Fatal,
    Malformed,
    PlanLimit,
    RateLimited,
    Refused,
    SourceError,
    Transient,
    Unauthorized,
    Unavailable,
)
from kasparro.ingest.verdict import retry_after, verdict


def answer(status: int, body: str = "", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, body.encode(), "http://vendor/tickers", datetime.now(UTC))


ENVELOPE_429 = '{"status": {"error_code": 429, "error_message": "You\'ve exceeded the Rate Limit."}}'
ENVELOPE_401 = '{"status": {"timestamp": "2024-01-09", "error_code": 10002, "error_message": "API Key Missing"}}'
NESTED = '{"error": {"status": {"error_code": 10005, "error_message": "exclusive to paid plans"}}}'
FIREWALL = "<html><body>error code: 1020</body></html>"


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (answer(200, "[]"), None),
        (answer(200, "\ufeff [1]"), None),
        (answer(200, '{"id": "btc-bitcoin"}'), None),
        (answer(200, ENVELOPE_429), RateLimited),
        (answer(200, '{"error": "coin not found"}'), Malformed),
        (answer(200, '{"message": "deprecated"}'), Malformed),
        (answer(200, FIREWALL, content_type="text/html"), Malformed),
        (answer(200, ""), Malformed),
        (answer(400, '{"error": "bad"}'), Refused),
        (answer(401, ENVELOPE_401), Unauthorized),
        (answer(400, '{"status": {"error_code": 10011, "error_message": "wrong host"}}'), Unauthorized),
        (answer(402, '{"error": "not allowed in this plan"}'), PlanLimit),
        (answer(401, NESTED), PlanLimit),
        (answer(403, '{"error": "invalid API key"}'), Unauthorized),
        (answer(404, '{"error": "id not found"}'), Refused),
        (answer(408), Unavailable),
        (answer(429, FIREWALL, content_type="text/html"), RateLimited),
        (answer(429, ENVELOPE_429, retry_after="7"), RateLimited),
        (answer(500, "oops"), Unavailable),
        (answer(503, "", retry_after="5"), Unavailable),
        (answer(522), Unavailable),
        (answer(301, "<a>", location="http://elsewhere/?key=secret"), Refused),
        (answer(418), Refused),
    ],
)
def test_verdict(response: Response, expected: type[SourceError] | None) -> None:
    error = verdict("coingecko", response)
    assert type(error) is (expected or type(None))


def test_wrong_key_names_its_setting() -> None:
    error = verdict("coingecko", answer(401, ENVELOPE_401))
    assert "COINGECKO_API_KEY" in str(error)
    assert "API Key Missing" in str(error)


def test_redirect_does_not_repeat_the_query() -> None:
    assert "secret" not in str(verdict("coinpaprika", answer(301, location="http://elsewhere/?key=secret")))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("99999999999999", 86_400.0),
        ("1767225600", 86_400.0),
        ("\u0663", None),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0),
    ],
)
def test_retry_after_in_seconds(value: str, seconds: float | None) -> None:
    assert retry_after(answer(429, retry_after=value)) == seconds


def test_retry_after_as_a_date() -> None:
    now = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
    response = answer(429, retry_after="Thu, 01 Jan 2026 12:01:30 GMT")
    assert retry_after(response, now) == 90.0
    assert retry_after(answer(429, retry_after="Thu, 01 Jan 2026 11:00:00 GMT"), now) == 0.0


def test_address_that_is_shut_out_without_a_key_is_no_matter_of_keys() -> None:
    error = verdict("coingecko", answer(403, FIREWALL), has_key=False)
    assert isinstance(error, Unavailable)
    assert "COINGECKO_API_KEY" not in str(error)


@pytest.mark.parametrize("body", ["oops\0\0binary", '{"error": "a\\u0000b\\ud800c"}', "\x1b[31mred\r\nlines"])
def test_reason_can_be_stored_and_shown(body: str) -> None:
    reason = str(verdict("coingecko", answer(404, body)))
    assert reason.isprintable()
    reason.encode()


words = st.text(max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 20_000) | words,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["error", "status", "error_code", "error_message", "message", "id"]), inner)
    ),
    max_leaves=8,
)
bodies = st.binary(max_size=300) | values.map(lambda value: json.dumps(value).encode()) | st.just(FIREWALL.encode())
dates = st.builds(
    "{}, {} {} {} {}:00:0{} {}".format, *[st.sampled_from(["Fri", "01", "Jan", "2026", "99", "GMT", "-"])] * 7
)
hints = words | st.integers(-9, 10**30).map(str) | st.floats().map(str) | dates


@settings(max_examples=500, deadline=None)
@given(
    status=st.integers(100, 599) | st.sampled_from([200, 401, 403, 429, 503]),
    body=bodies,
    headers=st.fixed_dictionaries({}, optional={"retry-after": hints, "content-type": words, "location": words}),
    has_key=st.booleans(),
)
def test_any_answer_is_data_or_an_error_with_a_type(
    status: int, body: bytes, headers: dict[str, str], has_key: bool
) -> None:
    response = Response(status, headers, body, "http://vendor/", datetime.now(UTC))
    error = verdict("coingecko", response, has_key=has_key)
    if error is None:
        assert (status, body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]) in [(200, b"["), (200, b"{")]
        return
    assert isinstance(error, Transient | Fatal)
    assert type(error) not in (Transient, Fatal)
    assert str(error).isprintable()
    assert str(error).encode()
    assert not isinstance(error, Transient) or error.retry_after is None or 0 <= error.retry_after <= 86_400


@given(st.lists(values, max_size=5))
def test_list_is_data_whatever_is_in_it(items: list[Any]) -> None:
    assert verdict("coingecko", answer(200, json.dumps(items))) is None


@given(hints)
def test_wait_is_none_or_at_most_a_day(hint: str) -> None:
    seconds = retry_after(answer(429, retry_after=hint))
    assert seconds is None or 0 <= seconds <= 86_400
