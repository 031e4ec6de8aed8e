"""What findings change: the assets, the places of their listings, and the events that tell of it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from kasparro.identity.catalogue import Candidate
from kasparro.identity.evidence import Evidence, Method
from kasparro.identity.listing import Key, Listing, Standing
from kasparro.identity.resolve import Finding, Link
from kasparro.identity.slugs import slug

EventKind = Literal["linked", "unlinked", "renamed", "flagged", "cleared", "merged"]


class Place(NamedTuple):
    """A listing in its asset. Without a method it stays there as it came there, and only what it is called is new."""

    key: Key
    asset: str
    name: str
    symbol: str | None
    method: Method | None
    confidence: float
    evidence: Mapping[str, Any] | None
    is_ambiguous: bool
    candidates: Sequence[Mapping[str, Any]]


class Event(NamedTuple):
    """One change of one asset."""

    asset: str
    kind: EventKind
    key: Key | None
    details: Mapping[str, Any]


@dataclass(slots=True)
class Changes:
    """What the store has to write. `merged` maps an asset to the one that took over its listings."""

    new_assets: set[str] = field(default_factory=set)
    places: list[Place] = field(default_factory=list)
    merged: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    @property
    def touched(self) -> set[str]:
        """The assets whose name, sources or doubt may be others now."""
        return {place.asset for place in self.places} | {event.asset for event in self.events}


def changes(listings: Mapping[Key, Listing], findings: Iterable[Finding], taken: Iterable[str]) -> Changes:
    """What to write. `taken` are the ids of all assets that there ever were."""
    made, told = Changes(), list(findings)
    assets = _assets(listings, told, set(taken), made)
    before = _Before(listings)
    for finding in told:
        listing = listings[finding.key]
        place = before.place(listing, finding, assets[finding.group])
        if _is_news(listing.standing, place):
            made.places.append(place)
        made.events.extend(before.events(listing, finding, place))
        if (left := listing.standing and listing.standing.asset) and left != place.asset:
            made.merged[left] = place.asset
            made.events.append(Event(left, "merged", None, {"into": place.asset}))
    return made


def _assets(
    listings: Mapping[Key, Listing], findings: Iterable[Finding], taken: set[str], made: Changes
) -> dict[tuple[Key, ...], str]:
    """The asset of each group; new ones get their ids in the order of their market caps: the real coin comes first."""
    assets: dict[tuple[Key, ...], str] = {}
    for finding in sorted(findings, key=lambda finding: _importance(listings, finding.group)):
        if finding.group in assets:
            continue
        if (asset := finding.asset) is None:
            first = leader([listings[key] for key in finding.group])
            asset = slug(first.name, first.symbol, first.key.coin_id, taken)
            taken.add(asset)
            made.new_assets.add(asset)
        assets[finding.group] = asset
    return assets


def leader(group: Iterable[Listing]) -> Listing:
    """The listing that gives an asset its name: of the first source, by name, that gives a ticker."""
    return min(group, key=lambda listing: (listing.symbol is None, listing.key))


def _importance(listings: Mapping[Key, Listing], group: Sequence[Key]) -> tuple[float, Sequence[Key]]:
    return -max(listings[key].figures.market_cap or 0.0 for key in group), group


class _Before:
    """What was where, before the findings."""

    def __init__(self, listings: Mapping[Key, Listing]) -> None:
        self._listings = listings
        self._held = Counter(listing.standing.asset for listing in listings.values() if listing.standing)

    def place(self, listing: Listing, finding: Finding, asset: str) -> Place:
        """Where a listing is now, and why; without a method where that is as it was."""
        candidates = [_candidate(candidate) for candidate in finding.candidates]
        place = Place(
            listing.key, asset, listing.name, listing.symbol, "alone", 1.0, None, finding.is_ambiguous, candidates
        )
        if (link := finding.link) and not self._was_linked(finding.key):
            partner, evidence = self._listings[link.partner(finding.key)], link.evidence
            facts = {**_named(partner), **as_facts(evidence)}
            return place._replace(method=evidence.method, confidence=evidence.score / 100, evidence=facts)
        is_pinned = listing.standing is not None and listing.standing.is_pinned
        return place._replace(method=None) if is_pinned or len(finding.group) > 1 else place

    def events(self, listing: Listing, finding: Finding, place: Place) -> Iterator[Event]:
        """What happened to a listing."""
        standing = listing.standing
        if standing and (standing.name, standing.symbol) != (listing.name, listing.symbol):
            before = {"name": standing.name, "symbol": standing.symbol}
            after = {"name": listing.name, "symbol": listing.symbol}
            yield Event(place.asset, "renamed", listing.key, {"before": before, "after": after})
        if finding.link and finding.key == self._newcomer(finding.link):
            details = {"method": place.method, "confidence": place.confidence, "evidence": place.evidence}
            yield Event(place.asset, "linked", listing.key, details)
        if place.is_ambiguous != bool(standing and standing.is_ambiguous):
            kind: EventKind = "flagged" if place.is_ambiguous else "cleared"
            yield Event(place.asset, kind, listing.key, {"candidates": place.candidates} if place.candidates else {})

    def _newcomer(self, link: Link) -> Key:
        """Which of the two came to the other: one event tells of a link."""
        return link.a if self._was_linked(link.b) else link.b

    def _was_linked(self, key: Key) -> bool:
        standing = self._listings[key].standing
        return standing is not None and self._held[standing.asset] > 1


def _is_news(standing: Standing | None, place: Place) -> bool:
    """Whether anything has to be written; what is ambiguous always is, since its candidates may be others."""
    if standing is None or place.is_ambiguous or standing.is_ambiguous:
        return True
    before = (standing.asset, standing.name, standing.symbol)
    return before != (place.asset, place.name, place.symbol) or place.evidence is not None


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {**_named(candidate.listing), "score": candidate.evidence.score / 100, **as_facts(candidate.evidence)}


def _named(listing: Listing) -> dict[str, Any]:
    source, coin_id = listing.key
    return {"source": source, "coin_id": coin_id, "name": listing.name, "symbol": listing.symbol}


def as_facts(evidence: Evidence) -> dict[str, Any]:
    """What was compared, for people to read: words for verdicts, ratios to four digits, nothing that says nothing."""
    facts: dict[str, Any] = {
        "names": evidence.name.name.lower(),
        "symbols": evidence.ticker.name.lower(),
        "figures": evidence.agreement.name.lower(),
    }
    for name, ratio in evidence.ratios._asdict().items():
        if ratio is not None:
            facts["seconds_apart" if name == "apart" else f"{name}_ratio"] = float(f"{ratio:.4g}")
    if evidence.marks_differ:
        facts["variants_differ"] = True
    if evidence.contracts_differ:
        facts["contracts_differ"] = True
    if evidence.shared_contracts:
        facts["contracts"] = sorted(evidence.shared_contracts)
    return facts
