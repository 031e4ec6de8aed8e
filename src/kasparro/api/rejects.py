"""`/rejects`: the quarantine, and the way out of it."""

from __future__ import annotations

from aiohttp import hdrs, web

from kasparro import log
from kasparro.api import asked
from kasparro.api.access import admin
from kasparro.api.keys import POOL, REQUEST_ID
from kasparro.api.openapi import documented
from kasparro.api.queries import NoQuery, RejectsQuery, ReplayRequest
from kasparro.api.replies import as_json, passed_on
from kasparro.api.schemas import Rejects, ReplayRequested
from kasparro.store import rejects
from kasparro.store.reading import reading
from kasparro.store.rejects import Filter

_log = log.logger("api")


@documented(
    tags=["quality"],
    summary="The latest quarantined records, with every reason",
    description="A full page names the next one in `Link`, or ask with the last `reject_id` as `before`.",
    query=RejectsQuery,
    responses={200: {"model": Rejects}, 400: "BadRequest", 503: "Unavailable"},
)
async def latest(request: web.Request) -> web.StreamResponse:
    query = asked.query(request, RejectsQuery)
    wanted = Filter(
        sources=query.source,
        run_id=query.run_id,
        since=query.since,
        until=query.until,
        is_open=query.state and query.state == "open",
        path=query.path,
        before=query.before,
    )
    async with reading(request.app[POOL]) as conn:
        page = await rejects.listed(conn, wanted, limit=query.limit)
    return passed_on(page.text, headers=_link(request, page.last) if page.records == query.limit else None)


def _link(request: web.Request, last: int) -> dict[str, str]:
    following = request.rel_url.update_query(before=str(last))
    return {hdrs.LINK: f'<{following}>; rel="next"'}


@admin(
    tags=["quality"],
    summary="Read quarantined records again",
    description="The open ones of a source or a run, or those named: the service replays them within seconds, and "
    "`GET /rejects` tells what became of each.",
    body=ReplayRequest,
    responses={202: {"model": ReplayRequested}},
)
async def replay(request: web.Request) -> web.StreamResponse:
    asked.query(request, NoQuery)
    wanted = await asked.body(request, ReplayRequest)
    async with reading(request.app[POOL]) as conn:
        count = await rejects.request(conn, source=wanted.source, run_id=wanted.run_id, reject_ids=wanted.reject_ids)
    _log.info("replay asked for", **wanted.model_dump(exclude_none=True), count=count)
    return as_json({"requested": count, "request_id": request[REQUEST_ID]}, status=202)
