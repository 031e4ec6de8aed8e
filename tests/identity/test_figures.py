"""Figures are compared at close times only, and never carry a link by the price alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kasparro.identity.figures import Agreement, Figures, agreement, compared

NOON = datetime(2026, 8, 22, 12, tzinfo=UTC)
BTC = Figures(117_000.0, 2.33e12, 19.9e6, 19.9e6, 21e6, NOON)


@pytest.mark.parametrize(
    ("other", "verdict"),
    [
        (BTC._replace(price=117_500.0), Agreement.ALL),
        (Figures(117_500.0, observed_at=NOON), Agreement.PRICE),
        (BTC._replace(market_cap=5e9, circulating_supply=5e4), Agreement.PRICE),
        (BTC._replace(total_supply=1e9, max_supply=1e9), Agreement.ALL),
        (BTC._replace(price=150_000.0), Agreement.DOUBTFUL),
        (BTC._replace(price=300_000.0), Agreement.CONTRADICT),
        (BTC._replace(price=None), Agreement.UNKNOWN),
        (BTC._replace(price=0.0), Agreement.UNKNOWN),
        (BTC._replace(price=1.0, observed_at=NOON + timedelta(hours=2)), Agreement.UNKNOWN),
        (BTC._replace(price=1.0, observed_at=None), Agreement.UNKNOWN),
        (Figures(None, None, None, 3e15, 3e15, NOON), Agreement.CONTRADICT),
        (Figures(None, None, None, 3e15, 21e6, NOON), Agreement.UNKNOWN),
    ],
)
def test_verdicts(other: Figures, verdict: Agreement) -> None:
    assert agreement(compared(BTC, other)) is verdict
    assert agreement(compared(other, BTC)) is verdict


def test_dollar_coins_agree_in_price_and_no_more() -> None:
    tether, dai = Figures(1.0, 9e10, 9e10, observed_at=NOON), Figures(1.0, 5e9, 5e9, observed_at=NOON)
    assert agreement(compared(tether, dai)) is Agreement.PRICE


def test_ratio_beyond_floating_point_contradicts() -> None:
    assert (
        agreement(compared(Figures(1e308, observed_at=NOON), Figures(1e-308, observed_at=NOON))) is Agreement.CONTRADICT
    )
