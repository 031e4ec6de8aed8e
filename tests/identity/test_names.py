"""Names and tickers in one spelling: what is the same is, and what tells coins apart stays."""

from __future__ import annotations

import pytest

from kasparro.identity.names import words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("DinoSwap ", "Dinoswap"),
        ("Baby Doge", "BabyDoge"),
        ("\u200b\u200bStable", "Stable"),
        ("StarShip🚀", "StarShip"),
        ("Fenerbahçe", "Fenerbahce"),
        ("aleph.im", "Aleph im"),
        ("\uff37\uff49\uff44\uff45", "wide"),
        ("Let&#39;s Go", "Let's Go"),
    ],
)
def test_spelling_makes_no_other_name(one: str, other: str) -> None:
    assert words("a", one, "x").name == words("b", other, "x").name != ""


@pytest.mark.parametrize(
    ("one", "other"), [("₿", "🚀"), ("Overnight.fi USDT+", "Overnight.fi USDT"), ("币安人生", "币安")]
)
def test_what_is_another_name_stays_one(one: str, other: str) -> None:
    assert words("a", one, "x").name != words("b", other, "x").name


@pytest.mark.parametrize(
    ("one", "other"),
    [("kpk eth prime", "KPK-ETH-Prime"), ("$WIF", "wif"), ("-dogeinu", "DOGEINU"), ("USDC.e", "usdc.E")],
)
def test_spelling_makes_no_other_ticker(one: str, other: str) -> None:
    assert words("a", "A", one).ticker == words("b", "B", other).ticker != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [("USDT+", "USDT"), ("BTC.b", "BTCB"), ("OCA$H", "OCAH"), ("DOG$", "DOG"), ("$", "-"), ("🌐", "🚀")],
)
def test_sign_makes_another_ticker(one: str, other: str) -> None:
    assert words("a", "A", one).ticker != words("b", "B", other).ticker


@pytest.mark.parametrize(
    ("coin_id", "name", "symbol", "other"),
    [
        ("btc-bitcoin", "Wrong", "BTC", "bitcoin"),
        ("binancecoin", "BNB", "bnb", "binancecoin"),
        ("the-open-network", "Gram (prev. Toncoin)", "gram", "toncoin"),
        ("the-open-network", "Gram (prev. Toncoin)", "ton", "gram"),
        ("polygon-ecosystem-token", "POL (ex-MATIC)", "pol", "matic"),
        ("bianrensheng", "币安人生 (BinanceLife)", "币安人生", "binancelife"),
        ("gno-gnosis", "Gnosis Safe (GNO)", "GNO", "gnosissafe"),
        ("egld-elrond", "MultiversX (Elrond)", "EGLD", "multiversx"),
        ("crystal-token", "Crystal CYL", "cyl", "crystal"),
        ("777-777-jackpot", "777 Jackpot", "777", "jackpot"),
    ],
)
def test_ids_and_notes_tell_other_names(coin_id: str, name: str, symbol: str, other: str) -> None:
    told = words(coin_id, name, symbol)
    assert other in told.others | {told.name}


def test_ticker_is_no_other_name() -> None:
    assert words("flux", "Datamine FLUX", "FLUX").others == {"datamine"}


@pytest.mark.parametrize(
    ("name", "plain", "stem", "core"),
    [
        ("Near Protocol", "near", "near", "near"),
        ("The Sandbox", "sandbox", "sandbox", "sandbox"),
        ("Reserve Rights Token", "reserverightstoken", "reserverights", "reserverights"),
        ("Compound Coin", "compoundcoin", "compound", "compound"),
        ("Lydia Finance Token", "lydiafinancetoken", "lydiafinance", "lydia"),
        ("GensoKishi\u2019s Metaverse", *["gensokishimetaverse"] * 3),
        ("DYDX (BSC)", "dydxbsc", "dydxbsc", "dydxbsc"),
        ("Ethereum Classic", *["ethereumclassic"] * 3),
    ],
)
def test_words_that_tell_nothing_are_left_out(name: str, plain: str, stem: str, core: str) -> None:
    told = words("id", name, "SYM")
    assert (told.plain, told.stem, told.core) == (plain, stem, core)


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("Wrapped Bitcoin", "wrapped"),
        ("Bridged USDC (Polygon PoS Bridge)", "bridged"),
        ("Binance-Peg XRP", "bridged"),
        ("OCC [via ChainPort.io]", "bridged"),
        ("Lido Staked Ether", "staked"),
        ("3X Long Bitcoin Token", "leveraged"),
        ("Hobbes [OLD]", "replaced"),
        ("Life v2", "replaced"),
        ("Citigroup Inc", "share"),
        ("ARK Innovation ETF", "share"),
        ("Tesla xStock", "share"),
        ("Nektar Therapeutics", "share"),
    ],
)
def test_variants_are_marked(name: str, mark: str) -> None:
    assert mark in words("id", name, "SYM").marks


@pytest.mark.parametrize("name", ["Bitcoin", "Stakemoon", "Pegasus DEX", "Incent", "Bulldoge Inu", "Portalcoin", ""])
def test_others_are_not(name: str) -> None:
    assert words("id", name, "SYM").marks == frozenset()
