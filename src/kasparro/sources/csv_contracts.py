"""Where the tokens in a CSV file live: the columns that people write that in, and what their cells say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from kasparro.identity.listing import UNKNOWN_CHAIN, Contract
from kasparro.sources.contracts import contract

# As `csv_layout` leaves headers. "ethereum_address" tells the chain by itself.
_ADDRESS = re.compile(r"(.*?)(?:token|smart|mint)?(?:contractaddress|contract|address)")
_CHAIN = ("chain", "platform", "blockchain", "network", "chainid", "chainname", "assetplatform", "assetplatformid")
# CoinGecko's word for a chain, and what others call it; a number is the chain's own id.
_CHAINS = {
    "arbitrum-one": "arbitrum arbitrumone 42161",
    "avalanche": "avalanche avax avalanchecchain 43114",
    "base": "base 8453",
    "binance-smart-chain": "bsc bnb bep20 bnbchain bnbsmartchain binance binancesmartchain 56",
    "ethereum": "ethereum eth erc20 ethereummainnet 1",
    "fantom": "fantom ftm 250",
    "optimistic-ethereum": "optimism op optimisticethereum 10",
    "polygon-pos": "polygon matic polygonpos 137",
    "solana": "solana sol spl",
    "tron": "tron trx trc20",
}
_WORDS = {word: chain for chain, words in _CHAINS.items() for word in words.split()}
# What tells its chain by its shape: no other writes addresses so.
_SHAPES = {"tron": re.compile(r"T[1-9A-HJ-NP-Za-km-z]{33}"), "solana": re.compile(r"[1-9A-HJ-NP-Za-km-z]{43,44}")}


class Addresses(NamedTuple):
    """The columns of addresses, each with the chain that its header tells, and the column that tells it of a row."""

    columns: tuple[tuple[int, str | None], ...]
    chain: int | None

    def told(self, coin_id: str, row: Sequence[str]) -> Iterator[Contract]:
        """What a row says of a coin. What is no address is passed over: it is no fault of the figures beside it."""
        of_row = _chain(row[self.chain]) if self.chain is not None else None
        for place, of_header in self.columns:
            yield from _told(coin_id, of_header or of_row, row[place].strip())


def addresses(places: Mapping[str, int]) -> Addresses | None:
    """The columns under these headers; None where no header says that addresses are there."""
    columns = []
    for header, place in places.items():
        if found := _ADDRESS.fullmatch(header):
            chain = _WORDS.get(found[1])
            columns += [(place, chain)] if chain or not found[1] else []
    chains = (places[name] for name in _CHAIN if name in places)
    return Addresses(tuple(columns), next(chains, None)) if columns else None


def _told(coin_id: str, chain: str | None, cell: str) -> Iterator[Contract]:
    before, colon, behind = cell.partition(":")
    if colon and chain is None:
        yield from _told(coin_id, _chain(before), behind.strip())
        return
    shaped = (name for name, shape in _SHAPES.items() if shape.fullmatch(cell))
    yield from contract(coin_id, chain or next(shaped, UNKNOWN_CHAIN), cell)


def _chain(text: str) -> str | None:
    """CoinGecko's word for a chain, or the word that is there; None for a blank."""
    word = re.sub(r"[\W_]", "", text.casefold())
    return _WORDS.get(word) or re.sub(r"\W+", "-", text.strip().lower()).strip("-") or None
