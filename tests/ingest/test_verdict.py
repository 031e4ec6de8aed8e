"""Every answer a vendor was seen or documented to give has one meaning."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kasparro.domain import Response
from kasparro.errors import (
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


@given(st.integers(100, 599), st.binary(max_size=300), st.text(max_size=30))
def test_any_answer_has_a_verdict_and_only_200_may_be_data(status: int, body: bytes, hint: str) -> None:
    response = Response(status, {"retry-after": hint}, body, "http://vendor/", datetime.now(UTC))
    error = verdict("coingecko", response)
    assert error is None or isinstance(error, SourceError)
    assert status == 200 or error is not None
    assert error is None or (str(error).isprintable() and str(error).encode())
    assert not isinstance(error, Transient) or error.retry_after is None or 0 <= error.retry_after <= 86_400
