"""What amounts can be told in: US dollars, and the coins that CoinGecko counts in, at its own prices here."""

from __future__ import annotations

from decimal import Decimal

from kasparro.store.gecko import Unit

SOURCE = "coingecko"
DOLLAR = Unit("usd", None, Decimal(1))
_COINS = {
    "btc": "bitcoin",
    "eth": "ethereum",
    "ltc": "litecoin",
    "bch": "bitcoin-cash",
    "bnb": "binancecoin",
    "eos": "eos",
    "xrp": "ripple",
    "xlm": "stellar",
    "link": "chainlink",
    "dot": "polkadot",
    "yfi": "yearn-finance",
    "sol": "solana",
}
_PARTS = {"bits": Unit("bits", "bitcoin", Decimal(10**6)), "sats": Unit("sats", "bitcoin", Decimal(10**8))}

UNITS = {"usd": DOLLAR} | {code: Unit(code, coin, Decimal(1)) for code, coin in _COINS.items()} | _PARTS
"""Code -> unit. No source gives a rate of other money that is kept here, so there is none."""
