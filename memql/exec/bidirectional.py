"""Breadth-first search from two nodes towards each other, on arrays (Pohl 1971).

Each side keeps a frontier of nodes, an array of bits for what it has seen, and by level the ways that led there. The
smaller frontier goes next; where its new nodes are among those that the other side has seen, the sides have met, and
each path of that length goes through exactly one of the nodes where they met. Every step takes a bounded number of
relationships. Paths are read off level by level, as arrays of relationships, in parts of bounded size.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from memoradb.core.columns import IntArray
from memoradb.storage.view import Direction

from .adjacent import degree_slices
from .context import Context
from .frontier import Marks

Allowed: TypeAlias = Callable[[IntArray], IntArray]
"""Of these relationships, the places of those that may be followed."""


@dataclass(frozen=True, slots=True)
class _Level:
    """How the nodes of one level were reached: from ``origin`` by ``relationship``, ascending by ``node``."""

    node: IntArray
    origin: IntArray
    relationship: IntArray


class _Side:
    """One of the two searches."""

    def __init__(self, marks: Marks, start: int, direction: Direction) -> None:
        self.marks = marks
        self.direction = direction
        self.frontier = np.array([start], np.int64)
        self.levels: list[_Level] = []
        marks.add(self.frontier)

    def forget(self, start: int) -> None:
        """Leave the bits as they were."""
        self.marks.forget(np.array([start], np.int64))
        for level in self.levels:
            self.marks.forget(level.node)


class Bidirectional:
    """Searches over one view, one after the other; their arrays are made once."""

    def __init__(self, types: tuple[str, ...], direction: Direction, context: Context) -> None:
        self._types = types or None
        self._direction = direction
        self._context = context
        top = context.view.nodes_top
        self._marks = (Marks(top), Marks(top))

    @property
    def bytes(self) -> int:
        """What the arrays take."""
        return 2 * self._marks[0].bytes

    def reaches(self, source: int, target: int, high: int | None, allowed: Allowed | None = None) -> bool:
        """Whether a path of 1 to ``high`` hops leads from one node to another one."""
        with closing(self.paths(source, target, high, allowed, every=False)) as paths:
            return next(paths, None) is not None

    def paths(
        self, source: int, target: int, high: int | None, allowed: Allowed | None, every: bool
    ) -> Generator[IntArray, None, None]:
        """The shortest paths between two different nodes, at most ``high`` hops: relationships, a path each row.

        ``every`` False: one of them.
        """
        before = _Side(self._marks[0], source, self._direction)
        after = _Side(self._marks[1], target, self._direction.reversed)
        try:
            meeting = self._meet(before, after, high, allowed, every)
            if len(meeting):
                yield from self._read_off(meeting, before.levels, after.levels, every)
        finally:
            before.forget(source)
            after.forget(target)

    def _meet(self, before: _Side, after: _Side, high: int | None, allowed: Allowed | None, every: bool) -> IntArray:
        hops = 0
        while len(before.frontier) and len(after.frontier) and (high is None or hops < high):
            hops += 1
            side, other = (before, after) if len(before.frontier) <= len(after.frontier) else (after, before)
            self._advance(side, allowed, every)
            meeting = side.frontier.take(np.flatnonzero(other.marks.seen(side.frontier)))
            if len(meeting):
                return meeting
        return np.zeros(0, np.int64)

    def _advance(self, side: _Side, allowed: Allowed | None, every: bool) -> None:
        """One level further."""
        context, view, sources = self._context, self._context.view, side.frontier
        parts: list[tuple[IntArray, IntArray, IntArray]] = []
        fresh: list[IntArray] = []
        degrees = view.degrees(sources, self._types, side.direction)
        for start, stop in degree_slices(degrees, context.expand_rows_max):
            context.check()
            found = view.expand(sources[start:stop], self._types, side.direction)
            nodes, relationships = found.node, found.relationship
            kept = np.flatnonzero(side.marks.seen(nodes) == 0)
            if allowed is not None and len(kept):
                kept = kept.take(allowed(relationships.take(kept)))
            if not len(kept):
                continue
            nodes, relationships = nodes.take(kept), relationships.take(kept)
            origins = sources.take(found.source_position.take(kept) + start)
            if not every:
                new = side.marks.add(nodes)
                order = np.argsort(nodes, kind="stable")
                one = order.take(np.searchsorted(nodes, new, sorter=order))
                nodes, origins, relationships = new, origins.take(one), relationships.take(one)
                fresh.append(new)
            parts.append((nodes, origins, relationships))
        if not parts:
            side.frontier = np.zeros(0, np.int64)
            return
        nodes, origins, relationships = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
        side.frontier = side.marks.add(nodes) if every else np.concatenate(fresh)
        order = np.argsort(nodes, kind="stable")
        side.levels.append(_Level(nodes.take(order), origins.take(order), relationships.take(order)))

    def _read_off(
        self, meeting: IntArray, before: list[_Level], after: list[_Level], every: bool
    ) -> Iterator[IntArray]:
        """From where the sides met back to the source and on to the target, deepest first."""
        levels = [*reversed(before), *reversed(after)]
        nodes = meeting if every else meeting[:1]
        stack: list[Iterator[tuple[IntArray, IntArray, IntArray]]] = [
            iter(((nodes, nodes, np.zeros((len(nodes), 0), np.int64)),))
        ]
        while stack:
            self._context.check()
            part = next(stack[-1], None)
            if part is None:
                stack.pop()
                continue
            if len(stack) > len(levels):
                hops = part[2]
                yield np.concatenate(
                    [hops[:, len(before) - 1 :: -1] if before else hops[:, :0], hops[:, len(before) :]], 1
                )
                if not every:
                    return
                continue
            place = len(stack) - 1
            stack.append(self._steps(part, levels[place], place == len(before), every))

    def _steps(
        self, part: tuple[IntArray, IntArray, IntArray], level: _Level, turns: bool, every: bool
    ) -> Iterator[tuple[IntArray, IntArray, IntArray]]:
        """Each path one hop longer, in every way. ``turns``: go on where the sides met, towards the target."""
        here, met, hops = part
        here = met if turns else here
        first = np.searchsorted(level.node, here, "left")
        counts = np.searchsorted(level.node, here, "right") - first
        if not every:
            counts = np.minimum(counts, 1)
        for start, stop in degree_slices(counts, self._context.expand_rows_max):
            some = counts[start:stop]
            total = np.cumsum(some)
            rows = np.repeat(np.arange(start, stop), some)
            ways = np.repeat(first[start:stop] - (total - some), some) + np.arange(int(total[-1]))
            longer = np.concatenate([hops.take(rows, axis=0), level.relationship.take(ways)[:, None]], axis=1)
            yield level.origin.take(ways), met.take(rows), longer
