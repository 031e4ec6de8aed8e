"""Contracts in CSV files: the columns that tell them, the chain in one word, and what is no address passed over."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kasparro.domain import Entry
from kasparro.sources.csv_head import delimiter, head
from kasparro.sources.csv_rows import Sheet

USDC = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
TRON = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
SOLANA = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"


def sheet(header: str, *rows: str) -> Sheet:
    """A sheet that has read these rows, all of them good."""
    lines = [f"{line}\n" for line in (header, *rows)]
    top = head([line.encode() for line in lines], delimiter(header.encode()), "file.csv")
    made = Sheet(top.layout, None, timezone="UTC", now=datetime(2026, 11, 23, tzinfo=UTC))
    assert all(isinstance(each, Entry) for each in made.entries("".join(lines[1:]), 2))
    return made


@pytest.mark.parametrize(
    ("header", "cells", "chain", "address"),
    [
        ("contract_address,chain", f"{USDC},ethereum", "ethereum", USDC.lower()),
        ("Contract Address,Blockchain", f"{USDC},BNB Smart Chain", "binance-smart-chain", USDC.lower()),
        ("token_address,chain_id", f"{USDC},137", "polygon-pos", USDC.lower()),
        ("address,platform", f"{USDC},Polygon zkEVM", "polygon-zkevm", USDC.lower()),
        ("eth_contract", USDC, "ethereum", USDC.lower()),
        ("contract", f"avalanche: {USDC}", "avalanche", USDC.lower()),
        ("contract,network", f"{TRON},trc20", "tron", TRON),
        ("smart_contract_address", TRON, "tron", TRON),
        ("mint_address", SOLANA, "solana", SOLANA),
        ("contract_address", USDC, "unknown", USDC.lower()),
        ("contract_address,chain", f"{USDC},", "unknown", USDC.lower()),
    ],
)
def test_column_tells_where_a_token_lives(header: str, cells: str, chain: str, address: str) -> None:
    assert sheet(f"coin_id,price,{header}", f"x,1,{cells}").contracts() == [("x", chain, address)]


@pytest.mark.parametrize("cell", ["", "-", "native", "0x12", "multiple", "https://etherscan.io", "bitcoin:"])
def test_what_is_no_address_is_passed_over(cell: str) -> None:
    assert sheet("coin_id,price,contract_address", f"x,1,{cell}").contracts() == []


def test_wallet_and_mail_addresses_are_none_of_a_token() -> None:
    assert sheet("coin_id,price,wallet_address,email address", f"x,1,{USDC},{USDC}").contracts() == []


def test_last_row_of_a_coin_and_chain_counts_and_is_told_once() -> None:
    other = "0x" + "2" * 40
    made = sheet(
        "coin_id,price,contract_address,chain",
        *(f"x,1,{USDC},eth" for _ in range(3)), f"x,1,{USDC},bsc", f"x,1,{other},eth", f"y,1,{USDC},eth",
    )  # fmt: skip
    assert set(made.contracts()) == {
        ("x", "ethereum", other), ("x", "binance-smart-chain", USDC.lower()), ("y", "ethereum", USDC.lower())
    }  # fmt: skip
    assert made.contracts() == []
