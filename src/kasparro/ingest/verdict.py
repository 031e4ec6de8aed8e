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
_EXCERPT = 200
_LONGEST_WAIT = 86_400.0
BACK_OFF = 60.0  # seconds after a 429 that does not say: the window of the vendors' rate limits


def verdict(source: str, response: Response, *, has_key: bool = True) -> SourceError | None:
    """The error that an answer stands for; None when it may be read as data. `has_key`: a key was sent.

    Bodies are looked at too: vendors send error envelopes with status 200, and 429 as an HTML page.
    """
    code, message = _envelope(response)
    match code or response.status:
        case 200:
            return _not_data(source, response, message)
        case 403 if not has_key and response.body.lstrip()[:1] == b"<":  # a firewall's page
            return Unavailable(source, f"the vendor shuts this address out ({message})", retry_after(response))
        case 401 | 403 | 10002 | 10010 | 10011 as refusal:
            setting = f"{source.upper()}_API_KEY"
            return Unauthorized(
                source,
                f"{_KEY_CODES.get(refusal, 'the key is refused')}: check {setting} ({message})",
                setting,
            )
        case 402 | 10005 | 10012:
            return PlanLimit(source, f"the plan does not allow it, or its credits are used up ({message})")
        case 429:
            asked = retry_after(response)
            return RateLimited(source, f"rate limit reached ({message})", BACK_OFF if asked is None else asked)
        case 408 | 500 | 502 | 503 | 504 | 520 | 521 | 522 | 523 | 524 as status:
            return Unavailable(source, f"the vendor answers {status} ({message})", retry_after(response))
        case 301 | 302 | 303 | 307 | 308 as status:
            return Refused(
                source,
                f"redirected ({status}) to {_origin(response)}; not followed: no key of ours goes there",
            )
        case status if 500 <= status < 600:
            return Unavailable(source, f"the vendor answers {status} ({message})", retry_after(response))
        case status:
            return Refused(source, f"the vendor answers {status} ({message})")


def retry_after(response: Response, now: datetime | None = None) -> float | None:
    """Seconds that the vendor asks us to wait, given as seconds or as a date; None when it does not say.

    At most a day: more is a mistake of theirs, and we would be bound by it across restarts.
    """
    given = response.headers.get("retry-after", "").strip()
    try:
        if given.isdecimal() and given.isascii():
            return min(float(given), _LONGEST_WAIT)
        until = parsedate_to_datetime(given)
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        return min(max(0.0, (until - (now or datetime.now(UTC))).total_seconds()), _LONGEST_WAIT)
    except (ValueError, OverflowError):
        return None


def _not_data(source: str, response: Response, message: str) -> SourceError | None:
    first = response.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if first in (b"[", b"{") and not message:
        return None
    if message:
        return Malformed(source, f"an error with status 200 ({message})")
    kind = _printable(response.headers.get("content-type", "")) or "no content type"
    return Malformed(source, f"not JSON but {kind} ({_excerpt(response)})")


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
        return status["error_code"], _printable(str(status.get("error_message", "")))
    return None, _printable(str(inner or body.get("message") or ""))


def _excerpt(response: Response) -> str:
    return _printable(response.body[: 4 * _EXCERPT].decode("utf-8", "replace"))


def _printable(text: str) -> str:
    """The start of a text on one line, without the control characters that no database and no log can hold."""
    words = "".join(letter if letter.isprintable() else " " for letter in text[: 4 * _EXCERPT]).split()
    return " ".join(words)[:_EXCERPT]


def _origin(response: Response) -> str:
    """Where a redirect leads; its query may hold anything."""
    return _printable(response.headers.get("location", "nowhere").split("?")[0])
