"""What an answer means, decided once and purely: data, or an error whose class says what the caller does."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from kasparro.domain import Response
from kasparro.errors import (
    Malformed,
    PlanLimit,
    RateLimited,
    Refused,
    SourceError,
    Unauthorized,
    Unavailable,
)

_KEY_CODES = {
    10002: "the key is missing or unknown",
    10010: "a pro key needs the pro plan",
    10011: "a demo key needs the demo plan",
}
_PLAN_CODE = 10005
_EXCERPT = 200


def verdict(source: str, response: Response) -> SourceError | None:
    """The error that an answer stands for; None when it may be read as data.

    Bodies are looked at too: vendors send error envelopes with status 200, and 429 as an HTML page.
    """
    code, message = _envelope(response)
    match code or response.status:
        case 200:
            return _not_data(source, response, message)
        case 401 | 403 | 10002 | 10010 | 10011 as refusal:
            setting = f"{source.upper()}_API_KEY"
            return Unauthorized(
                source,
                f"{_KEY_CODES.get(refusal, 'the key is refused')}: check {setting} ({message})",
                setting,
            )
        case 402 | 10005:
            return PlanLimit(source, f"the plan does not allow it, or its credits are used up ({message})")
        case 429:
            return RateLimited(source, f"rate limit reached ({message})", retry_after(response))
        case 408 | 500 | 502 | 503 | 504 | 520 | 521 | 522 | 523 | 524 as status:
            return Unavailable(source, f"the vendor answers {status} ({message})", retry_after(response))
        case 301 | 302 | 303 | 307 | 308 as status:
            return Refused(
                source,
                f"redirected ({status}) to {_origin(response)}; not followed, the key must not go there",
            )
        case status if 500 <= status < 600:
            return Unavailable(source, f"the vendor answers {status} ({message})", retry_after(response))
        case status:
            return Refused(source, f"the vendor answers {status} ({message})")


def retry_after(response: Response, now: datetime | None = None) -> float | None:
    """Seconds that the vendor asks us to wait, given as seconds or as a date; None when it does not say."""
    given = response.headers.get("retry-after", "").strip()
    if given.isdecimal():
        return float(given)
    try:
        until = parsedate_to_datetime(given)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())


def _not_data(source: str, response: Response, message: str) -> SourceError | None:
    first = response.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if first in (b"[", b"{") and not message:
        return None
    if message:
        return Malformed(source, f"an error with status 200 ({message})")
    return Malformed(
        source,
        f"not JSON but {response.headers.get('content-type', 'no content type')} ({_excerpt(response)})",
    )


def _envelope(response: Response) -> tuple[int | None, str]:
    """The error code and message in a body, in any of the vendors' shapes; a code only where the body has one."""
    if response.status == 200 and response.body.lstrip()[:1] != b"{":
        return None, ""
    try:
        body = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        return None, _excerpt(response)
    return _read(body) if isinstance(body, dict) else (None, _excerpt(response))


def _read(body: dict[str, Any]) -> tuple[int | None, str]:
    inner = body.get("error")
    status = body.get("status") or (inner.get("status") if isinstance(inner, dict) else None)
    if isinstance(status, dict) and isinstance(status.get("error_code"), int):
        return status["error_code"], str(status.get("error_message", ""))[:_EXCERPT]
    return None, str(inner or body.get("message") or "")[:_EXCERPT]


def _excerpt(response: Response) -> str:
    return " ".join(response.body[:_EXCERPT].decode("utf-8", "replace").split())


def _origin(response: Response) -> str:
    """Host of a redirect; its query may hold anything."""
    return response.headers.get("location", "nowhere").split("?")[0][:_EXCERPT]
