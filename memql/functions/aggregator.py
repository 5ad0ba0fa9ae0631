"""What every aggregate is while it runs: the state of all groups, a batch at a time.

``update`` gets, for each row, the number of its group; rows with weight w count w times. min, max and DISTINCT
aggregates ignore weights. Typed numbers run in numpy; everything else by scalar semantics.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memoradb.core.columns import Column, IntArray
from memoradb.core.values import INTEGER_MAX

Part = tuple["IntArray | None", Column, "IntArray | None"]

ENTRY_BYTES: Final = 120
"""One group in a dict: key, value and place."""


class Aggregator:
    """State of one aggregate for all groups."""

    check: Callable[[], None] = staticmethod(lambda: None)
    """Called now and then where finishing takes long: it may stop the statement."""

    def __init__(self) -> None:
        self.groups = 0

    def grow(self, groups: int) -> None:
        """Make room for so many groups."""
        self.groups = max(self.groups, groups)

    def update(self, codes: IntArray | None, columns: list[Column], weights: IntArray | None, rows: int) -> None:
        """Take a batch of ``rows`` rows: ``codes`` are group numbers, None where all rows are of group 0."""
        raise NotImplementedError

    def result(self) -> Column:
        """A value for each group."""
        raise NotImplementedError

    def part(self, groups: IntArray) -> Aggregator:
        """The state of some groups alone, numbered anew in that order."""
        raise NotImplementedError

    @property
    def bytes(self) -> int:
        """The memory that the state takes."""
        raise NotImplementedError


def present(codes: IntArray | None, column: Column, weights: IntArray | None) -> Part:
    """Only the rows that are not null."""
    mask = column.nulls()
    if mask is None:
        return codes, column, weights
    kept = np.flatnonzero(~mask)
    return (
        None if codes is None else codes.take(kept),
        column.take(kept),
        None if weights is None else weights.take(kept),
    )


def listed(codes: IntArray | None, rows: int) -> list[int]:
    """The group of each row as a list."""
    return [0] * rows if codes is None else codes.tolist()


def total_rows(weights: IntArray | None, rows: int) -> int:
    """The rows that a batch stands for, exactly."""
    if weights is None:
        return rows
    small = not rows or int(weights.max()) < INTEGER_MAX // rows
    return int(weights.sum()) if small else sum(weights.tolist())


def grown(array: NDArray[Any], groups: int, empty: float = 0) -> NDArray[Any]:
    """``array`` with room for so many groups, the new ones ``empty``."""
    if len(array) >= groups:
        return array
    room = max(groups, 2 * len(array))
    # Memory that is zero from the start costs only when it is used.
    out = np.zeros(room, array.dtype) if empty == 0 else np.full(room, empty, array.dtype)
    out[: len(array)] = array
    return out
