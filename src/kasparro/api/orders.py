"""`POST /runs` and `POST /runs/{run_id}/cancel`: what people ask of ingestion, through the database."""

from __future__ import annotations

import asyncio
import math
from datetime import datetime
from time import monotonic

from aiohttp import web

from kasparro import log
from kasparro.api import asked
from kasparro.api.access import Answers, admin
from kasparro.api.keys import POOL, REQUEST_ID
from kasparro.api.problems import RETRY_AFTER, Problem
from kasparro.api.queries import NoQuery, RunPath, RunRequest
from kasparro.api.replies import as_json
from kasparro.api.run_schemas import RunAccepted
from kasparro.store import requests
from kasparro.store.pool import Pool
from kasparro.store.reading import reading
from kasparro.store.requests import Standing

_PATIENCE = 5.0  # seconds until a process has to have taken a request up; each looks once a second
_POLL = 0.05  # seconds between our looks whether one has
_ANSWERS: Answers = {202: {"model": RunAccepted}, 409: "Conflict"}

_log = log.logger("api")


@admin(
    tags=["runs"],
    summary="Run a source now",
    description="Answers once a process has begun the run. The source's ticks stay where they are. A run that is under "
    "way is named in a 409, and so is a wait that an answer of the vendor asked for.",
    body=RunRequest,
    responses=_ANSWERS,
)
async def run(request: web.Request) -> web.StreamResponse:
    asked.query(request, NoQuery)
    source = (await asked.body(request, RunRequest)).source
    pool = request.app[POOL]
    run_id = await _begun(pool, source, await _request(pool, source))
    _log.info("run begun on request", source=source, run_id=run_id)
    return _accepted(request, source, run_id)


@admin(
    tags=["runs"],
    summary="End a run",
    description="It ends within seconds as `cancelled`. The pages that it has committed stay, and the next run of the "
    "source goes on behind them.",
    path=RunPath,
    responses={**_ANSWERS, 404: "NotFound"},
)
async def cancel(request: web.Request) -> web.StreamResponse:
    asked.query(request, NoQuery)
    run_id = asked.path(request, RunPath).run_id
    async with reading(request.app[POOL]) as conn:
        found = await requests.cancel(conn, run_id)
    if found is None:
        raise Problem(404, f"there is no run {run_id}")
    source, status = found
    if status != "running":
        raise Problem(409, f"run {run_id} has ended already: {status}", run_id=run_id)
    _log.info("end of a run requested", source=source, run_id=run_id)
    return _accepted(request, source, run_id)


def _accepted(request: web.Request, source: str, run_id: int) -> web.Response:
    body = {"run_id": run_id, "source": source, "request_id": request[REQUEST_ID]}
    return as_json(body, status=202, headers={"Location": f"/runs/{run_id}"})


async def _request(pool: Pool, source: str) -> datetime:
    """Ask for a run of the source; raises Problem where something is in its way."""
    async with reading(pool) as conn:
        standing = await requests.run(conn, source)
    match standing:
        case None | Standing(enabled=False):
            raise Problem(409, f"no process runs {source}: SOURCES leaves it out")
        case Standing(is_running=True, run_id=run_id):
            raise _running(source, run_id)
        case Standing(seconds=float() as seconds, reason=reason):
            detail = f"{source} is not asked for {seconds:.0f} s more: {reason}"
            raise Problem(409, detail, headers={"Retry-After": str(math.ceil(seconds))})
        case Standing(requested_at=datetime() as requested_at):
            return requested_at
    raise AssertionError("a request is either made or hindered")


async def _begun(pool: Pool, source: str, requested_at: datetime) -> int:
    """The run that a process has begun for the request; raises Problem where none has, and takes the request back."""
    deadline = monotonic() + _PATIENCE
    while monotonic() < deadline:
        await asyncio.sleep(_POLL)
        if (run_id := await _run_of(pool, source, requested_at)) is not None:
            return run_id
    async with reading(pool) as conn:
        other = await requests.withdraw(conn, source, requested_at)
    if (run_id := await _run_of(pool, source, requested_at)) is not None:  # taken up just before
        return run_id
    if other is not None:
        raise _running(source, other)
    detail = f"no process has taken {source} up within {_PATIENCE:g} s; is `kasparro serve` running and well?"
    raise Problem(503, detail, headers=RETRY_AFTER)


def _running(source: str, run_id: int | None) -> Problem:
    return Problem(409, f"{source} is running already (run {run_id})", run_id=run_id)


async def _run_of(pool: Pool, source: str, requested_at: datetime) -> int | None:
    async with reading(pool) as conn:
        return await requests.begun(conn, source, requested_at)
