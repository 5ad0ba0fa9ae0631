"""What left an index, for readers of older states: the slots, and the positions at which they left."""

from __future__ import annotations

import bisect


class Removals:
    """(position, slot) pairs, oldest first. One writer; any number of readers.

    ``last_change`` is the position of the newest change other than the addition of new elements. It is raised before
    anything changes: a reader older than it tests what it gets against its own values.
    """

    def __init__(self) -> None:
        self.last_change = -1
        self._removed: list[tuple[int, int]] = []

    def note(self, slot: int, position: int) -> None:
        """``slot`` is about to leave."""
        self._removed.append((position, slot))

    def since(self, position: int) -> list[int]:
        """Slots that left after ``position``, or never did: candidates for a reader at it."""
        removed = self._removed
        if self.last_change <= position or not removed:
            return []
        return [slot for _, slot in removed[bisect.bisect_right(removed, (position, 1 << 62)) :]]

    def prune(self, oldest: int | None) -> None:
        """No reader is older than ``oldest``; None where there is no reader at all."""
        if self._removed:
            self._removed = [] if oldest is None else [r for r in self._removed if r[0] > oldest]
