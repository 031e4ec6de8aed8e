"""Reads an API source page by page: each answer becomes a delivery, its records parsed as they are iterated."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

from kasparro.domain import (
    Census,
    Closing,
    Delivery,
    Duplicate,
    Entry,
    Page,
    Portrait,
    Record,
    Rejection,
    Response,
    Share,
    Ticker,
)
from kasparro.errors import Rejected
from kasparro.ingest.drift import Baseline, Profile, baseline
from kasparro.ingest.portraits import paint
from kasparro.ingest.sample import Sample, closely
from kasparro.ingest.transport import Transport
from kasparro.ingest.unchanged import NONE, Known
from kasparro.settings import ApiOptions
from kasparro.sources import json_list
from kasparro.sources.base import ApiSource


async def deliveries(
    source: ApiSource,
    options: ApiOptions,
    transport: Transport,
    cursor: Mapping[str, Any],
    known: Mapping[int, Known] = NONE,
) -> AsyncIterator[Delivery]:
    """The pages of a snapshot, from `cursor` (empty: the first) to its end; of those that are `known` nothing is read.

    The next request goes out when the records of the page before it are parsed, while they are being committed.
    """
    snapshot = Snapshot(source, options, baseline(source), is_resumed=bool(cursor))
    number, following = 1, cursor
    while number == 1 or following:
        response = await transport.send(source.request(options, following))
        page, same = page_of(number, response), known.get(number)
        reading: _Reading | _Repetition
        if same and same.is_again(page, snapshot.seen.keys()):
            page = replace(page, same_as=same.raw_id)
            reading = _Repetition(snapshot, following, response, same)
        else:
            profile, sample = Profile(snapshot.baseline, response.body), closely(number, _part(following))
            reading = _Reading(snapshot, following, response, profile, len(snapshot.seen), sample)
        yield Delivery(page, reading.entries(), reading.close)
        number, following = number + 1, reading.following


@dataclass(slots=True)
class Snapshot:
    """What the pages of one snapshot share: the coins that it brought so far, with the time of each."""

    source: ApiSource
    options: ApiOptions
    baseline: Baseline
    is_resumed: bool = False
    seen: dict[str, datetime | None] = field(default_factory=dict)
    refused: dict[int, str | None] = field(default_factory=dict)
    shares: list[Share] = field(default_factory=list)

    def is_news(self, record: Record) -> bool:
        """Whether a rejected record comes for the first time: a page of them alone is no end of the snapshot."""
        key = hash(record.body)
        if key in self.refused:
            return False
        self.refused[key] = self.source.coin_id(record)
        return True

    def is_repeated(self, ticker: Ticker) -> bool:
        """Whether a coin that was there before has nothing newer: ranks move while we page, and so do coins."""
        before, now = self.seen[ticker.coin_id], ticker.source_updated_at
        return now is None or (before is not None and now <= before)

    def end(self, cursor: Mapping[str, Any], share: Share) -> tuple[Mapping[str, Any], Census | None]:
        """The page at `cursor` has brought its share: where the next one is, and behind the last one the census."""
        self.shares.append(share)
        following = self.source.following(self.options, cursor, share.fresh)
        return following, None if following else self.census()

    def census(self) -> Census:
        refused = {coin_id for coin_id in self.refused.values() if coin_id is not None}
        unnamed = sum(coin_id is None for coin_id in self.refused.values())
        return Census(scope(self.options), self.is_resumed, self.shares, self.seen.keys() | refused, unnamed)


@dataclass(slots=True)
class _Reading:
    """One page while it is read."""

    snapshot: Snapshot
    cursor: Mapping[str, Any]
    response: Response
    profile: Profile
    coins_before: int
    sample: Sample | None = None
    records: int = 0
    fresh: int = 0
    again: set[str] = field(default_factory=set)
    following: Mapping[str, Any] = field(default_factory=dict)

    def entries(self) -> Iterator[Entry | Rejection | Duplicate]:
        snapshot = self.snapshot
        for record in snapshot.source.records(self.response):
            self.records += 1
            ticker = snapshot.source.ordinary(record)
            if ticker is None or self.profile.misses(record.body):
                self.profile.see(json_list.outline(record))
            try:
                ticker = snapshot.source.dated(ticker or snapshot.source.ticker(record), self.response.fetched_at)
            except Rejected as rejected:
                self.fresh += snapshot.is_news(record)
                yield Rejection(record.position, record.text, rejected.faults)
                continue
            if self.sample:
                self.sample.offer(ticker.coin_id, record)
            if ticker.coin_id not in snapshot.seen:
                self.fresh += 1
            else:
                self.again.add(ticker.coin_id)
                if snapshot.is_repeated(ticker):
                    yield Duplicate(record.position)
                    continue
            snapshot.seen[ticker.coin_id] = ticker.source_updated_at
            yield Entry(record.position, ticker)

    def close(self) -> Closing:
        # the coins that this page was the first to bring stand last in `seen`
        seen = self.snapshot.seen
        own = {coin_id: seen[coin_id] for coin_id in islice(reversed(seen), len(seen) - self.coins_before)}
        share = Share(self.records, self.fresh, len(self.again - own.keys()), self.response.fetched_at)
        self.following, census = self.snapshot.end(self.cursor, share)
        coins = own if len(own) == self.records else None
        return Closing(self.following, self.profile.drifts(), census, self._portrait(), coins)

    def _portrait(self) -> Portrait | None:
        if not self.sample or not self.sample.records:
            return None
        coins = {coin_id: json_list.value(record) for coin_id, record in self.sample.records.items()}
        return paint(_part(self.cursor), self.snapshot.baseline, coins)


@dataclass(slots=True)
class _Repetition:
    """One page that is the same as in the run before: its records are not even cut apart."""

    snapshot: Snapshot
    cursor: Mapping[str, Any]
    response: Response
    known: Known
    following: Mapping[str, Any] = field(default_factory=dict)

    def entries(self) -> Iterator[Entry | Rejection | Duplicate]:
        return iter(())

    def close(self) -> Closing:
        coins = self.known.coins
        self.snapshot.seen.update(coins)
        share = Share(len(coins), len(coins), 0, self.response.fetched_at)
        self.following, census = self.snapshot.end(self.cursor, share)
        return self.known.closing._replace(cursor=self.following, census=census, unchanged=len(coins))


def scope(options: ApiOptions) -> str:
    """What these options ask for: snapshots of two scopes list different coins. A key shows only that there is one."""
    return options.model_dump_json(exclude=set(ApiOptions.model_fields) - {"base_url", "api_key"})


def again(snapshot: Snapshot, response: Response) -> Iterator[Entry | Rejection | Duplicate]:
    """The records of an answer that was read before, judged as they were then."""
    return _Reading(snapshot, {}, response, Profile(snapshot.baseline), len(snapshot.seen)).entries()


def _part(cursor: Mapping[str, Any]) -> str:
    """Which part of a snapshot the page at a cursor is."""
    return "&".join(f"{key}={value}" for key, value in sorted(cursor.items()))


def page_of(number: int, response: Response) -> Page:
    """An answer as a page."""
    checksum = hashlib.sha256(response.body).digest()
    text = response.body.decode("utf-8", "backslashreplace")
    simulated = "x-kasparro-simulated" in response.headers
    return Page(number, response.url, response.status, text, checksum, response.fetched_at, simulated=simulated)
