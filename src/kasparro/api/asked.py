"""Reads a request into its model; what is wrong becomes a 400 that names each parameter."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from aiohttp import web
from pydantic import ValidationError

from kasparro.api.accept import takes_plain
from kasparro.api.keys import SOURCES
from kasparro.api.problems import Problem, Wrong
from kasparro.api.queries import Query

_PATIENCE = 10.0  # seconds for a body of some kilobytes

Asked = TypeVar("Asked", bound=Query)


def query(request: web.Request, model: type[Asked]) -> Asked:
    """The query string as `model`."""
    repeated = [name for name in dict.fromkeys(request.query) if len(request.query.getall(name)) > 1]
    if repeated:
        raise _bad([Wrong(name, "query", "is given more than once") for name in repeated])
    return _checked(request, model, model.model_validate, dict(request.query), "query")


def path(request: web.Request, model: type[Asked]) -> Asked:
    """The parts of the path as `model`."""
    return _checked(request, model, model.model_validate, dict(request.match_info), "path")


def plain(request: web.Request) -> None:
    """Raises Problem where the client does not take what is sent as it is, which the answer will be."""
    if not takes_plain(request):
        raise Problem(406, "this is never packed, and Accept-Encoding refuses identity")


async def body(request: web.Request, model: type[Asked]) -> Asked:
    """The JSON body as `model`."""
    return _checked(request, model, model.model_validate_json, await _received(request), "body")


async def _received(request: web.Request) -> bytes:
    """The body. One that stops coming costs its sender the answer, and us no more than a while."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await request.read()
    except TimeoutError:
        raise Problem(408, f"the body does not end within {_PATIENCE:g} seconds") from None
    except (ConnectionResetError, web.RequestPayloadError):
        raise Problem(400, "the body breaks off, or is not encoded as its headers say") from None


def _checked(
    request: web.Request,
    model: type[Asked],
    validate: Callable[..., Asked],
    given: Mapping[str, str] | bytes,
    place: str,
) -> Asked:
    try:
        return validate(given, context={"sources": request.app[SOURCES]})
    except ValidationError as error:
        items = error.errors(include_url=False, include_input=False)
        raise _bad([_wrong(item, model, place) for item in items]) from None


def _wrong(item: Mapping[str, Any], model: type[Query], place: str) -> Wrong:
    name = str(item["loc"][0]) if item["loc"] else place
    if item["type"] == "extra_forbidden":
        known = ", ".join(field.alias or name for name, field in model.model_fields.items())
        return Wrong(name, place, f"is unknown; there are {known}" if known else "is unknown; there are none")
    return Wrong(name, place, item["msg"].removeprefix("Value error, "))


def _bad(wrong: list[Wrong]) -> Problem:
    return Problem(400, "; ".join(f"{name[:100]}: {detail}" for name, _, detail in wrong), wrong=wrong)
