"""The reject budget: a run that rejects nearly everything has met a broken source, not broken records."""

from __future__ import annotations

from kasparro.domain import Ledger
from kasparro.errors import TooManyRejected
from kasparro.settings import Budget
from kasparro.store import rejects
from kasparro.store.pool import Connection

UNLIMITED = Budget()
FEWEST = 100  # rejected records that exceed a share: a small page of bad ones says little of the run


def is_exceeded(budget: Budget, ledger: Ledger) -> bool:
    """Whether a run has rejected more than it may."""
    if budget.share is None:
        return budget.records is not None and ledger.rejected > budget.records
    return ledger.rejected >= FEWEST and ledger.rejected * 100 > budget.share * ledger.fetched


async def check(conn: Connection, budget: Budget, ledger: Ledger, *, source: str, run_id: int) -> None:
    """Raises TooManyRejected, with what is wrong with most of the records. What was committed stays."""
    if is_exceeded(budget, ledger):
        most = await rejects.commonest(conn, source, run_id)
        share = ledger.rejected / ledger.fetched
        raise TooManyRejected(
            source,
            f"{ledger.rejected:,} of {ledger.fetched:,} records rejected ({share:.0%}); most: {most}; "
            f"see /rejects?run_id={run_id}; allowed is REJECT_BUDGET={budget}",
        )
