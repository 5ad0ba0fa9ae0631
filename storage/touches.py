"""What a transaction wrote of elements that were there before it: for the conflict check at commit.

Creating a relationship touches its ends *shared*, deleting a node touches it *exclusive*: two transactions may connect
to a node, and a third may change it meanwhile, but none may delete it. An element that two change is a conflict, so
that no update is lost, whatever the isolation.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyroaring import BitMap

from .view import Element


@dataclass(frozen=True, slots=True)
class Touches:
    """What a transaction wrote of elements that were there before, by slot of its snapshot."""

    changed: BitMap
    """Nodes that it changed."""
    deleted: BitMap
    """Nodes that it deleted."""
    connected: BitMap
    """Nodes that it made relationships of."""
    relationships: BitMap
    """Relationships that it changed or deleted."""

    def conflict_with(self, other: Touches) -> Element | None:
        """What kind of element keeps the two from committing without one having seen the other."""
        written, theirs = self.changed | self.deleted, other.changed | other.deleted
        if (
            written.intersect(theirs)
            or self.deleted.intersect(other.connected)
            or self.connected.intersect(other.deleted)
        ):
            return Element.NODE
        return Element.RELATIONSHIP if self.relationships.intersect(other.relationships) else None
