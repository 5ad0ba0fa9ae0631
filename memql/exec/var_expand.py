"""Variable-length expansion: trails of so many hops, in arrays of relationship slots.

A stack of frontier chunks, deepest first, keeps memory bounded by depth times chunk size (DESIGN 4.3). A trail uses no
relationship twice; the check is a comparison of arrays, column by column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core.batch import Batch, concat_batches
from memoradb.core.columns import IntArray, RaggedColumn, node_column, relationship_column
from memoradb.storage.view import Direction

from ..plan.expr import Expr
from .adjacent import arrow, counted_rows, degree_slices, hop_test, relationship_conflicts, with_nodes
from .context import Context
from .operator import Demand, Frame, Operator


@dataclass(slots=True)
class _Chunk:
    """Trails of one length: the input row each began at, where it is now, and its hops (rows by hops)."""

    origin: IntArray
    node: IntArray
    hops: IntArray

    def take(self, positions: IntArray) -> _Chunk:
        """Some of the trails."""
        return _Chunk(self.origin.take(positions), self.node.take(positions), self.hops.take(positions, axis=0))


@dataclass(eq=False, slots=True)
class VarLengthExpand(Operator):
    """All trails from ``source`` with ``low`` to ``high`` hops.

    ``into``: only those that end at ``target``, which is bound. ``backwards``: walked against the
    way the pattern is written, so the list of relationships is turned round.
    """

    input: Operator
    source: str
    relationship: str | None
    target: str | None
    types: tuple[str, ...]
    direction: Direction
    low: int
    high: int | None
    hop_variable: str | None = None
    hop_predicate: Expr | None = None
    unique: tuple[str, ...] = ()
    target_labels: tuple[str, ...] = ()
    into: bool = False
    backwards: bool = False
    _allowed: Callable[[Batch, Context], IntArray] | None = None
    _reads: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._allowed, self._reads = hop_test(self.hop_predicate, self.hop_variable)

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        for batch in context.batches(self.input, frame):
            bound = (self.target,) if self.into and self.target is not None else ()
            batch, (sources, *ends) = with_nodes(batch, self.source, *bound)
            targets = ends[0] if ends else None
            if not batch.length:
                continue
            demand = frame.demand if frame.n > 1 else None
            for found in gathered(self._found(batch, sources, targets, demand, context), context.rows_max):
                for start in range(0, found.length, context.rows_max):
                    yield found.slice(start, start + context.rows_max)

    def _found(
        self, batch: Batch, sources: IntArray, targets: IntArray | None, demand: Demand | None, context: Context
    ) -> Iterator[Batch]:
        for chunk in self._chunks(batch, sources, demand, context):
            found = self._emit(batch, chunk, targets, context)
            if found is not None:
                yield found

    def _chunks(self, batch: Batch, sources: IntArray, demand: Demand | None, context: Context) -> Iterator[_Chunk]:
        """Trails of an allowed length. Chunks are made only when their turn comes, so few are held at a time."""
        count = len(sources)
        first = _Chunk(np.arange(count), sources, np.zeros((count, 0), np.int64))
        stack: list[Iterator[_Chunk]] = [iter((first,))]
        while stack:
            context.check()
            chunk = next(stack[-1], None)
            if chunk is None:
                stack.pop()
                continue
            if demand is not None:
                open_trails = np.flatnonzero(~demand.satisfied.take(batch.rows().take(chunk.origin)))
                if len(open_trails) < len(chunk.origin):
                    chunk = chunk.take(open_trails)
                if not len(chunk.origin):
                    continue
            length = chunk.hops.shape[1]
            if length >= self.low and (self.high is None or length <= self.high):
                yield chunk
            if self.high is None or length < self.high:
                stack.append(self._longer(batch, chunk, context))

    def _longer(self, batch: Batch, chunk: _Chunk, context: Context) -> Iterator[_Chunk]:
        degrees = context.view.degrees(chunk.node, self.types or None, self.direction)
        for start, stop in degree_slices(degrees, context.expand_rows_max):
            step = self._step(batch, chunk, start, stop, context)
            if step is not None:
                yield step

    def _step(self, batch: Batch, chunk: _Chunk, start: int, stop: int, context: Context) -> _Chunk | None:
        found = context.view.expand(chunk.node[start:stop], self.types or None, self.direction)
        positions = found.source_position + start
        relationships, nodes = found.relationship, found.node
        hops = chunk.hops.take(positions, axis=0)
        keep = np.ones(len(positions), np.bool_)
        for column in range(hops.shape[1]):
            keep &= hops[:, column] != relationships
        origin = chunk.origin.take(positions)
        for name in self.unique:
            keep &= ~relationship_conflicts(batch, name, relationships, origin)
        if not keep.all():
            kept = np.flatnonzero(keep)
            origin, nodes, relationships, hops = (
                origin.take(kept),
                nodes.take(kept),
                relationships.take(kept),
                hops.take(kept, axis=0),
            )
        if self._allowed is not None and len(origin):
            assert self.hop_variable is not None
            inner = Batch({n: batch.columns[n].take(origin) for n in self._reads}, len(origin))
            inner = inner.with_columns({self.hop_variable: relationship_column(relationships)})
            kept = self._allowed(inner, context)
            origin, nodes, relationships, hops = (
                origin.take(kept),
                nodes.take(kept),
                relationships.take(kept),
                hops.take(kept, axis=0),
            )
        if not len(origin):
            return None
        return _Chunk(origin, nodes, np.concatenate([hops, relationships[:, None]], axis=1))

    def _emit(self, batch: Batch, chunk: _Chunk, targets: IntArray | None, context: Context) -> Batch | None:
        keep = None
        if targets is not None:
            keep = chunk.node == targets.take(chunk.origin)
        for label in self.target_labels:
            has = context.view.has_label(chunk.node, label)
            keep = has if keep is None else keep & has
        origin, node, hops = chunk.origin, chunk.node, chunk.hops
        if keep is not None:
            kept = np.flatnonzero(keep)
            origin, node, hops = origin.take(kept), node.take(kept), hops.take(kept, axis=0)
        if not len(origin):
            return None
        if self.relationship is None and (self.target is None or self.into):
            return counted_rows(batch, origin)
        out = batch.take(origin)
        columns = dict(out.columns)
        if self.relationship is not None:
            ordered = hops[:, ::-1] if self.backwards else hops
            offsets = np.arange(len(origin) + 1) * hops.shape[1]
            columns[self.relationship] = RaggedColumn(offsets, relationship_column(ordered.reshape(-1)))
        if self.target is not None and not self.into:
            columns[self.target] = node_column(node)
        return Batch(columns, out.length, out.row, out.weight)

    @property
    def adjacency(self) -> str:
        return "CSR, trails"

    def describe(self) -> str:
        high = "" if self.high is None else self.high
        return arrow(
            self.source,
            self.relationship,
            self.target,
            self.types,
            self.direction,
            self.target_labels,
            f"*{self.low}..{high}",
        )


def gathered(batches: Iterator[Batch], rows_max: int) -> Iterator[Batch]:
    """Small batches put together, so that what follows pays once for many; large ones as they are."""
    held: list[Batch] = []
    rows = 0
    for batch in batches:
        if held and (rows + batch.length > rows_max or 4 * batch.length > rows_max):
            yield concat_batches(held)
            held, rows = [], 0
        held.append(batch)
        rows += batch.length
    if held:
        yield concat_batches(held)
