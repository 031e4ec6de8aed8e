"""Which columns of a CSV file say what: the headers that people and vendors write, mapped to our fields."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from kasparro.domain import Fault
from kasparro.errors import Rejected
from kasparro.sources.csv_cells import slug
from kasparro.sources.csv_contracts import Addresses, addresses
from kasparro.sources.csv_text import next_row

Meaning = Literal["text", "id_of_name", "usd_pair", "rank", "amount", "nonzero", "figure", "moment", "observed"]

# Headers as `_plain` leaves them; the name of the field itself is always one. Where a file has several for one field,
# the first is taken: what names dollars before what does not, the close of a day before its price and before its date.
_HEADERS: Mapping[str, tuple[Meaning, str]] = {
    "coin_id": ("text", "slug coingeckocoinid coingeckoid coinpaprikaid id"),
    "name": ("text", "coinname cryptocurrency"),
    "symbol": ("text", "coinsymbol ticker"),
    "rank": ("rank", "marketcaprank ranknow cmcrank"),
    "price_usd": ("amount", "closeusd close closeprice usdprice currentprice price lastprice"),
    "market_cap_usd": ("amount", "usdmarketcap marketcap mcap marketcapitalization"),
    "fully_diluted_valuation_usd": ("amount", "fullydilutedvaluation fullydilutedmarketcap fdv"),
    "volume_24h_usd": (
        "amount",
        # an exchange's plain volume counts coins where it has a quote volume too
        "volumeusd usd24hvol volumeusdt quotevolume quoteassetvolume totalvolume volume24h 24hvolume volume",
    ),
    "open_usd": ("amount", "open openprice"),
    "high_usd": ("amount", "high highprice high24h"),
    "low_usd": ("amount", "low lowprice low24h"),
    "price_change_1h_percent": ("figure", "percentchange1h pricechangepercentage1hincurrency 1hpercent"),
    "price_change_24h_percent": (
        "figure",
        "percentchange24h pricechangepercentage24h pricechangepercentage24hincurrency 24hpercent",
    ),
    "price_change_7d_percent": (
        "figure",
        "percentchange7d pricechangepercentage7d pricechangepercentage7dincurrency 7dpercent",
    ),
    "circulating_supply": ("amount", "availablesupply"),
    "total_supply": ("amount", ""),
    "max_supply": ("amount", ""),
    "ath_usd": ("amount", "ath"),
    "ath_at": ("moment", "athdate"),
    "atl_usd": ("amount", "atl"),
    "atl_at": ("moment", "atldate"),
    "source_updated_at": (
        "observed",
        "timeclose closetime snappedat date datetime timestamp unixtimestamp unix time"
        " observedat lastupdated updatedat",
    ),
}
_FIELDS = {
    field: (meaning, [field.replace("_", ""), *headers.split()]) for field, (meaning, headers) in _HEADERS.items()
}
_KNOWN = {header for _, headers in _FIELDS.values() for header in headers}
_DELIMITERS = (",", ";", "\t", "|")
_MAY_BE_BLANK = {"lastupdated", "sourceupdatedat", "updatedat"}  # a snapshot lists coins that were never updated
_OF_MANY_COINS = {"symbol", "coinsymbol", "ticker", "coin", "currency", "crypto", "asset", "token", "pair"}


PAIR = "BTCUSD"
"""A symbol that tells that all symbols of a file are pairs with the dollar."""


class Column(NamedTuple):
    """A column that we read: our field, its place, its own header, what its cells mean."""

    field: str
    place: int
    header: str
    meaning: Meaning
    required: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """How the rows of one file are read. `coin`: id and name of its one coin, where no column tells; `addresses`: where
    the contracts of tokens are, if anywhere.
    """

    delimiter: str
    width: int
    columns: tuple[Column, ...]
    coin: tuple[str, str] | None = None
    addresses: Addresses | None = None

    @property
    def observed(self) -> Column | None:
        """The column that tells when a row was observed; None for a snapshot."""
        return next((column for column in self.columns if column.meaning == "observed"), None)

    @property
    def has_pairs(self) -> bool:
        """Whether its symbols are pairs with the dollar."""
        return any(column.meaning == "usd_pair" for column in self.columns)


def delimiter(line: str) -> str:
    """The delimiter of a header line: the one that parts it into most headers that we know."""

    def known(mark: str) -> int:
        return sum(_plain(cell) in _KNOWN for cell in next_row(csv.reader([line], delimiter=mark)) or ())

    return max(_DELIMITERS, key=known)


def layout(
    header: Sequence[str], sample: Iterable[Sequence[str]], *, delimiter: str, stem: str, line: int = 1
) -> Layout:
    """The layout under the header of line `line`, given the first rows and the file's name without its suffix.

    Raises Rejected with the reason where no ticker can be made of such rows.
    """
    places: dict[str, int] = {}
    for index, cell in enumerate(header):
        places.setdefault(_plain(cell), index)
    _translate(places)
    columns = [_told_by(column, places, sample) for column in _columns(header, places)]
    fields = {column.field for column in columns}
    if reason := _unusable(fields, places):
        raise Rejected((Fault(f"line {line}", reason, delimiter.join(header)[:200]),))
    if "coin_id" not in fields:
        names = [column for column in columns if column.field == "name"]
        columns += [name._replace(field="coin_id", meaning="id_of_name", required=True) for name in names]
    coin = None if fields & {"coin_id", "name"} else (slug(stem) or stem, stem)
    return Layout(delimiter, len(header), tuple(columns), coin, addresses(places))


def _plain(header: str) -> str:
    """`Market Cap ($)` -> `marketcap`, `24h %` -> `24hpercent`; what is not UTF-8 stays, and is no header."""
    return re.sub(r"[^\w\ufffd]|_", "", header.replace("%", "percent").casefold())


def _translate(places: dict[str, int]) -> None:
    """Headers that mean something else in the files of one vendor."""
    if {"timehigh", "timelow", "name"} <= places.keys():
        del places["name"]  # CoinMarketCap's export: the number of the currency that it quotes
    if {"ranknow", "market"} <= places.keys():
        places.setdefault("marketcap", places["market"])  # the crypto package of R


def _columns(header: Sequence[str], places: Mapping[str, int]) -> Iterator[Column]:
    for field, (meaning, headers) in _FIELDS.items():
        found = [name for name in headers if name in places]
        # a day without a close may still have a price
        for name in found if found and found[0].startswith("close") and field == "price_usd" else found[:1]:
            required = field == "coin_id" or (meaning == "observed" and name not in _MAY_BE_BLANK)
            yield Column(field, places[name], header[places[name]].strip(), meaning, required)


def _told_by(column: Column, places: Mapping[str, int], sample: Iterable[Sequence[str]]) -> Column:
    """The column as the rest of the file shows it to be meant."""
    cells = (row[column.place].strip() for row in sample if len(row) > column.place)
    if column.field == "market_cap_usd" and "snappedat" in places:
        return column._replace(meaning="nonzero")  # CoinGecko's export writes 0 where it has no market cap
    if column.field == "symbol" and PAIR in cells:
        return column._replace(meaning="usd_pair")
    return column


def _unusable(fields: set[str], places: Mapping[str, int]) -> str | None:
    """Why no ticker can be made of rows with these fields."""
    dated = "source_updated_at" in fields
    if not fields & {field for field, (meaning, _) in _FIELDS.items() if meaning in ("amount", "figure")}:
        return "no usable header: no column for a price, a market cap, a volume or a supply"
    if not dated and {"open", "close"} <= places.keys():
        return "a history without a column for its dates"
    if not fields & {"coin_id", "name"} and (not dated or _OF_MANY_COINS & places.keys()):
        return "no column tells the coin: coin_id, id, slug or name"
    return None
