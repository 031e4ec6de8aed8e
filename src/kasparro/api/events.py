"""`/events`: what happens, as it happens, as server-sent events."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from aiohttp import web

from kasparro.api import asked
from kasparro.api.feed import EACH, OVERLAP, REPLAYED
from kasparro.api.follower import Event, Follower, run_event
from kasparro.api.keys import FEED, POOL
from kasparro.api.limits import subscriber
from kasparro.api.openapi import documented
from kasparro.api.problems import RETRY_AFTER, Problem
from kasparro.api.queries import EventsQuery
from kasparro.store import events
from kasparro.store.reading import reading

_BEAT = 15.0  # seconds; there are proxies that close what is silent for half a minute
_PATIENCE = 30.0  # seconds that a client may take to make room for what it is sent
_RETRY = b"retry: 3000\n\n"  # milliseconds
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_EVENT = {
    "description": "Each event of the stream",
    "type": "object",
    "properties": {
        "event": {"enum": ["run", "source", "data", "database"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "id": {"type": "string", "description": "Of a run only"},
    },
    "required": ["event", "data"],
    "additionalProperties": False,
}
_ID = re.compile(r"(\d{1,17})-\d{1,19}", re.ASCII)  # microseconds, to the year 5138, and a run


@documented(
    tags=["runs"],
    summary="What happens, as it happens: server-sent events",
    description="`source`: how a source is, as in /health. `data`: the version of its data. `run`: a run has ended, as "
    "in /runs. `database`: whether it answers. How things are comes first, then what changes. With `Last-Event-ID`, "
    "which browsers send by themselves, the runs that have ended since come before that, the latest 1,000 at most. A "
    "run may be told twice. A comment every 15 seconds says that the connection lives; who does not read is cut.",
    query=EventsQuery,
    responses={
        200: {"content": {"text/event-stream": {"schema": _EVENT}}},
        400: "BadRequest",
        503: "Unavailable",
    },
)
async def stream(request: web.Request) -> web.StreamResponse:
    asked.plain(request)
    query, since, feed = asked.query(request, EventsQuery), _last_seen(request), request.app[FEED]
    if feed.obstacle:
        raise Problem(503, feed.obstacle, headers=RETRY_AFTER)
    if request.method == "HEAD":
        return _response()
    client = subscriber(request)
    if feed.followers(client) >= EACH:
        raise Problem(429, f"{client} has {EACH} connections here already", headers=RETRY_AFTER)
    follower = Follower(client, query.source, request.transport)
    with feed.joined(follower):
        missed = await _missed(request, follower, since) if since else []
        response = _response()
        await response.prepare(request)
        with suppress(ConnectionResetError):  # the client is gone, or was cut
            await _send(response, follower, missed)
    return response


def _response() -> web.StreamResponse:
    response = web.StreamResponse(headers=_HEADERS)
    response.content_type = "text/event-stream"
    return response


async def _missed(request: web.Request, follower: Follower, since: datetime) -> Sequence[Event]:
    """The runs that have ended since; they will not be told again because they are in the queue too."""
    async with reading(request.app[POOL]) as conn:
        ended = map(run_event, await events.runs(conn, since - OVERLAP, limit=REPLAYED))
    follower.told = {request.headers["Last-Event-ID"]}
    missed = [event for event in ended if follower.wants(event) and event.id not in follower.told]
    follower.told |= {event.id for event in missed}
    return missed


async def _send(response: web.StreamResponse, follower: Follower, missed: Sequence[Event]) -> None:
    try:
        for frame in (_RETRY, *(event.frame() for event in missed)):
            await _write(response, frame)
        async for frame in follower.frames(_BEAT):
            await _write(response, frame)
    except TimeoutError:
        follower.cut()


async def _write(response: web.StreamResponse, frame: bytes) -> None:
    async with asyncio.timeout(_PATIENCE):
        await response.write(frame)


def _last_seen(request: web.Request) -> datetime | None:
    """When the last run ended that the client was told of; None for one that begins anew."""
    given = request.headers.get("Last-Event-ID")
    if not given:
        return None
    match = _ID.fullmatch(given)
    if not match:
        raise Problem(400, "Last-Event-ID: it is none of ours; leave it out to begin anew")
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(match[1]))
