"""The ordinary record, read in a third of the time that pydantic takes, by a decoder made of the source's own model.

It takes a record only where pydantic would take it as it stands, and where its keys and their types are those that the
source is declared to send. The ticker is the same; its figures are the very numerals that were sent. All others it
leaves to pydantic, which says what is wrong with them; so it does with every record of a model that says more than the
vocabulary of `records` can, such as a validator.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Annotated, Any, ClassVar, NamedTuple, get_args, get_type_hints

import msgspec
from pydantic import AliasChoices, AwareDatetime
from pydantic.fields import FieldInfo

from kasparro.domain import Ticker
from kasparro.sources.records import (
    EARLIEST,
    Amount,
    Figure,
    Moment,
    Rank,
    Text,
    TickerRecord,
    is_ahead,
    upstream_keys,
)

# Far inside the limits of Amount and Figure, whichever they are: of such a numeral nothing else need be asked.
_NUMERAL = r"\d{1,45}(?:\.\d{1,45})?(?:[eE][+-]?[0-4]?\d)?|null"
_DOUBTS = (msgspec.MsgspecError, ValueError, RecursionError)


class _Word(NamedTuple):
    """What a value is decoded to, what stands where none is sent, and how its numeral looks, if it is one."""

    decoded: Any
    nothing: Any = None
    numeral: str = ""


_TEXT = _Word(Annotated[str, msgspec.Meta(min_length=1, max_length=1000)])
_RANK = _Word(Annotated[int, msgspec.Meta(ge=0, lt=2**31)])
_TIME = _Word(Annotated[datetime, msgspec.Meta(tz=True)])  # rounded to microseconds, where pydantic cuts them off
_AMOUNT = _Word(msgspec.Raw, msgspec.Raw(b"null"), f"(?:{_NUMERAL})")
_FIGURE = _Word(msgspec.Raw, msgspec.Raw(b"null"), f"(?:-?{_NUMERAL})")
_VOCABULARY = (
    (Text, _TEXT), (Rank, _RANK), (AwareDatetime, _TIME), (Moment, _TIME), (Amount, _AMOUNT), (Figure, _FIGURE)
)  # fmt: skip
_UNMAPPED = {"number": _Word(float), "string": _Word(str), "boolean": _Word(bool), "array": _Word(list)}


class Foreign(Exception):
    """The model says more than the vocabulary can: pydantic reads its records."""


class FastLane:
    """Reads records of one model; raises Foreign for a model that only pydantic can read.

    `unmapped` is what else the vendor is known to send: path -> JSON type. `unknown_zeros` are the fields in which a 0
    means that the vendor does not know.
    """

    def __init__(self, model: type[TickerRecord], unmapped: Mapping[str, str], unknown_zeros: Iterable[str]) -> None:
        words = _words(model)
        shape, places = _shape(_tree(model, words, unmapped))
        figures = [name for name in Ticker._fields if words[name].numeral and name in places]
        others = [name for name in Ticker._fields if not words[name].numeral]
        self._decode = msgspec.json.Decoder(shape).decode
        self._figures = attrgetter(*map(places.__getitem__, figures), "no_figure")  # one stands for all never sent
        self._others = attrgetter(*(places.get(name, "nothing") for name in others))
        numerals = "\t".join([*(words[name].numeral for name in figures), "null"])
        self._are_numerals = re.compile(numerals, re.ASCII).fullmatch
        self._unknown_zeros = [figures.index(name) for name in unknown_zeros if name in places]
        order = {name: place for place, name in enumerate((*others, *figures))}
        self._in_order = itemgetter(*(order.get(name, -1) for name in Ticker._fields))

    def ticker(self, body: bytes) -> Ticker | None:
        """The record as a ticker; None where pydantic has to have a look at it."""
        try:
            record = self._decode(body)
            numerals = str(b"\t".join(self._figures(record)), "ascii")
        except _DOUBTS:
            return None
        others = self._others(record)
        if not self._are_numerals(numerals) or _is_doubtful(*others):
            return None
        return Ticker._make(self._in_order(others + self._known(numerals)))

    def _known(self, numerals: str) -> tuple[str | None, ...]:
        known = [None if numeral == "null" else numeral for numeral in numerals.split("\t")]
        for place in self._unknown_zeros:
            if (numeral := known[place]) and numeral[0] == "0" and not float(numeral):
                known[place] = None
        return tuple(known)


def _is_doubtful(
    coin_id: str,
    name: str,
    symbol: str | None,
    _rank: int | None,
    _ath_at: datetime | None,
    _atl_at: datetime | None,
    updated_at: datetime | None,
) -> bool:
    """Whether a text has blanks around it or a NUL in it, or the moment is one that cannot be."""
    return (
        coin_id != coin_id.strip()
        or name != name.strip()
        or (symbol is not None and symbol != symbol.strip())
        or "\0" in f"{coin_id}{name}{symbol}"
        or (updated_at is not None and (updated_at < EARLIEST or is_ahead(updated_at)))
    )


class _Leaf(NamedTuple):
    """A value in a record, and the field of ours that it is, if any."""

    word: _Word
    field: str | None = None
    is_required: bool = False


def _words(model: type[TickerRecord]) -> dict[str, _Word]:
    """Field -> its word of the vocabulary; raises Foreign where the model says anything else."""
    rules = model.__pydantic_decorators__
    if any(getattr(rules, f"{kind}validators") for kind in ("", "field_", "model_", "root_")):
        raise Foreign
    if model.model_config != TickerRecord.model_config or set(model.model_fields) != set(Ticker._fields):
        raise Foreign
    hints = get_type_hints(model, include_extras=True)
    return {name: _word(hints[name], info) for name, info in model.model_fields.items()}


def _word(hint: Any, info: FieldInfo) -> _Word:
    for part in (hint, *get_args(hint)):
        for known, word in _VOCABULARY:
            if part is known and (info.is_required() or info.default is None):
                return word
    raise Foreign


def _tree(model: type[TickerRecord], words: Mapping[str, _Word], unmapped: Mapping[str, str]) -> dict[str, Any]:
    """A record as nested keys that end in leaves."""
    tree: dict[str, Any] = {}
    for path, kind in unmapped.items():
        *above, key = path.split(".")
        _branch(tree, above)[key] = {} if kind == "object" else _Leaf(_UNMAPPED[kind])
    for name, info in model.model_fields.items():
        if keys := _path(info):
            *above, key = keys
            _branch(tree, above)[key] = _Leaf(words[name], name, info.is_required())
    return tree


def _branch(tree: dict[str, Any], keys: list[str]) -> dict[str, Any]:
    for key in keys:
        tree = tree.setdefault(key, {})
    return tree


def _path(info: FieldInfo) -> list[str]:
    """The keys that lead to the value; raises Foreign for one of several places, and for a place in a list."""
    keys = upstream_keys(info)
    if isinstance(info.validation_alias, AliasChoices) or any(isinstance(key, int) for key in keys):
        raise Foreign
    return [str(key) for key in keys]


def _shape(tree: Mapping[str, Any]) -> tuple[type[msgspec.Struct], dict[str, str]]:
    """A type that decodes such an object and no other; and where in it each field of ours is, as `key_5.key_0`."""
    fields: list[tuple[Any, ...]] = []
    places: dict[str, str] = {}
    for number, inner in enumerate(tree.values()):
        attribute = f"key_{number}"
        if isinstance(inner, _Leaf):
            fields.append((attribute, *_decoded(inner)))
            below = {inner.field: attribute} if inner.field else {}
        else:
            kind, within = _shape(inner)
            below = {field: f"{attribute}.{place}" for field, place in within.items()}
            fields.append((attribute, kind) if below else (attribute, kind | None, None))
        places |= below
    keys = {f"key_{number}": key for number, key in enumerate(tree)}
    return (
        msgspec.defstruct(
            "Shape", fields, bases=(_Shape,), rename=keys, kw_only=True, gc=False, forbid_unknown_fields=True
        ),
        places,
    )


class _Shape(msgspec.Struct):
    """What an attribute stands for that the vendor does not send."""

    no_figure: ClassVar[msgspec.Raw] = _AMOUNT.nothing
    nothing: ClassVar[None] = None


def _decoded(leaf: _Leaf) -> tuple[Any, ...]:
    """The type of a leaf, and its default, if it has one. A Raw may hold a null as it is."""
    kind, nothing, numeral = leaf.word
    if leaf.is_required:
        return (kind,)
    return (kind if numeral else kind | None, nothing)
