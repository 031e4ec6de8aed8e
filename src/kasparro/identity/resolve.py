"""Puts the listings of all sources together: every pair weighed, the best on both sides linked, doubt said aloud."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from kasparro.identity.catalogue import Candidate, Catalogue
from kasparro.identity.evidence import ENOUGH, Evidence
from kasparro.identity.groups import Groups
from kasparro.identity.listing import Key, Listing

_TOLD = 10  # candidates, at most


class Link(NamedTuple):
    """Two listings that are each other's best, and what speaks for it."""

    a: Key
    b: Key
    evidence: Evidence

    def partner(self, key: Key) -> Key:
        return self.b if key == self.a else self.a


class Finding(NamedTuple):
    """What became of a listing: the group it is in, and the group's asset so far (None: it needs one).

    `link` is how it came there just now. What is ambiguous stands alone though it may be one of `candidates`, the best
    first, or stays linked though its figures now speak against it.
    """

    key: Key
    group: tuple[Key, ...]
    asset: str | None
    link: Link | None = None
    is_ambiguous: bool = False
    candidates: tuple[Candidate, ...] = ()


def resolved(listings: Iterable[Listing], wanted: Collection[Key]) -> list[Finding]:
    """What becomes of the wanted listings, and of those that they are linked with. A link that stands is not moved."""
    catalogue = Catalogue(listings)
    resolver = _Resolver(catalogue, Groups(catalogue))
    links = resolver.linked(wanted)
    return [resolver.finding(key, links.get(key)) for key in dict.fromkeys([*wanted, *links])]


class _Resolver(NamedTuple):
    catalogue: Catalogue
    groups: Groups

    def linked(self, wanted: Iterable[Key]) -> dict[Key, Link]:
        """Joins the groups of each link, the strongest first, where they may; the link that brought each listing."""
        made: dict[Key, Link] = {}
        for link in sorted(set(self._links(wanted)), key=lambda link: (-link.evidence.score, link.a, link.b)):
            if self.groups.may_join(link.a, link.b):
                self.groups.join(link.a, link.b)
                made.setdefault(link.a, link)
                made.setdefault(link.b, link)
        return made

    def _links(self, wanted: Iterable[Key]) -> Iterator[Link]:
        """Every two listings that are each other's best; where elsewhere two are as good, words do not suffice."""
        for key in wanted:
            for source in self.catalogue.sources:
                best = self._best(key, source)
                if best is None or not self._is_mutual(key, best):
                    continue
                if best.evidence.is_proven or not (self._is_torn(key) or self._is_torn(best.key)):
                    a, b = sorted((key, best.key))
                    yield Link(a, b, best.evidence)

    def _is_mutual(self, key: Key, best: Candidate) -> bool:
        back = self._best(best.key, key.source)
        return back is not None and back.key == key

    def _best(self, key: Key, source: str) -> Candidate | None:
        """The one listing of a source that can be meant; None where there is none, or no telling which."""
        match self._good(key, source):
            case [first, *others] if all(first.evidence.beats(other.evidence) for other in others):
                return first
        return None

    def _is_torn(self, key: Key) -> bool:
        """Whether two listings of some source are as good for it as each other."""
        return any(self._good(key, source) and not self._best(key, source) for source in self.catalogue.sources)

    def _good(self, key: Key, source: str) -> list[Candidate]:
        """The candidates in a source that are good enough for a link; none where we have a listing there already."""
        if any(member.key.source == source for member in self.groups.of(key)):
            return []
        candidates = self._candidates(key, source)
        return [each for each in candidates if each.evidence.score >= ENOUGH and self._is_free(each, key)]

    def _candidates(self, key: Key, source: str) -> list[Candidate]:
        return self.catalogue.candidates(self.catalogue.listings[key], source)

    def _is_free(self, candidate: Candidate, key: Key) -> bool:
        return self.groups.is_free(candidate.key, key.source)

    def finding(self, key: Key, link: Link | None) -> Finding:
        """What became of a listing, with everything joined."""
        standing = self.catalogue.listings[key].standing
        group, asset = tuple(sorted(member.key for member in self.groups.of(key))), self.groups.asset(key)
        if len(group) > 1:
            was_doubted = bool(standing and standing.is_ambiguous and not link)
            return Finding(key, group, asset, link, was_doubted or self._is_disputed(key, group))
        if standing and standing.is_pinned:
            return Finding(key, group, asset)
        candidates = tuple(self._worth_telling(key))
        return Finding(key, group, asset, is_ambiguous=bool(candidates), candidates=candidates)

    def _is_disputed(self, key: Key, group: Collection[Key]) -> bool:
        """Whether a listing contradicts most of those that it is linked with."""
        against = [self.catalogue.evidence(key, other).forbids for other in group if other != key]
        return sum(against) > len(against) / 2

    def _worth_telling(self, key: Key) -> list[Candidate]:
        """What a listing that stands alone may be: a candidate that is linked already has to be as good as a link, and
        one that stands alone by a person's word is none.
        """
        found = [
            candidate
            for source in self.catalogue.sources
            if source != key.source
            for candidate in self._candidates(key, source)
            if not self.groups.is_set_apart(candidate.key)
            and (candidate.evidence.score >= ENOUGH or self._is_free(candidate, key))
        ]
        return sorted(found, key=lambda candidate: (-candidate.evidence.score, candidate.key))[:_TOLD]
