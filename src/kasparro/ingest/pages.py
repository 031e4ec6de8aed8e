"""Reads an API source page by page: each answer becomes a delivery, its records parsed as they are iterated."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kasparro.domain import Closing, Delivery, Duplicate, Entry, Page, Rejection, Response, Ticker
from kasparro.errors import Rejected
from kasparro.ingest.drift import Baseline, Profile, baseline
from kasparro.ingest.transport import Transport
from kasparro.settings import ApiOptions
from kasparro.sources import json_list
from kasparro.sources.base import ApiSource


async def deliveries(
    source: ApiSource, options: ApiOptions, transport: Transport, cursor: Mapping[str, Any]
) -> AsyncIterator[Delivery]:
    """The pages of a snapshot, from `cursor` (empty: the first) to its end.

    The next request goes out when the records of the page before it are parsed, while they are being committed.
    """
    snapshot = _Snapshot(source, options, baseline(source))
    number, following = 1, cursor
    while number == 1 or following:
        response = await transport.send(source.request(options, following))
        reading = _Reading(snapshot, following, response, Profile(snapshot.baseline))
        yield Delivery(_page(number, response), reading.entries(), reading.close)
        number, following = number + 1, reading.following


@dataclass(slots=True)
class _Snapshot:
    """What the pages of one snapshot share: the coins that it brought so far, with the time of each."""

    source: ApiSource
    options: ApiOptions
    baseline: Baseline
    seen: dict[str, datetime | None] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)

    def is_news(self, record: bytes) -> bool:
        """Whether a rejected record comes for the first time: a page of them alone is no end of the snapshot."""
        before = len(self.refused)
        self.refused.add(hash(record))
        return len(self.refused) > before

    def is_repeated(self, ticker: Ticker) -> bool:
        """Whether the coin was there before with nothing newer: ranks move while we page, and so do coins."""
        if ticker.coin_id not in self.seen:
            return False
        before, now = self.seen[ticker.coin_id], ticker.source_updated_at
        return now is None or (before is not None and now <= before)


@dataclass(slots=True)
class _Reading:
    """One page while it is read."""

    snapshot: _Snapshot
    cursor: Mapping[str, Any]
    response: Response
    profile: Profile
    fresh: int = 0
    following: Mapping[str, Any] = field(default_factory=dict)

    def entries(self) -> Iterator[Entry | Rejection | Duplicate]:
        snapshot = self.snapshot
        for record in snapshot.source.records(self.response):
            ticker = snapshot.source.ordinary(record)
            if ticker is None or self.profile.misses(record.body):
                self.profile.see(json_list.outline(record))
            try:
                ticker = ticker or snapshot.source.ticker(record)
            except Rejected as rejected:
                self.fresh += snapshot.is_news(record.body)
                yield Rejection(record.position, record.text, rejected.faults)
                continue
            if snapshot.is_repeated(ticker):
                yield Duplicate(record.position)
                continue
            self.fresh += ticker.coin_id not in snapshot.seen
            snapshot.seen[ticker.coin_id] = ticker.source_updated_at
            yield Entry(record.position, ticker)

    def close(self) -> Closing:
        self.following = self.snapshot.source.following(self.snapshot.options, self.cursor, self.fresh)
        return Closing(self.following, self.profile.drifts())


def _page(number: int, response: Response) -> Page:
    checksum = hashlib.sha256(response.body).digest()
    text = response.body.decode("utf-8", "backslashreplace")
    simulated = "x-kasparro-simulated" in response.headers
    return Page(number, response.url, response.status, text, checksum, response.fetched_at, simulated=simulated)
