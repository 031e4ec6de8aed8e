"""What CoinGecko's clients may ask; what our data cannot honour is refused by name, never ignored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from aiohttp import web
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from kasparro.api.problems import Problem
from kasparro.api.queries import Query
from kasparro.api.v3.units import UNITS
from kasparro.store.gecko import Choice, Unit

KEYS = ("x_cg_demo_api_key", "x_cg_pro_api_key")
"""Where clients put their key; `access` looks at it."""
_MOST_TOKENS = 50

Asked = TypeVar("Asked", bound=Query)


def query(request: web.Request, model: type[Asked]) -> Asked:
    """The query string as `model`; raises Problem with CoinGecko's own words where it has any."""
    given = {name: value for name, value in request.query.items() if name not in KEYS}
    for name in given:
        if len(request.query.getall(name)) > 1:
            raise Problem(400, f"invalid {name[:100]}: it is given more than once")
    try:
        return model.model_validate(given)
    except ValidationError as error:
        [item, *_] = error.errors(include_url=False, include_input=False)
        raise _bad(item, model) from None


def _bad(item: Mapping[str, Any], model: type[Query]) -> Problem:
    name = str(item["loc"][0]) if item["loc"] else ""
    match item["type"]:
        case "missing":
            return Problem(422, f"Missing parameter {name}")
        case "extra_forbidden":
            known = ", ".join(field.alias or name for name, field in model.model_fields.items())
            return Problem(400, f"invalid parameter {name[:100]}; there are {known}" if known else "no parameters here")
    message = item["msg"].removeprefix("Value error, ")
    return Problem(400, message if name in message else f"invalid {name}: {message}" if name else message)


def _items(value: object) -> object:
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _currency(name: str) -> Callable[[str], str]:
    def known(code: str) -> str:
        if code not in UNITS:
            raise ValueError(f"invalid {name}")
        return code

    return known


def _unheld(name: str) -> Callable[[str], str]:
    def refused(value: str) -> str:
        if value not in ("", "false"):
            raise ValueError(f"{name} is not supported here: nothing is known of it")
        return value

    return refused


def digits(precision: str) -> int | None:
    """Digits behind the point; None is all that there are."""
    return None if precision == "full" else int(precision)


Names = Annotated[list[Annotated[str, Field(max_length=1000, pattern=r"^[^\x00]*$")]], BeforeValidator(_items)]
LowerNames = Annotated[Names, BeforeValidator(_lower)]
Precision = Annotated[str, Field(pattern=r"^(full|\d|1[0-8])$")]
Currency = Annotated[str, BeforeValidator(_lower), AfterValidator(_currency("vs_currency"))]


class Lookup(Query):
    """Which coins are asked for. `ids` count before `names`, and those before `symbols`, as with CoinGecko."""

    ids: Names | None = None
    """Ids, with commas."""
    names: LowerNames | None = None
    """Names, with commas."""
    symbols: LowerNames | None = None
    """Symbols, with commas."""
    include_tokens: Literal["top", "all"] = "top"
    """Of the coins that share a symbol: the largest alone, or all, of at most 50 symbols."""

    def choice(self) -> Choice | None:
        """The coins; None where none is named."""
        every = self.include_tokens == "all"
        if self.ids:
            return Choice(ids=self.ids)
        if self.names:
            return Choice(names=self.names)
        if every and len(self.symbols or ()) > _MOST_TOKENS:
            raise Problem(400, f"include_tokens=all takes at most {_MOST_TOKENS} symbols")
        return Choice(symbols=self.symbols, every_token=every) if self.symbols else None


class PriceQuery(Lookup):
    vs_currencies: Annotated[
        list[Annotated[str, AfterValidator(_currency("vs_currencies"))]],
        BeforeValidator(_items),
        BeforeValidator(_lower),
    ]
    """What prices are told in, with commas: see `/simple/supported_vs_currencies`."""
    include_market_cap: bool = False
    include_24hr_vol: bool = False
    include_24hr_change: bool = False
    include_last_updated_at: bool = False
    precision: Precision = "full"
    """Digits of the price behind the point; `full` is all that there are."""

    def units(self) -> Sequence[Unit]:
        """Each once, in the order asked for."""
        return [UNITS[code] for code in dict.fromkeys(self.vs_currencies)]

    def figures(self) -> list[str]:
        """What is asked for beside the price, as `store.gecko` names it."""
        wanted = {
            "_market_cap": self.include_market_cap,
            "_24h_vol": self.include_24hr_vol,
            "_24h_change": self.include_24hr_change,
            "last_updated_at": self.include_last_updated_at,
        }
        return [name for name, is_wanted in wanted.items() if is_wanted]


class ListQuery(Query):
    include_platform: bool = False
    """With the addresses of contracts, by chain."""
    status: Literal["active", "inactive"] = "active"
    """inactive: those that two whole snapshots missed."""


class MarketsQuery(Lookup):
    vs_currency: Currency
    """What amounts are told in: see `/simple/supported_vs_currencies`. High, low, all-time high and low are kept in US
    dollars alone: null else."""
    order: Literal["market_cap_desc", "market_cap_asc", "volume_desc", "volume_asc", "id_asc", "id_desc"] = (
        "market_cap_desc"
    )
    per_page: Annotated[int, Field(ge=1)] = 100
    """More than 250 is 250."""
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """From 1; behind the last there is an empty list."""
    sparkline: bool = False
    """With the price at the end of each hour of the last week in which there was one."""
    price_change_percentage: (
        Annotated[list[Literal["1h", "24h", "7d", "14d", "30d", "200d", "1y"]], BeforeValidator(_items)] | None
    ) = None
    """Windows, with commas. All but 24h are from the ticks that are kept here; null where there is none so old."""
    precision: Precision = "full"
    """Digits of prices behind the point; `full` is all that there are."""
    locale: Literal["en"] = "en"
    category: Annotated[str, AfterValidator(_unheld("category"))] = ""
    """Refused: no categories are kept here."""
    include_rehypothecated: Annotated[str, AfterValidator(_unheld("include_rehypothecated"))] = "false"
    """Refused, unless false: no such ranks are kept here."""
