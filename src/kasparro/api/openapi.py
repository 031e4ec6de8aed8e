"""The OpenAPI 3.1 document, from the `@docs` of the handlers and the pydantic models named there.

aiohttp-apispec writes Swagger 2.0 from marshmallow; only its decorator and its walk over the routes are used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler
from aiohttp_apispec import AiohttpApiSpec, docs
from apispec import APISpec
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from kasparro import __version__
from kasparro.api import asked, queries
from kasparro.api.accept import MEDIA_TYPES
from kasparro.api.keys import OPENAPI
from kasparro.api.replies import passed_on
from kasparro.api.schemas import ProblemDetails

_DESCRIPTION = """Cryptocurrency market data from several sources, side by side.

An error is `application/problem+json` (RFC 9457). An unknown or repeated parameter is an error, but for /health.
Send `X-Request-ID` to find your request in the log; it comes back on every answer.
"""
_PROBLEMS = {
    "BadRequest": "A parameter is wrong; `errors` names each",
    "Unauthorized": "The admin key is missing or wrong",
    "Forbidden": "No admin key is configured",
    "NotFound": "There is no such thing",
    "Conflict": "Not as things stand; `detail` says why",
    "TooLarge": "The body is too large",
    "Unavailable": "The database is away, or nobody does it now; try again after `Retry-After` seconds",
    "Other": "What any route may answer: 401 without a key where one is needed, 406 where nothing suits "
    "Accept-Encoding, 414 or 431 to an address or a header that is too long, 429 beyond the rate of a client",
}
_SECURITY = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
_TAKEN_OVER = ("operationId", "tags", "summary", "description", "security")

EXPORTED = {media_type: {"schema": {"type": "string"}} for media_type in MEDIA_TYPES.values()}
"""The content of a response that may be all rows at once."""

Schema = dict[str, Any]
Operation = Mapping[str, Any]
Decorated = TypeVar("Decorated", bound=Handler)


def documented(**operation: Any) -> Callable[[Decorated], Decorated]:
    """aiohttp-apispec's `docs`, with types and the operation's name.

    `query`, `path` and `body` are models of what is asked. A response is the name of a problem, or
    a mapping with `model`, `description` and `content`.
    """

    def decorate(handler: Decorated) -> Decorated:
        name = f"{handler.__module__.rpartition('.')[2]}_{handler.__name__}"
        documented: Decorated = docs(operationId=name, **operation)(handler)
        return documented

    return decorate


async def document(request: web.Request) -> web.StreamResponse:
    """`/openapi.json`."""
    asked.query(request, queries.NoQuery)
    return passed_on(request.app[OPENAPI])


class PydanticApiSpec(AiohttpApiSpec):  # type: ignore[misc]  # the library has no types
    """Collects the operations of the routes of `app`, and writes them down with their models' schemas."""

    def __init__(self, app: web.Application, *, sources: Sequence[str]) -> None:
        super().__init__(title="Kasparro", version=__version__)
        self.spec = APISpec(
            title="Kasparro",
            version=__version__,
            openapi_version="3.1.1",
            plugins=(),
            tags=[{"name": name} for name in ("data", "assets", "coingecko", "health", "runs", "quality")],
            info={"description": _DESCRIPTION, "license": {"name": "MIT", "identifier": "MIT"}},
        )
        self._sources = sources
        self._operations: list[tuple[str, str, Operation]] = []
        self.register(app)
        self._write()

    def text(self) -> bytes:
        """The document as JSON."""
        return orjson.dumps(_with_names(self.spec.to_dict(), self._sources))

    def register(self, app: web.Application, in_place: bool = True) -> None:
        """Without the routes and the application keys that the library would add."""
        self._register(app)

    def _register(self, app: web.Application) -> None:
        for route in app.router.routes():
            if route.method != "HEAD":
                self._register_route(route, route.method.lower(), route.handler)

    def _update_paths(self, data: Operation, method: str, url_path: str) -> None:
        self._operations.append((url_path, method, data))

    def _write(self) -> None:
        schemas = self._schemas()
        for name, description in _PROBLEMS.items():
            content = _content(ProblemDetails, "application/problem+json")
            self.spec.components.response(name, {"description": description, **content})
        for name, scheme in _SECURITY.items():
            self.spec.components.security_scheme(name, scheme)
        for name, schema in schemas.items():
            self.spec.components.schema(name, schema)
        for path, method, operation in self._operations:
            written = self._operation(operation)
            if method == "get":
                written["responses"]["304"] = {"description": "What `If-None-Match` names is what there is"}
            self.spec.path(path=path, operations={method: written})

    def _schemas(self) -> Schema:
        """Of every model in a body, and of the models inside them."""
        models: list[type[BaseModel]] = list(dict.fromkeys([ProblemDetails, *self._models()]))
        _, definitions = models_json_schema(
            [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
        )
        return dict(definitions["$defs"])

    def _models(self) -> Iterator[type[BaseModel]]:
        for _, _, operation in self._operations:
            if "body" in operation:
                yield operation["body"]
            for told in operation["responses"].values():
                if "model" in told and not isinstance(told, str):
                    yield told["model"]

    def _operation(self, operation: Operation) -> Schema:
        written: Schema = {key: operation[key] for key in _TAKEN_OVER if key in operation}
        written["parameters"] = [
            self._parameter(name, place, schema, name in required)
            for place in ("path", "query")
            for name, schema, required in _fields(operation.get(place))
        ]
        if "body" in operation:
            written["requestBody"] = {"required": True, **_content(operation["body"])}
        responses = operation["responses"]
        written["responses"] = {str(code): _response(code, told) for code, told in responses.items()}
        written["responses"].setdefault("default", "Other")
        return written

    def _parameter(self, name: str, place: str, schema: Schema, is_required: bool) -> Schema:
        parameter: Schema = {"name": name, "in": place, "required": is_required}
        if description := schema.pop("description", None):
            parameter["description"] = description
        if schema.get("type") == "array":
            parameter |= {"style": "form", "explode": False}
        return parameter | {"schema": schema}


def _with_names(value: Any, sources: Sequence[str]) -> Any:
    """The document with the names of the sources, which the models do not know."""
    match value:
        case {"type": "string", "format": queries.SOURCE_FORMAT}:
            return {"type": "string", "enum": list(sources)}
        case dict():
            return {key: _with_names(inner, sources) for key, inner in value.items()}
        case list():
            return [_with_names(inner, sources) for inner in value]
    return value


def _fields(model: type[BaseModel] | None) -> Iterator[tuple[str, Schema, list[str]]]:
    """Each field of a model of parameters, its schema, and which fields are required.

    A null only stands for "not given" in the model; it cannot be sent, and so is no part of the schema.
    """
    if model is None:
        return
    whole = model.model_json_schema()
    for name, schema in whole.get("properties", {}).items():
        given = [choice for choice in schema.pop("anyOf", ()) if choice != {"type": "null"}]
        if given:
            schema |= given[0]
            schema.pop("default", None)
        yield name, schema, whole.get("required", [])


def _response(code: int | str, told: str | Mapping[str, Any]) -> Any:
    if isinstance(told, str):
        return told
    content = _content(told["model"]) if "model" in told else {"content": {}}
    content["content"] |= told.get("content", {})
    return {"description": told.get("description") or HTTPStatus(int(code)).phrase, **content}


def _content(model: type[BaseModel], media_type: str = "application/json") -> Schema:
    return {"content": {media_type: {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}}
