"""Addresses of contracts in one spelling."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kasparro.identity.listing import Contract

_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]{40}")
_ANY = re.compile(r"[\x21-\x7e]{20,120}")
_OF_LETTERS = {"solana", "tron"}  # their addresses are no hexadecimal numbers, and capitals count


def contract(coin_id: object, chain: object, address: object) -> Iterator[Contract]:
    """The contract; nothing where a vendor gives a blank, or what is no address on that chain.

    Of other chains than those of Ethereum's kind, and Solana and Tron, nothing is taken: their words are not the same.
    """
    if not (isinstance(coin_id, str) and coin_id.strip() and isinstance(chain, str) and isinstance(address, str)):
        return
    address = address.strip()
    if chain in _OF_LETTERS and _ANY.fullmatch(address):
        yield Contract(coin_id.strip(), chain, address)
    elif chain not in _OF_LETTERS and _HEXADECIMAL.fullmatch(address):
        yield Contract(coin_id.strip(), chain, address.lower())
