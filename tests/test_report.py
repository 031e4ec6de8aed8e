"""What a person is told about the service."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from kasparro import report
from kasparro.background import Service

SOON = (datetime.now(UTC) + timedelta(hours=1)).isoformat()


def state(status: str, following: str | None = SOON, reason: str | None = None, records: int = 0) -> dict[str, Any]:
    return {
        "last_run_status": status,
        "next_run_at": following,
        "reason": reason,
        "records_processed": records,
        "enabled": True,
    }


def health(**sources: dict[str, Any]) -> dict[str, Any]:
    return {"status": "degraded", "etl_status": sources}


@contextmanager
def answering(*answers: dict[str, Any]) -> Iterator[Service]:
    """A server whose /health gives the answers one after the other, and the last one from then on."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(left.pop(0) if len(left) > 1 else left[0]).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Service(7, "127.0.0.1", server.server_port)
        finally:
            server.shutdown()
            thread.join()


def test_settled_waits_until_every_source_has_been_through_a_cycle() -> None:
    earlier = "2026-01-01T00:00:00+00:00"
    last = health(csv=state("success"))
    with answering(
        health(csv=state("never_run", None)), health(csv=state("success", earlier)), health(csv=state("running")), last
    ) as service:
        assert report.settled(service, seconds=0) == health(csv=state("never_run", None))
        assert report.settled(service) == last


def test_text_tells_where_everything_is_and_why_a_source_waits() -> None:
    following = "2026-11-23T07:12:03+00:00"
    sources = health(
        coinpaprika=state("success", records=2500), coingecko=state("parked", following, "the key is refused")
    )
    text = report.text(Service(7, "::1", 8000), {**sources, "simulated": True})
    assert text.startswith("Kasparro is degraded at http://[::1]:8000\nIt shows SIMULATED data")
    assert "  http://[::1]:8000/docs              API documentation\n" in text
    assert text.endswith(
        "  coinpaprika     success     2500 records\n"
        "  coingecko       parked      the key is refused; next try at 07:12:03 UTC"
    )


def test_service_that_does_not_answer_is_reported() -> None:
    with answering(health()) as service:
        pass
    assert report.text(service, report.settled(service)).startswith("Kasparro is not answering at http://127.0.0.1:")
