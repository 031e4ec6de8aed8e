"""Every metric, declared once. `Metrics` belongs to one application; there is no global registry.

Its methods are the events of the house, so that whoever reports one knows no metric's name.
"""

from __future__ import annotations

import platform
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import partial
from itertools import accumulate
from typing import Literal, get_args

from aioprometheus.collectors import Counter, Gauge, Histogram, Registry
from aioprometheus.formats.text import TEXT_CONTENT_TYPE

from kasparro import __version__
from kasparro.domain import DriftKind, FlagName, Ledger, RunStatus
from kasparro.metrics import text
from kasparro.metrics.process import Process

CONTENT_TYPE: str = TEXT_CONTENT_TYPE

_REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_RUN_SECONDS = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
_LAG_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
_STATUSES = tuple(status for status in get_args(RunStatus) if status != "running")
_OUTCOMES = tuple(asdict(Ledger()))
_VERDICTS = (
    "ok",
    "rate_limited",
    "unavailable",
    "timeout",
    "unauthorized",
    "plan_limit",
    "refused",
    "malformed",
)
CacheOutcome = Literal["hit", "miss", "not_modified", "off"]
StandbyOutcome = Literal["standby", "behind", "away"]
ExportOutcome = Literal["done", "gone", "broken", "refused"]


class Metrics:
    """The metrics of one application."""

    def __init__(self) -> None:
        self._registry = Registry()
        counter, gauge, histogram = (partial(kind, registry=self._registry) for kind in (Counter, Gauge, Histogram))
        self._http = _Http()
        self._exports = counter("kasparro_http_exports_total", "How exports ended.")
        self._standby = counter("kasparro_standby_reads_total", "Reads that were meant for the standby.")
        for outcome in get_args(StandbyOutcome):
            self._standby.add({"outcome": outcome}, 0)
        for outcome in get_args(ExportOutcome):
            self._exports.add({"outcome": outcome}, 0)
        self._runs = counter("kasparro_etl_runs_total", "Runs finished.")
        self._run_seconds = histogram("kasparro_etl_run_duration_seconds", "Length of a run.", buckets=_RUN_SECONDS)
        self._records = counter("kasparro_etl_records_total", "Where each fetched record went.")
        self._flagged = counter("kasparro_etl_flagged_snapshots_total", "Snapshots that may not be whole.")
        self._last_success = gauge(
            "kasparro_etl_last_success_timestamp_seconds", "End of the last good run; 0 before the first."
        )
        self._interval = gauge("kasparro_etl_interval_seconds", "Time from one run to the next, as credits allow.")
        self._source_requests = counter("kasparro_source_requests_total", "Requests to a source, retries too.")
        self._throttled = counter("kasparro_source_throttle_wait_seconds_total", "Waits for a rate limit.")
        self._credits_used = gauge("kasparro_quota_used", "Credits of this month that are used, when last looked at.")
        self._credits_left = gauge("kasparro_quota_remaining", "Credits of this month that are left; none: no limit.")
        self._drift = counter("kasparro_schema_drift_total", "Differences from the declared schema.")
        self._assets = gauge("kasparro_assets", "Coins by what is known of them, when last looked at.")
        self._priced = gauge("kasparro_asset_prices", "Coins by what their sources come to, when last counted.")
        self._quotes = gauge("kasparro_asset_quotes", "Prices by what became of them, when last counted.")
        self._ambiguous = gauge("kasparro_ambiguous_listings", "Listings in doubt, when last counted.")
        self._candles = gauge(
            "kasparro_candles_behind_seconds", "How long something has waited to be rolled up; 0: nothing."
        )
        self._pool = gauge("kasparro_db_pool_connections", "Connections of the API's pools.")
        self._followers = gauge("kasparro_event_followers", "Clients that follow /events.")
        self._tasks = gauge("kasparro_asyncio_tasks", "Tasks that have not ended; each open connection has one.")
        self._lag = histogram("kasparro_event_loop_lag_seconds", "How late a timer fires.", buckets=_LAG_SECONDS)
        self._process = Process(self._registry)
        build = gauge("kasparro_build_info", "Always 1; the labels tell what is running.")
        build.set({"version": __version__, "python": platform.python_version()}, 1)

    def run_finished(self, source: str, status: str, seconds: float, ledger: Ledger) -> None:
        self._runs.inc({"source": source, "status": status})
        self._run_seconds.observe({"source": source}, float(seconds))
        for outcome in _OUTCOMES:
            self._records.add({"source": source, "outcome": outcome}, getattr(ledger, outcome))

    def run_abandoned(self, source: str) -> None:
        """A run whose process had died was found, and closed."""
        self._runs.inc({"source": source, "status": "abandoned"})

    def snapshot_flagged(self, source: str, flag: str) -> None:
        self._flagged.inc({"source": source, "flag": flag})

    def request_made(self, source: str, outcome: str) -> None:
        self._source_requests.inc({"source": source, "outcome": outcome})

    def throttled(self, source: str, seconds: float) -> None:
        self._throttled.add({"source": source}, max(seconds, 0.0))

    def credits_known(self, source: str, used: int, limit: int | None) -> None:
        """How many credits of a month's `limit` are used; None is any number."""
        self._credits_used.set({"source": source}, used)
        if limit is not None:
            self._credits_left.set({"source": source}, max(0, limit - used))

    def source_paced(self, source: str, interval: float) -> None:
        """The interval in seconds at which what is left of the credits lasts."""
        self._interval.set({"source": source}, interval)

    def drift_seen(self, source: str, kind: str) -> None:
        self._drift.inc({"source": source, "kind": kind})

    def assets_known(self, assets: int, linked: int, ambiguous: int) -> None:
        """How many assets there are, how many several sources list, and how many are ambiguous."""
        for state, number in {"all": assets, "linked": linked, "ambiguous": ambiguous}.items():
            self._assets.set({"state": state}, number)

    def prices_counted(
        self, assets: Mapping[str, int], quotes: Mapping[str, Mapping[str, int]], ambiguous: Mapping[str, int]
    ) -> None:
        """How many assets have each status, how many prices of each source each verdict, and how many are in doubt."""
        for status, number in assets.items():
            self._priced.set({"status": status}, number)
        for source, verdicts in quotes.items():
            for verdict, number in verdicts.items():
                self._quotes.set({"source": source, "verdict": verdict}, number)
        for source, number in ambiguous.items():
            self._ambiguous.set({"source": source}, number)

    def candles_behind(self, source: str, seconds: float) -> None:
        """For how long the oldest change has waited that the candles do not have yet."""
        self._candles.set({"source": source}, seconds)

    def source_scheduled(self, source: str, interval: float) -> None:
        """Every series of the source exists from now on, so that its first event already is an increase."""
        self._interval.set({"source": source}, interval)
        self._last_success.add({"source": source}, 0)
        self._throttled.add({"source": source}, 0)
        _start(self._runs, source, "status", _STATUSES)
        _start(self._records, source, "outcome", _OUTCOMES)
        _start(self._flagged, source, "flag", get_args(FlagName))
        _start(self._source_requests, source, "outcome", _VERDICTS)
        _start(self._drift, source, "kind", get_args(DriftKind))

    def last_success(self, source: str, timestamp: float) -> None:
        """`timestamp` is in Unix seconds."""
        self._last_success.set({"source": source}, timestamp)

    def http_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """`route` is the pattern that matched: the path asked for would be a series for each URL."""
        self._http.add(method, route, status, seconds)

    def cache_asked(self, outcome: CacheOutcome) -> None:
        """`off`: changes of the data would not be heard, so nothing is kept."""
        self._http.cache[outcome] += 1

    def export_ended(self, outcome: ExportOutcome) -> None:
        """`gone`: the client took no more. `broken`: it was cut off. `refused`: too many were under way."""
        self._exports.inc({"outcome": outcome})

    def loop_lag(self, seconds: float) -> None:
        self._lag.observe({}, float(seconds))

    def followers(self, n: int) -> None:
        self._followers.set({}, n)

    def tasks(self, n: int) -> None:
        self._tasks.set({}, n)

    def pool_connections(self, pool: str, *, used: int, idle: int) -> None:
        """`pool` is a field of `store.pool.Pools`."""
        self._pool.set({"pool": pool, "state": "used"}, used)
        self._pool.set({"pool": pool, "state": "idle"}, idle)

    def market_read(self, outcome: StandbyOutcome) -> None:
        """What came of asking the standby for rows: it served them, or the primary did."""
        self._standby.inc({"outcome": outcome})

    def render(self) -> bytes:
        """Everything, in Prometheus' text format."""
        self._process.read()
        lines = [
            *self._http.lines(),
            *(line for collector in self._registry.get_all() for line in text.lines(collector)),
        ]
        return "\n".join([*lines, ""]).encode()


def _start(counter: Counter, source: str, label: str, values: tuple[str, ...]) -> None:
    for value in values:
        counter.add({"source": source, label: value}, 0)


class _Http:
    """Requests and how long they took, counted in plain dictionaries: a collector of the library would take longer
    over its labels than the request over its answer."""

    def __init__(self) -> None:
        self.cache: dict[CacheOutcome, int] = dict.fromkeys(get_args(CacheOutcome), 0)
        self._answered: dict[tuple[str, str, int], int] = {}
        self._took: dict[tuple[str, str], list[float]] = {}

    def add(self, method: str, route: str, status: int, seconds: float) -> None:
        answered = method, route, status
        self._answered[answered] = self._answered.get(answered, 0) + 1
        took = self._took.get((method, route))
        if took is None:
            took = self._took[method, route] = [0.0] * (len(_REQUEST_SECONDS) + 2)
        took[bisect_left(_REQUEST_SECONDS, seconds)] += 1
        took[-1] += seconds

    def lines(self) -> Iterator[str]:
        """All of it in the text format."""
        yield from text.heading("kasparro_http_cache_total", "What the cache said to requests for data.", "counter")
        for outcome, count in self.cache.items():
            yield text.line("kasparro_http_cache_total", {"outcome": outcome}, count)
        yield from text.heading("api_requests_total", "HTTP requests answered.", "counter")
        for (method, route, status), count in self._answered.items():
            yield text.line("api_requests_total", {"method": method, "route": route, "status": str(status)}, count)
        yield from text.heading("api_request_duration_seconds", "Time to answer a request.", "histogram")
        for (method, route), (*counts, seconds) in self._took.items():
            below = accumulate(map(int, counts))
            values: dict[float | str, float] = dict(zip((*_REQUEST_SECONDS, float("inf")), below, strict=True))
            values |= {"count": sum(map(int, counts)), "sum": seconds}
            yield from text.histogram_lines("api_request_duration_seconds", {"method": method, "route": route}, values)
