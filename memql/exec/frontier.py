"""Frontiers: the distinct nodes that a breadth-first search has reached, in arrays of bits.

A node is one byte of an array, so that "seen before?" is a gather and "these are new" a scatter. Between the two lies
removing repeats among the new ones: few are sorted, many are marked and read off. The array is made once for a run and
only what was touched is cleared, as a fresh one costs more than a small search.

Measured on 100K nodes and 2.4M relationships (docs/decisions/0018): a step from 19 nodes to 491 takes 6 us to follow
and 5 us to make distinct; with roaring sets of neighbours, kept for each node, their union takes 5 us once they are
made and 106 through the view. From 632 nodes it is 26 and 20 us against 88 and 3,500.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from memoradb.core.arrays import distinct
from memoradb.core.columns import IntArray

SORTED_SHARE: Final = 64
"""Fewer than one key in so many is sorted; of more it pays to look at the whole array."""

_SEEN, _NEW = 1, 2


class Marks:
    """Which keys of a range were seen: node slots, or node slots of several searches side by side."""

    __slots__ = ("_marks",)

    def __init__(self, size: int) -> None:
        self._marks: NDArray[np.uint8] = np.zeros(size, np.uint8)

    @property
    def bytes(self) -> int:
        """What it takes of memory."""
        return len(self._marks)

    def seen(self, keys: IntArray) -> NDArray[np.uint8]:
        """Not zero where a key was seen."""
        return self._marks.take(keys)

    def add(self, keys: IntArray) -> IntArray:
        """Those of ``keys`` that were not seen before, each once and ascending; they have been seen now."""
        marks = self._marks
        fresh = keys.compress(marks.take(keys) == 0)
        if not len(fresh):
            return fresh
        if len(fresh) * SORTED_SHARE < len(marks):
            fresh = distinct(fresh)
        else:
            marks[fresh] = _NEW
            fresh = np.flatnonzero(marks == _NEW)
        marks[fresh] = _SEEN
        return fresh

    def forget(self, keys: IntArray) -> None:
        """These count as not seen again."""
        self._marks[keys] = 0
