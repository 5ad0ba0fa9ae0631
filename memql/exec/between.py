"""The relationships between given pairs of nodes, for a whole batch of pairs at once.

A table of marks has a row for each different near end and a column for each node; each relationship writes its number
into its cell, and each pair reads the cell that it asks for. So a pair costs one look-up, whatever the degrees, and the
table is cleared by taking back what was written. Parallel relationships meet in one cell: those that lost it are
written again in a next round. Where the table would be too large for what it serves (many near ends of few
relationships each in a large graph), relationships are sorted by their ends and the pairs are searched instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memoradb.core.arrays import distinct
from memoradb.core.columns import IntArray
from memoradb.storage.view import Direction

from .adjacent import degree_slices
from .context import Context

BACK: Final = {Direction.OUT: Direction.IN, Direction.IN: Direction.OUT, Direction.BOTH: Direction.BOTH}

CELLS: Final = 1 << 20
"""Cells of a table of marks, four bytes each: it should stay in the second-level cache."""

TABLE_NS: Final = 70_000
"""Filling and clearing one table, beside what its relationships cost."""

MARK_NS: Final = 12
"""A relationship written into a table and taken back, or a pair that reads it."""

SORT_NS: Final = 60
"""A relationship that is sorted, or a pair that is searched."""


def ranked(values: IntArray) -> tuple[IntArray, IntArray]:
    """(the different values, ascending; for each value its place among them), of integers that are not negative."""
    if not len(values):
        return values, values
    top = int(values.max()) + 1
    if top > 16 * len(values) + 1024:
        different = distinct(values)
        return different, np.searchsorted(different, values)
    met = np.zeros(top, np.bool_)
    met[values] = True
    different = np.flatnonzero(met)
    place = np.empty(top, np.int64)
    place[different] = np.arange(len(different))
    return different, place.take(values)


@dataclass(slots=True)
class _Side:
    """Pairs as seen from one of their ends."""

    near: IntArray
    far: IntArray
    direction: Direction
    different: IntArray
    """The different near ends."""
    which: IntArray
    """By pair: its near end's place among ``different``."""
    degrees: IntArray
    """By different near end."""

    @staticmethod
    def of(near: IntArray, far: IntArray, types: tuple[str, ...], direction: Direction, context: Context) -> _Side:
        different, which = ranked(near)
        degrees = context.view.degrees(different, types or None, direction)
        return _Side(near, far, direction, different, which, degrees)

    def cost(self, top: int) -> float:
        """Nanoseconds, roughly, where node slots are below ``top``."""
        return min(self.table_cost(top), SORT_NS * (int(self.degrees.sum()) + len(self.near)))

    def table_cost(self, top: int) -> float:
        """With tables of marks."""
        tables = 1 + len(self.different) * top // CELLS
        return TABLE_NS * tables + MARK_NS * (int(self.degrees.sum()) + len(self.near))


def between(
    starts: IntArray, ends: IntArray, types: tuple[str, ...], direction: Direction, context: Context
) -> Iterator[tuple[IntArray, IntArray]]:
    """(pair, relationship) of every relationship that leads from a pair's start to its end, in pieces, in no order.

    ``direction`` as seen from the start; a self-loop is found once. Pairs are looked up from whichever end costs
    less: all from one where its ends are few, else each from its end of fewer relationships.
    """
    if not len(starts):
        return
    top = max(int(starts.max()), int(ends.max())) + 1
    sides = [_Side.of(starts, ends, types, direction, context)]
    if sides[0].cost(top) <= 2 * (TABLE_NS + MARK_NS * len(starts)):
        yield from _found(sides[0], types, top, context)  # the pairs alone cost as much: the other end has no less
        return
    sides.append(_Side.of(ends, starts, types, BACK[direction], context))
    costs = [side.cost(top) for side in sides]
    best = 0 if costs[0] <= costs[1] else 1
    if costs[best] > 4 * SORT_NS * len(starts):
        fewer = sides[0].degrees.take(sides[0].which) <= sides[1].degrees.take(sides[1].which)
        parts = [np.flatnonzero(fewer), np.flatnonzero(~fewer)]
        halves = [
            (rows, _Side.of(side.near.take(rows), side.far.take(rows), types, side.direction, context))
            for rows, side in zip(parts, sides, strict=True)
            if len(rows)
        ]
        if sum(half.cost(top) for _, half in halves) < costs[best]:
            for rows, half in halves:
                for positions, relationships in _found(half, types, top, context):
                    yield rows.take(positions), relationships
            return
    yield from _found(sides[best], types, top, context)


def _found(side: _Side, types: tuple[str, ...], top: int, context: Context) -> Iterator[tuple[IntArray, IntArray]]:
    order = np.argsort(side.which, kind="stable") if len(side.different) > 1 else np.arange(len(side.which))
    ordered = side.which.take(order)
    most, marks = len(side.different), None
    if side.table_cost(top) <= SORT_NS * (int(side.degrees.sum()) + len(side.near)):
        most = min(most, max(1, CELLS // top))
        marks = np.zeros(top * most, np.int32)
    for begin in range(0, len(side.different), most):
        until = min(begin + most, len(side.different))
        for first, stop in degree_slices(side.degrees[begin:until], 4 * context.expand_rows_max):
            context.check()
            start, end = begin + first, begin + stop
            low, high = np.searchsorted(ordered, (start, end))
            rows = order[low:high]
            near, far = ordered[low:high] - start, side.far.take(rows)
            found = context.view.expand(side.different[start:end], types or None, side.direction)
            if marks is not None:
                inside = np.flatnonzero(found.node < top)
                keys = found.source_position.take(inside) * top + found.node.take(inside)
                relationships = found.relationship.take(inside)
                hits = _by_marks(keys, near * top + far, marks)
            else:
                keys = found.source_position << 32 | found.node
                relationships = found.relationship
                hits = _by_search(keys, near << 32 | far)
            for pairs, edges in hits:
                yield rows.take(pairs), relationships.take(edges)


def _by_marks(keys: IntArray, wanted: IntArray, marks: NDArray[np.int32]) -> Iterator[tuple[IntArray, IntArray]]:
    """(position in ``wanted``, position in ``keys``) of equal ones, by a table of zeros that is left as it was."""
    edges: IntArray | None = None
    asking: IntArray | None = None
    while len(keys):
        numbers = np.arange(1, len(keys) + 1, dtype=np.int32)
        marks[keys] = numbers
        cells = marks.take(wanted)
        hits = np.flatnonzero(cells)
        numbers_left = np.flatnonzero(marks.take(keys) != numbers)
        marks[keys] = 0
        if len(hits):
            found = cells.take(hits).astype(np.int64) - 1
            yield (hits if asking is None else asking.take(hits)), (found if edges is None else edges.take(found))
        if not len(numbers_left) or not len(hits):
            return
        # Of parallel relationships one kept its cell: the others once more, for the pairs that met one.
        keys = keys.take(numbers_left)
        edges = numbers_left if edges is None else edges.take(numbers_left)
        wanted = wanted.take(hits)
        asking = hits if asking is None else asking.take(hits)


def _by_search(keys: IntArray, wanted: IntArray) -> Iterator[tuple[IntArray, IntArray]]:
    """The same, by sorting ``keys``."""
    by_key = np.argsort(keys, kind="stable")
    keys = keys.take(by_key)
    first = np.searchsorted(keys, wanted, "left")
    counts = np.searchsorted(keys, wanted, "right") - first
    total = int(counts.sum())
    if total:
        inner = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
        yield np.repeat(np.arange(len(wanted)), counts), by_key.take(np.repeat(first, counts) + inner)
