"""`/sources`: where each source stands, when it runs, how fresh it is, and what it may spend."""

from __future__ import annotations

import orjson
from aiohttp import web

from kasparro.api import asked
from kasparro.api.keys import POOL
from kasparro.api.openapi import documented
from kasparro.api.queries import NoQuery
from kasparro.api.replies import as_json
from kasparro.api.schemas import SourceStandings
from kasparro.sources import SOURCES
from kasparro.store import reports, versions
from kasparro.store.reading import reading


@documented(
    tags=["health"],
    summary="Each source: its state, its schedule, how fresh it is, and what it may spend",
    query=NoQuery,
    responses={200: {"model": SourceStandings}, 400: "BadRequest", 503: "Unavailable"},
)
async def standing(request: web.Request) -> web.StreamResponse:
    asked.query(request, NoQuery)
    async with reading(request.app[POOL]) as conn:
        states = orjson.loads(await reports.health(conn))
        quotas = {quota["source"]: quota for quota in orjson.loads(await reports.quota(conn))}
        changed = {version.source: version.changed_at for version in await versions.current(conn)}
    return as_json(
        [
            {
                "source": source,
                "kind": SOURCES[source].kind if source in SOURCES else None,
                **state,
                "data_changed_at": changed.get(source),
                "quota": quotas.get(source),
            }
            for source, state in states.items()
        ]
    )
