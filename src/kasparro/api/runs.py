"""`/runs` and `/stats`: what ingestion has done."""

from __future__ import annotations

from aiohttp import web
from pydantic import TypeAdapter

from kasparro.api import asked
from kasparro.api.comparison import compared
from kasparro.api.comparison_schemas import Comparison, SnapshotDifference
from kasparro.api.keys import POOL, POOLS
from kasparro.api.openapi import documented
from kasparro.api.problems import Problem
from kasparro.api.queries import CompareQuery, NoQuery, RunPath, RunsQuery
from kasparro.api.replies import passed_on
from kasparro.api.run_schemas import RunDetails, Runs, Stats
from kasparro.api.snapshots import Untold, difference
from kasparro.store import reports
from kasparro.store.pool import Connection
from kasparro.store.reading import reading

_REMEMBERED = 20  # runs that tell how long a run usually takes


@documented(
    tags=["runs"],
    summary="What each source has done over all its runs",
    query=NoQuery,
    responses={200: {"model": Stats}, 400: "BadRequest", 503: "Unavailable"},
)
async def stats(request: web.Request) -> web.StreamResponse:
    asked.query(request, NoQuery)
    async with reading(request.app[POOL]) as conn:
        return passed_on(await reports.stats(conn))


@documented(
    tags=["runs"],
    summary="The latest runs",
    query=RunsQuery,
    responses={200: {"model": Runs}, 400: "BadRequest", 503: "Unavailable"},
)
async def latest(request: web.Request) -> web.StreamResponse:
    query = asked.query(request, RunsQuery)
    async with reading(request.app[POOL]) as conn:
        return passed_on(await reports.runs(conn, sources=query.source, limit=query.limit))


@documented(
    tags=["runs"],
    summary="Everything about one run",
    path=RunPath,
    query=NoQuery,
    responses={200: {"model": RunDetails}, 400: "BadRequest", 404: "NotFound", 503: "Unavailable"},
)
async def details(request: web.Request) -> web.StreamResponse:
    asked.query(request, NoQuery)
    run_id = asked.path(request, RunPath).run_id
    async with reading(request.app[POOL]) as conn:
        return passed_on(await _text(conn, run_id))


@documented(
    tags=["runs"],
    summary="One run judged against another",
    description="Two runs by id, or the last two finished of a source. Anomalies of the later are named. "
    "How their coins differ is read from the raw pages, while these are kept.",
    query=CompareQuery,
    responses={200: {"model": Comparison}, 400: "BadRequest", 404: "NotFound", 503: "Unavailable"},
)
async def compare(request: web.Request) -> web.StreamResponse:
    query = asked.query(request, CompareQuery)
    async with reading(request.app[POOLS].market) as conn:
        first, second = await _pair(conn, query)
        a = RunDetails.model_validate_json(await _text(conn, first))
        b = RunDetails.model_validate_json(await _text(conn, second))
        if a.source_name != b.source_name:
            raise Problem(400, f"run {first} is of {a.source_name}, run {second} of {b.source_name}")
        history = await reports.history(conn, b.source_name, before=second, limit=_REMEMBERED)
        try:
            snapshots, reason = await difference(conn, a, b, limit=query.limit), None
        except Untold as untold:
            snapshots, reason = "null", str(untold)
    model = TypeAdapter(SnapshotDifference | None).validate_json(snapshots)
    # the figures of the coins are passed on as PostgreSQL printed them, digit for digit
    rest = compared(a, b, history, model, reason).model_dump_json(exclude={"snapshots"})
    return passed_on(f'{rest[:-1]},"snapshots":{snapshots}}}')


async def _pair(conn: Connection, query: CompareQuery) -> tuple[int, int]:
    if query.a is not None and query.b is not None:
        return query.a, query.b
    source = str(query.source)
    match await reports.last_finished(conn, source):
        case [first, second]:
            return first, second
    raise Problem(404, f"{source} has not finished two runs yet")


async def _text(conn: Connection, run_id: int) -> str:
    text = await reports.run(conn, run_id)
    if text is None:
        raise Problem(404, f"there is no run {run_id}")
    return text
