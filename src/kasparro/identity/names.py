"""What the words of a listing say: names and tickers brought into one spelling, and the marks of a coin's variants."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

# Words that say what kind of thing a coin belongs to, and not which: sources add them and leave them out at will.
_DESCRIPTIVE = {
    "blockchain", "chain", "ecosystem", "foundation", "labs", "mainnet", "network", "platform", "project", "protocol",
    "the",
}  # fmt: skip
# So do these, nearly; but "Compound Coin" is no Compound, and "Polkadot Token" may be anybody's.
_KIND = {"coin", "token"}
# And these tell something: "Gas DAO" is no Gas, and "GameStop Finance" no share of GameStop.
_TELLING = {"app", "com", "dao", "defi", "exchange", "finance", "governance", "io", "money"}

# What a coin's issuer did not issue, or has replaced, or what is no coin at all: "Wrapped X" is not X.
_MARKS = {
    "wrapped": "wrapped",
    "bridged": r"bridged?|wormhole|multichain|anyswap|portal|peg|pegged|pos|heco|celer|axelar|chainport(io)?|allbridge"
    r"|stargate|hashport|sollet|bsc|bep ?2|bep ?20|erc ?20",
    "staked": "staked|staking|restaked|restaking|marinated",
    "leveraged": r"\d+(\.\d+)?x|bull|bear|long|short|leveraged?|hedge|up|down",
    "derived": "synthetic|synth|yvault|vault|interest bearing|aave|savings|lp|perpetual|futures?",
    "replaced": r"old|new|legacy|classic|v\d+(\.\d+)*|\d\.0|ii|iii",
    "share": "inc|incorporated|corp|corporation|plc|ltd|limited|etf|shares?|stocks?|xstock|equity|holdings?|spa|company"
    "|adr|tokenized|ishares|spdr|vanguard|proshares|therapeutics|pharmaceuticals|bancorp",
}
_MARK = {mark: re.compile(rf"(?<!\w)(?:{words})(?!\w)") for mark, words in _MARKS.items()}
_NOTE = re.compile(r"\s*[(\[]\s*([^()\[\]]*?)\s*[)\]]")
_FORMERLY = re.compile(r"(?:prev\.?|previously|formerly|former|ex|was|aka)[\s:.-]+(.+)")
_POSSESSIVE = re.compile(r"['\u2019]s(?!\w)")
_WORD = re.compile(r"(?:[^\W_]|\+)+")


class Words(NamedTuple):
    """What a listing is called, in one spelling; "" is nothing.

    `others` are names that it goes by or went by, `plain` its name without descriptive words, `stem` also without the
    word Token or Coin, and `core` also without words that may tell something.
    """

    ticker: str
    name: str
    others: frozenset[str]
    plain: str
    stem: str
    core: str
    marks: frozenset[str]


@lru_cache(maxsize=1 << 17)
def words(coin_id: str, name: str, symbol: str | None) -> Words:
    """The words of a listing. A ticker is no name, so that another name is never only the ticker again."""
    folded, ticker = _folded(name), _ticker(_folded(symbol or ""))
    own = squeezed(folded)
    of_id = frozenset(_of_id(coin_id.casefold(), ticker))
    others = of_id.union(_of_notes(folded, ticker, of_id), _of_ticker(folded, ticker)) - {own, ticker, ""}
    parts = _WORD.findall(_POSSESSIVE.sub("", _NOTE.sub(lambda note: _told(note, ticker), folded)))
    plain = [part for part in parts if part not in _DESCRIPTIVE]
    stem = [part for part in plain if part not in _KIND]
    core = [part for part in stem if part not in _TELLING]
    return Words(ticker, own, others, "".join(plain), "".join(stem), "".join(core), _marks(folded))


def squeezed(text: str) -> str:
    """Letters and digits of any script alone, and the plus of "USDT+"; the text itself where it has none."""
    return "".join([sign for sign in text if sign.isalnum() or sign == "+"]) or "".join(text.split())


def _ticker(symbol: str) -> str:
    """Without what people put in or leave out; the dot of "USDC.e" tells it from a "USDCE"."""
    return re.sub(r"[\s_-]", "", symbol).removeprefix("$") or symbol


def _folded(text: str) -> str:
    """Without differences of case, width, accent and invisible signs."""
    text = html.unescape(text)
    if text.isascii():
        return text.lower().strip()
    spelt = unicodedata.normalize("NFKD", text).casefold()
    return "".join([sign for sign in spelt if unicodedata.category(sign) not in ("Mn", "Cf")]).strip()


def _of_id(coin_id: str, ticker: str) -> Iterator[str]:
    """An id is the name of the day on which it was given; in CoinPaprika's, the ticker comes first."""
    whole = squeezed(coin_id)
    yield whole
    yield whole.removeprefix(squeezed(ticker))


def _of_notes(name: str, ticker: str, of_id: frozenset[str]) -> Iterator[str]:
    """What stands in brackets is another name. Where it is an old one or the ticker, the rest is the name of today."""
    rest = _NOTE.sub("", name)
    for note in _NOTE.findall(name):
        formerly = _FORMERLY.fullmatch(note)
        yield squeezed(formerly[1] if formerly else note)
        is_old = formerly or squeezed(note) in of_id
        if is_old or squeezed(note) == ticker or (note.isascii() and not rest.isascii()):
            yield squeezed(rest)


def _of_ticker(name: str, ticker: str) -> Iterator[str]:
    """A ticker that is written behind the name, or before it, is no part of it: "Crystal CYL"."""
    parts = name.split()
    if len(parts) > 1 and squeezed(parts[-1]) == ticker:
        yield squeezed("".join(parts[:-1]))
    if len(parts) > 1 and squeezed(parts[0]) == ticker:
        yield squeezed("".join(parts[1:]))


def _told(note: re.Match[str], ticker: str) -> str:
    """A note tells coins apart, unless it repeats the ticker or an old name."""
    return "" if squeezed(note[1]) == ticker or _FORMERLY.fullmatch(note[1]) else note[0]


def _marks(name: str) -> frozenset[str]:
    return frozenset([mark for mark, pattern in _MARK.items() if pattern.search(name)])
