"""The OpenAPI document is valid, complete, and what the service really answers."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from kasparro.api.data_query import DataQuery

UNDOCUMENTED = {"/docs", "/static/{name}", "/openapi.json"}
JSON = ("application/json", "application/problem+json")
ANSWERS = [
    ("/", "/", 200),
    ("/data", "/data?source=csv,coingecko", 200),
    ("/data", "/data?fields=rank,ath_at&sort=-price_usd,name&page_size=1", 200),
    ("/data", "/data?as_of=2000-01-01T00:00:00Z", 400),
    ("/data", "/data?page=0", 400),
    ("/assets", "/assets", 200),
    ("/assets", "/assets?fields=price,name", 200),
    ("/assets", "/assets?x=1", 400),
    ("/assets/{asset_id}", "/assets/nothing", 404),
    ("/assets/{asset_id}/price", "/assets/nothing/price", 404),
    ("/assets/{asset_id}/price", "/assets/x-y/price", 200),
    ("/coins/{source}/{coin_id}", "/coins/csv/x", 200),
    ("/coins/{source}/{coin_id}", "/coins/csv/y", 200),
    ("/coins/{source}/{coin_id}", "/coins/csv/z", 404),
    ("/coins/{source}/{coin_id}", "/coins/x/y", 400),
    ("/coins/{source}/{coin_id}/raw", "/coins/csv/x/raw", 200),
    ("/coins/{source}/{coin_id}/raw", "/coins/coingecko/x/raw", 404),
    ("/coins/{source}/{coin_id}/history", "/coins/csv/x/history", 200),
    ("/coins/{source}/{coin_id}/history", "/coins/csv/z/history", 404),
    ("/coins/{source}/{coin_id}/history", "/coins/csv/x/history?since=x", 400),
    ("/sources", "/sources", 200),
    ("/sources", "/sources?x=1", 400),
    ("/stats", "/stats", 200),
    ("/stats", "/stats?x=1", 400),
    ("/quota", "/quota", 200),
    ("/quota", "/quota?x=1", 400),
    ("/runs", "/runs", 200),
    ("/runs/{run_id}", "/runs/2", 200),
    ("/runs/{run_id}", "/runs/99", 404),
    ("/runs/{run_id}", "/runs/x", 400),
    ("/runs/compare", "/runs/compare?source=csv", 200),
    ("/runs/compare", "/runs/compare?a=1&b=99", 404),
    ("/drift", "/drift", 200),
    ("/rejects", "/rejects", 200),
    ("/health", "/health", 200),
    ("/health/live", "/health/live", 200),
    ("/health/ready", "/health/ready", 200),
]


@pytest.fixture
async def document(get: Any) -> Any:
    return await get("/openapi.json")


async def test_is_valid_openapi_3_1(document: Any) -> None:
    assert document["openapi"] == "3.1.1"
    validate(document)


async def test_documents_every_route(document: Any, client: Any) -> None:
    routes = {
        (route.resource.canonical, route.method.lower())
        for route in client.app.router.routes()
        if route.method != "HEAD"
    }
    documented = {(path, method) for path, item in document["paths"].items() for method in item}
    assert {route for route in routes if route[0] not in UNDOCUMENTED} == documented


async def test_parameters_are_as_they_are_checked(document: Any) -> None:
    parameters = {each["name"]: each for each in document["paths"]["/data"]["get"]["parameters"]}
    assert list(parameters) == list(DataQuery.model_fields)
    assert parameters["page_size"]["schema"]["maximum"] == 100
    assert parameters["source"]["schema"]["items"]["enum"] == ["coinpaprika", "coingecko", "csv"]
    assert (parameters["symbol"]["style"], parameters["symbol"]["explode"]) == ("form", False)
    assert "anyOf" not in str(parameters)


async def test_operations_have_names_of_their_own(document: Any) -> None:
    names = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(set(names)) == len(names)


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(("path", "url", "status"), ANSWERS)
async def test_answers_are_as_documented(get: Any, document: Any, path: str, url: str, status: int) -> None:
    told = document["paths"][path]["get"]["responses"][str(status)]
    if "$ref" in told:
        told = document["components"]["responses"][told["$ref"].rpartition("/")[2]]
    [content] = [told["content"][kind] for kind in JSON if kind in told["content"]]
    schema = {**_closed(content["schema"]), "components": _closed(document["components"])}
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert list(validator.iter_errors(await get(url, status=status))) == []


def _closed(schema: Any) -> Any:
    """The schema with no room for fields that are not documented; inherited ones are written out by pydantic."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    is_object = closed.get("type") == "object" and "properties" in closed
    return closed | {"additionalProperties": False} if is_object else closed
