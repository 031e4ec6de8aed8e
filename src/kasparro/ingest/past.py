"""What a vendor answers of the past of a coin: a page in a stream of the coin's own, and its points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kasparro.domain import Coin, Entry, Page, Rejection, Response
from kasparro.errors import Rejected
from kasparro.ingest.pages import page_of
from kasparro.sources.base import ApiSource

_STREAM = "past of "


def page(number: int, response: Response, coin: Coin) -> Page:
    """The page; `reading` tells that it is no snapshot, and whose past it is."""
    return replace(page_of(number, response), stream=_STREAM + coin.coin_id, reading={"past": coin.coin_id})


def coin(stream: str) -> Coin | None:
    """Whose past a stream is; None where it is none."""
    coin_id = stream.removeprefix(_STREAM)
    return None if coin_id == stream else Coin(coin_id, coin_id)


def points(source: ApiSource, response: Response, coin: Coin) -> Iterator[Entry | Rejection]:
    """The points of the answer, each judged as it is asked for."""
    for record in source.points(response):
        try:
            yield Entry(record.position, source.point(record, coin))
        except Rejected as rejected:
            yield Rejection(record.position, record.text, rejected.faults)
