"""How the pipeline sees any source: pages from where a checkpoint stands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp

from kasparro.domain import Delivery, Kind, Refusal
from kasparro.ingest import files, pages
from kasparro.ingest.quota import Allowance, account
from kasparro.ingest.transport import Transport, limiter
from kasparro.ingest.unchanged import NONE, Known
from kasparro.metrics import Metrics
from kasparro.settings import ApiOptions
from kasparro.sources.base import ApiSource, Source, base_url
from kasparro.sources.csv_file import CsvFile
from kasparro.sources.csv_file import Options as CsvOptions
from kasparro.store.checkpoints import Checkpoint
from kasparro.store.quotas import Account
from kasparro.store.runs import Traffic

Checkpoints = Mapping[str, Checkpoint]


class Reader(Protocol):
    """Reads one source."""

    @property
    def name(self) -> str:
        """The source's name."""

    @property
    def kind(self) -> Kind:
        """What its records are."""

    @property
    def account(self) -> Account | None:
        """Who pays for its calls; None where there are none."""

    @property
    def scope(self) -> str | None:
        """What it asks for, and under which key, without a secret; None where looking costs nothing."""

    @property
    def freezes(self) -> bool:
        """Whether a drift that nobody has acknowledged stops the run."""

    def resumes(self, found: Checkpoints) -> int | None:
        """The run whose unfinished snapshot the next one goes on with, if it does."""

    def deliveries(
        self,
        found: Checkpoints,
        traffic: Traffic,
        allowance: Allowance | None = None,
        known: Mapping[int, Known] = NONE,
    ) -> AsyncIterator[Delivery | Refusal]:
        """The pages behind the checkpoints, paid for by `allowance`; what they cost is counted into `traffic`.

        `known` are those that the run before has committed, by number.
        """


def reader(source: Source, options: Any, session: aiohttp.ClientSession, metrics: Metrics) -> Reader:
    """The reader of a source, with these options."""
    match source:
        case ApiSource():
            base = base_url(options, source.home(options))
            pace = limiter(options.rate or source.plan(options).rate)
            transport = Transport(source.name, base, session, pace, metrics)
            return ApiReader(source, options, transport, account(source, options))
        case CsvFile():
            return FileReader(source, options)
    raise TypeError(f"{source.name} is neither an API nor a file")


@dataclass(slots=True)
class ApiReader:
    """Reads an API. A snapshot that broke off less than an interval ago is finished; an older one is begun anew."""

    source: ApiSource
    options: ApiOptions
    transport: Transport
    account: Account

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def kind(self) -> Kind:
        return self.source.kind

    @property
    def scope(self) -> str:
        return f"{self.account.key} {pages.scope(self.options)}".lstrip()

    @property
    def freezes(self) -> bool:
        return self.options.drift == "freeze"

    def resumes(self, found: Checkpoints) -> int | None:
        checkpoint = found.get("")
        broken_off = checkpoint is not None and checkpoint.cursor and checkpoint.age < self.options.interval
        return checkpoint.run_id if checkpoint and broken_off else None

    def deliveries(
        self,
        found: Checkpoints,
        traffic: Traffic,
        allowance: Allowance | None = None,
        known: Mapping[int, Known] = NONE,
    ) -> AsyncIterator[Delivery]:
        self.transport.traffic, self.transport.allowance = traffic, allowance
        cursor = found[""].cursor if self.resumes(found) is not None else {}
        return pages.deliveries(self.source, self.options, self.transport, cursor, known)


@dataclass(slots=True)
class FileReader:
    """Reads CSV files, each from where it was left."""

    source: CsvFile
    options: CsvOptions
    account: None = None
    scope: None = None
    verified: files.Verified = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def kind(self) -> Kind:
        return self.source.kind

    @property
    def freezes(self) -> bool:
        return False  # a file that is not understood is refused

    def resumes(self, found: Checkpoints) -> int | None:
        return None  # every file goes on from its own checkpoint, always

    def deliveries(
        self,
        found: Checkpoints,
        traffic: Traffic,
        allowance: Allowance | None = None,
        known: Mapping[int, Known] = NONE,
    ) -> AsyncIterator[Delivery | Refusal]:
        cursors = {stream: checkpoint.cursor for stream, checkpoint in found.items()}
        return files.deliveries(self.source, self.options, cursors, self.verified)
