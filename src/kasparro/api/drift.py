"""`/drift`: where sources do not send what they are declared to send."""

from __future__ import annotations

from aiohttp import web

from kasparro import log
from kasparro.api import asked
from kasparro.api.access import admin
from kasparro.api.keys import POOL, REQUEST_ID
from kasparro.api.openapi import documented
from kasparro.api.queries import Acknowledgement, DriftQuery, NoQuery
from kasparro.api.replies import as_json, passed_on
from kasparro.api.schemas import Acknowledged, Drifts
from kasparro.store import reports
from kasparro.store.reading import reading

_log = log.logger("api")
_LEVELS = """
Against the declaration of the source: `new_field`, `missing_field`, `renamed_field`, `type_change`. Against its earlier
snapshots, page by page: `null_rate` (how many values are null or absent), `precision` (digits behind the point),
`time_grid` (fractions of a second, whole seconds, tens ...), `scale` (another unit), `immutable_change` (a value that
changed without its cause, such as the date of an all-time high).
"""


@documented(
    tags=["quality"],
    summary="Differences between what a source is known to send and what it sent",
    description=_LEVELS,
    query=DriftQuery,
    responses={200: {"model": Drifts}, 400: "BadRequest", 503: "Unavailable"},
)
async def drifts(request: web.Request) -> web.StreamResponse:
    query = asked.query(request, DriftQuery)
    async with reading(request.app[POOL]) as conn:
        return passed_on(
            await reports.drifts(
                conn,
                sources=query.source,
                acknowledged=query.acknowledged,
                resolved=query.resolved,
                limit=query.limit,
            )
        )


@admin(
    tags=["quality"],
    summary="Accept drifts",
    description="All of a source, or only those of one kind or path. What they show counts as usual from the next run "
    "on; a further change opens them again.",
    body=Acknowledgement,
    responses={200: {"model": Acknowledged}},
)
async def acknowledge(request: web.Request) -> web.StreamResponse:
    asked.query(request, NoQuery)
    wanted = await asked.body(request, Acknowledgement)
    async with reading(request.app[POOL]) as conn:
        count = await reports.acknowledge(conn, wanted.source, kind=wanted.kind, path=wanted.path)
    _log.info("drift acknowledged", source=wanted.source, count=count)
    return as_json({"acknowledged": count, "request_id": request[REQUEST_ID]})
