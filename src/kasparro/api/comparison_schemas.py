"""What is answered when two runs are compared; see `schemas`."""

from __future__ import annotations

from typing import Literal

from kasparro.api.run_schemas import Percent, RunDetails, RunLedger
from kasparro.api.schemas import Count, Figure, Reply

AnomalyName = Literal[
    "failed",
    "torn",
    "shrunken",
    "records_dropped",
    "coins_lost",
    "null_rate_up",
    "reject_rate_up",
    "slow",
    "few_records",
    "many_rejects",
    "many_requests",
    "many_retries",
]
Measure = Literal["duration_seconds", "records_processed", "records_failed", "requests", "retries"]


class Anomaly(Reply):
    name: AnomalyName
    detail: str


class Difference(Reply):
    """`b` minus `a`."""

    records_processed: int
    records_failed: int
    duration_seconds: float | None
    reject_rate_percent: float
    ledger: RunLedger


class Usual(Reply):
    """A figure of run `b` next to the last 20 good runs before it."""

    measure: Measure
    value: float | None
    """Null for the records of a run that read no whole list."""
    median: float
    deviation: float
    """Median absolute deviation of those runs from their median."""
    runs: Count
    is_unusual: bool
    """Three standard deviations (1.4826 median ones) off on the bad side, and by enough to matter."""


class ListedCoin(Reply):
    coin_id: str
    name: str | None
    symbol: str | None
    rank: Count | None


class ListedCoins(Reply):
    count: Count
    coins: list[ListedCoin]
    """At most `limit`, best rank first."""


class CoinMove(Reply):
    """A coin in both snapshots."""

    coin_id: str
    name: str | None
    symbol: str | None
    rank_a: Count | None
    rank_b: Count | None
    rank_change: int | None
    """Negative: it rose."""
    price_usd_a: Figure | None
    price_usd_b: Figure | None
    price_change_percent: Figure | None


class RankMoves(Reply):
    count: Count
    """Coins whose rank changed."""
    largest: list[CoinMove]
    """At most `limit`."""


class PriceMoves(Reply):
    """How the prices of the coins moved that both snapshots give a price, in percent of the price in `a`."""

    count: Count
    median_percent: float | None
    p5_percent: float | None
    p95_percent: float | None
    up_percent: Percent | None
    """Share of the coins whose price rose."""
    down_percent: Percent | None
    highest: list[CoinMove]
    """At most `limit`."""
    lowest: list[CoinMove]
    """At most `limit`."""


class NullRate(Reply):
    """In what share of the coins a field says nothing: no key, null, blank, or the 0 by which the source means that."""

    field: str
    path: str
    """Where the source has it."""
    a_percent: Percent
    b_percent: Percent
    difference_percent: float


class SnapshotDifference(Reply):
    """Read from the raw pages: what the source listed, rejected records included."""

    a_coins: Count
    b_coins: Count
    gained: ListedCoins
    lost: ListedCoins
    rank_moves: RankMoves
    price_moves: PriceMoves
    null_rates: list[NullRate]


class Comparison(Reply):
    """Run `b` judged against run `a`, and against the runs before it."""

    a: RunDetails
    b: RunDetails
    difference: Difference
    usual_duration_seconds: float | None
    """Median of the last 20 good runs before `b`; null where there are fewer than five."""
    usual: list[Usual]
    """Empty where there are fewer than five good runs before `b`."""
    snapshots_reason: str | None
    """Why there are no `snapshots`."""
    anomalies: list[Anomaly]
    snapshots: SnapshotDifference | None = None
    """How the coins differ. A snapshot that a run resumed is that of all the runs that made it."""
