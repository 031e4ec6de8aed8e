"""Which listings stand together while they are being put together."""

from __future__ import annotations

from kasparro.identity.catalogue import Catalogue
from kasparro.identity.listing import Key, Listing


class Groups:
    """The listings by the asset that they are in. A listing without standing is alone."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._group: dict[Key, list[Listing]] = {}
        by_asset: dict[str, list[Listing]] = {}
        for listing in catalogue.listings.values():
            together = by_asset.setdefault(listing.standing.asset, []) if listing.standing else []
            together.append(listing)
            self._group[listing.key] = together

    def of(self, key: Key) -> list[Listing]:
        """The listings that stand with this one, itself included."""
        return self._group[key]

    def is_free(self, key: Key, source: str) -> bool:
        """Whether a listing can still be linked with one of the source."""
        group = self._group[key]
        return not _is_set_apart(group) and all(listing.key.source != source for listing in group)

    def is_set_apart(self, key: Key) -> bool:
        """Whether a person said that the listing stands alone."""
        return _is_set_apart(self._group[key])

    def may_join(self, a: Key, b: Key) -> bool:
        """Whether the groups of two listings can be one: no source twice, nobody's word against it, nothing moved."""
        ours, theirs = self._group[a], self._group[b]
        return (
            ours is not theirs
            and not {listing.key.source for listing in ours} & {listing.key.source for listing in theirs}
            and not (_is_settled(ours) and _is_settled(theirs))
            and not any(_is_set_apart(group) for group in (ours, theirs))
            and not any(self._catalogue.evidence(left.key, right.key).forbids for left in ours for right in theirs)
        )

    def join(self, a: Key, b: Key) -> None:
        """Make one group of two."""
        ours, theirs = self._group[a], self._group[b]
        ours.extend(theirs)
        for listing in theirs:
            self._group[listing.key] = ours

    def asset(self, key: Key) -> str | None:
        """The asset of the group: the one that most of its listings are in, else the oldest. None: a new one."""
        standings = [listing.standing for listing in self._group[key] if listing.standing]
        if not standings:
            return None
        names = [standing.asset for standing in standings]
        return min(standings, key=lambda standing: (-names.count(standing.asset), standing.since, standing.asset)).asset


def _is_settled(group: list[Listing]) -> bool:
    """Whether links were made in it before: such a group is never dissolved into another."""
    assets = [listing.standing.asset for listing in group if listing.standing]
    return len(assets) > len(set(assets)) or any(listing.standing and listing.standing.is_pinned for listing in group)


def _is_set_apart(group: list[Listing]) -> bool:
    return len(group) == 1 and group[0].standing is not None and group[0].standing.is_pinned
