"""How routes below `/api/v3` are documented and answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp.typedefs import Handler
from pydantic import BaseModel

from kasparro.api.cache import Body
from kasparro.api.openapi import documented
from kasparro.api.problems import Problem
from kasparro.api.queries import NoQuery, Query
from kasparro.api.v3.schemas import Refusal
from kasparro.store.gecko import Told


def answers(
    model: type[BaseModel], *, summary: str, description: str = "", query: type[Query] = NoQuery, **more: Any
) -> Callable[[Handler], Handler]:
    """Documents a route of CoinGecko's shape: `model` is what it answers, every error is a `Refusal`."""
    return documented(
        tags=["coingecko"],
        summary=summary,
        description=description,
        query=query,
        responses={
            200: {"model": model},
            "default": {"model": Refusal, "description": "An error, as CoinGecko tells it"},
        },
        **more,
    )


def told(answer: Told, parameter: str) -> Body:
    """The text as it is; raises Problem where a unit's rate is not known now."""
    if answer.unknown:
        raise Problem(400, f"invalid {parameter}")
    return Body(answer.text.encode(), {})
