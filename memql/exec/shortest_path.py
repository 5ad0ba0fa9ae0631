"""Shortest paths between two bound nodes: bidirectional breadth-first search, level by level.

Each side keeps, by node, the relationships by which its level reached it; the smaller frontier goes next. Without a
predicate on hops the frontier is expanded as one batch. Paths are read off where the two sides meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import IntArray, Kind, ListColumn, relationship_column
from memoradb.core.values import RelationshipRef
from memoradb.storage.view import Direction

from ..kernels.compile import compile_predicate
from ..plan.expr import Expr, free_variables
from .adjacent import arrow, element_slots
from .context import Context
from .operator import Frame, Operator

Parents = dict[int, list[tuple[int, int]]]
"""By node: (node before, relationship) pairs of the level that reached it first."""


@dataclass(eq=False, slots=True)
class ShortestPath(Operator):
    """One shortest path (or ``all`` of them) for each row; rows without one are dropped.

    ``reversed``: the pattern was written with ``<-``, so its list of relationships runs from target to source.
    """

    input: Operator
    source: str
    target: str
    relationship: str
    types: tuple[str, ...]
    direction: Direction
    low: int
    high: int | None
    all: bool = False
    hop_variable: str | None = None
    hop_predicate: Expr | None = None
    reversed: bool = False

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        predicate = None if self.hop_predicate is None else compile_predicate(self.hop_predicate)
        reads = (
            () if self.hop_predicate is None else tuple(free_variables(self.hop_predicate) - {self.hop_variable or ""})
        )
        for batch in context.batches(self.input, frame):
            sources, live = element_slots(batch.columns[self.source], Kind.NODE)
            if live is not None:
                batch = batch.take(live)
            targets, live = element_slots(batch.columns[self.target], Kind.NODE)
            if live is not None:
                batch, sources = batch.take(live), sources.take(live)
            positions: list[int] = []
            paths: list[list[RelationshipRef]] = []
            for i, (source, target) in enumerate(zip(sources.tolist(), targets.tolist(), strict=True)):
                context.check()
                allowed = self._filter(batch, i, predicate, reads, context)
                for path in self._search(source, target, allowed, context):
                    positions.append(i)
                    paths.append([RelationshipRef(r) for r in (path[::-1] if self.reversed else path)])
            if positions:
                out = batch.take(np.array(positions, np.int64))
                yield out.with_columns({self.relationship: ListColumn(list(paths))})

    def _filter(
        self, batch: Batch, position: int, predicate: object, reads: tuple[str, ...], context: Context
    ) -> Callable[[IntArray], IntArray] | None:
        if predicate is None:
            return None

        def allowed(relationships: IntArray) -> IntArray:
            assert self.hop_variable is not None
            rows = np.full(len(relationships), position, np.int64)
            inner = Batch({n: batch.columns[n].take(rows) for n in reads}, len(relationships))
            return predicate(  # pyright: ignore[reportCallIssue]
                inner.with_columns({self.hop_variable: relationship_column(relationships)}), context
            )

        return allowed

    def _search(
        self, source: int, target: int, allowed: Callable[[IntArray], IntArray] | None, context: Context
    ) -> list[list[int]]:
        high = self.high if self.high is not None else 1 << 30
        if source == target:
            return [[]] if self.low == 0 else []
        reverse = {Direction.OUT: Direction.IN, Direction.IN: Direction.OUT, Direction.BOTH: Direction.BOTH}
        before: Parents = {source: []}
        after: Parents = {target: []}
        front, back = [source], [target]
        hops = 0
        while front and back and hops < high:
            hops += 1
            if len(front) <= len(back):
                front = self._level(front, before, self.direction, allowed, context)
                meeting = [n for n in front if n in after]
            else:
                back = self._level(back, after, reverse[self.direction], allowed, context)
                meeting = [n for n in back if n in before]
            if meeting:
                if hops < self.low:
                    # Only paths longer than the shortest would do: the general search answers that.
                    return []
                return self._paths(meeting, before, after)
        return []

    def _level(
        self,
        frontier: list[int],
        parents: Parents,
        direction: Direction,
        allowed: Callable[[IntArray], IntArray] | None,
        context: Context,
    ) -> list[int]:
        sources = np.array(frontier, np.int64)
        found = context.view.expand(sources, self.types or None, direction)
        positions, nodes, relationships = found.source_position, found.node, found.relationship
        if allowed is not None and len(relationships):
            kept = allowed(relationships)
            positions, nodes, relationships = positions.take(kept), nodes.take(kept), relationships.take(kept)
        if not self.all and len(nodes):
            # One way to each node is enough.
            nodes, first = np.unique(nodes, return_index=True)
            positions, relationships = positions.take(first), relationships.take(first)
        reached: Parents = {}
        origins = sources.take(positions).tolist()
        for node, origin, relationship in zip(nodes.tolist(), origins, relationships.tolist(), strict=True):
            if node not in parents:
                reached.setdefault(node, []).append((origin, relationship))
        parents.update(reached)
        return list(reached)

    def _paths(self, meeting: list[int], before: Parents, after: Parents) -> list[list[int]]:
        out = []
        for node in sorted(meeting):
            for head in _trails(node, before):
                for tail in _trails(node, after):
                    out.append([*reversed(head), *tail])
                    if not self.all:
                        return out
        return out

    def describe(self) -> str:
        high = "" if self.high is None else self.high
        kind = "all shortest" if self.all else "shortest"
        length = f"*{self.low}..{high}"
        return f"{kind} {arrow(self.source, self.relationship, self.target, self.types, self.direction, (), length)}"


def _trails(node: int, parents: Parents) -> Iterator[list[int]]:
    """The relationships from ``node`` back to the root of ``parents``, every way."""
    stack: list[tuple[int, list[int]]] = [(node, [])]
    while stack:
        at, path = stack.pop()
        ways = parents[at]
        if not ways:
            yield path
        for origin, relationship in ways:
            stack.append((origin, [*path, relationship]))
