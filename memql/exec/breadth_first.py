"""Breadth-first searches side by side: the nodes that some hops lead to, each once, level by level.

Every step takes a bounded number of relationships; between two of them the statement can be cancelled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from memoradb.core.columns import BoolArray, IntArray
from memoradb.storage.view import Direction

from .adjacent import degree_slices
from .closed_trails import Allowed, closed_trails
from .context import Context
from .frontier import Marks

Found: TypeAlias = tuple[IntArray, IntArray]
"""(number of the search, node) pairs."""


class BreadthFirst:
    """Breadth-first searches side by side, level by level; a key is a search's number times ``top`` plus a node."""

    def __init__(
        self,
        types: tuple[str, ...],
        direction: Direction,
        hops: tuple[int, int | None],
        starts: IntArray,
        allowed: Allowed | None,
        wanting: Callable[[IntArray], IntArray | None],
        context: Context,
    ) -> None:
        """Searches from ``starts``, each once.

        Args:
            types: of the relationships to follow; none are all.
            direction: in which they are followed.
            hops: the fewest, 0 or 1, and the most.
            starts: where the searches begin, by number.
            allowed: of relationships met by searches, which may be followed.
            wanting: of searches, the places of those that are to go on; None for all.
            context: of the statement.
        """
        self._types = types
        self._direction = direction
        self._low, self._high = hops
        self._starts = starts
        self._top = context.view.nodes_top
        self._allowed = allowed
        self._wanting = wanting
        self._context = context
        self._marks = Marks(self._top * len(starts))
        self._finished: BoolArray | None = None
        self.looked_at = 0
        """Relationships followed so far."""

    def finish(self, number: IntArray) -> IntArray:
        """These searches have found what they were for: those that had not before, each once."""
        if self._finished is None:
            self._finished = np.zeros(len(self._starts), np.bool_)
        fresh = np.zeros(len(self._starts), np.bool_)
        fresh[number] = True
        fresh &= ~self._finished
        self._finished |= fresh
        return np.flatnonzero(fresh)

    def found(self) -> Iterator[Found]:
        """Each node that a search reaches, once."""
        return self.found_from(np.arange(len(self._starts)), self._starts)

    def found_from(self, number: IntArray, nodes: IntArray) -> Iterator[Found]:
        """The same, where the searches with these numbers begin at these nodes."""
        context = self._context
        single = len(self._starts) == 1
        undirected = self._direction is Direction.BOTH
        if self._low == 0 or undirected:
            self._marks.add(number * self._top + nodes)
        if self._low == 0:
            yield number, nodes
        elif undirected and self._high != 0:
            closed = closed_trails(self._types, self._high, self._starts, self._allowed, context)
            if len(closed):
                yield closed, self._starts.take(closed)
        hops = 0
        while len(nodes) and (self._high is None or hops < self._high):
            hops += 1
            reached: list[Found] = []
            degrees = context.view.degrees(nodes, self._types or None, self._direction)
            self.looked_at += int(degrees.sum())
            for start, stop in degree_slices(degrees, context.expand_rows_max):
                context.check()
                for fresh in self._step(number[start:stop], nodes[start:stop]):
                    found = (np.zeros(len(fresh), np.int64), fresh) if single else _divided(fresh, self._top)
                    reached.append(found)
                    yield found
            if not reached:
                return
            number, nodes = reached[0] if len(reached) == 1 else map(np.concatenate, zip(*reached, strict=True))

    def _step(self, number: IntArray, nodes: IntArray) -> Iterator[IntArray]:
        """The keys of what these lead to and was not reached before."""
        open_ = self._wanting(number)
        if open_ is not None and len(open_) < len(number):
            number, nodes = number.take(open_), nodes.take(open_)
        if self._finished is not None:
            kept = np.flatnonzero(~self._finished.take(number))
            number, nodes = number.take(kept), nodes.take(kept)
        if not len(nodes):
            return
        # One node may have more relationships than a step may take: those are looked at in parts.
        for ends, owners in self._ends(number, nodes):
            if not len(ends):
                continue
            fresh = self._marks.add(ends if owners is None else owners * self._top + ends)
            if len(fresh):
                yield fresh

    def _ends(self, number: IntArray, nodes: IntArray) -> Iterator[tuple[IntArray, IntArray | None]]:
        """(far ends, numbers of their searches or None where there is one) of some nodes, in parts of bounded size."""
        context, allowed = self._context, self._allowed
        types, size = self._types or None, context.expand_rows_max
        if allowed is None and len(self._starts) == 1:
            ends = context.view.far_ends(nodes, types, self._direction)
            for start in range(0, len(ends), size):
                yield ends[start : start + size], None
            return
        found = context.view.expand(nodes, types, self._direction)
        owners = number.take(found.source_position)
        for start in range(0, len(owners), size):
            part = slice(start, start + size)
            ends, mine = found.node[part], owners[part]
            if allowed is not None:
                context.check()
                kept = allowed(found.relationship[part], mine)
                ends, mine = ends.take(kept), mine.take(kept)
            yield ends, mine


def _divided(keys: IntArray, top: int) -> Found:
    number = keys // top
    return number, keys - number * top
