"""Variable-length expansion: trails of so many hops, in arrays of relationship slots.

A stack of frontier chunks, deepest first, keeps memory bounded by depth times chunk size (DESIGN 4.3). A trail uses no
relationship twice; the check is a comparison of arrays, column by column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core.batch import Batch, concat_batches
from memoradb.core.columns import IntArray, Kind, RaggedColumn, node_column, relationship_column
from memoradb.storage.view import Direction

from ..kernels.compile import compile_predicate
from ..plan.expr import Expr, free_variables
from .context import Context
from .expand import arrow, degree_slices, element_slots, implied_labels, relationship_conflicts
from .operator import Frame, Operator


@dataclass(slots=True)
class _Chunk:
    """Trails of one length: the input row each began at, where it is now, and its hops (rows by hops)."""

    origin: IntArray
    node: IntArray
    hops: IntArray


@dataclass(eq=False, slots=True)
class VarLengthExpand(Operator):
    """All trails from ``source`` with ``low`` to ``high`` hops.

    ``into``: only those that end at ``target``, which is bound. ``backwards``: walked from the pattern's target, so the
    list of relationships is turned round.
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

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        predicate = None if self.hop_predicate is None else compile_predicate(self.hop_predicate)
        reads = () if self.hop_predicate is None else tuple(free_variables(self.hop_predicate) - {self.hop_variable or ""})
        labels = self.target_labels
        if labels and self.low >= 1 and implied_labels(labels, self.types, self.direction, context):
            labels = ()
        for batch in context.batches(self.input, frame):
            sources, live = element_slots(batch.columns[self.source], Kind.NODE)
            if live is not None:
                batch = batch.take(live)
            targets = None
            if self.into and self.target is not None:
                targets, live = element_slots(batch.columns[self.target], Kind.NODE)
                if live is not None:
                    batch, sources = batch.take(live), sources.take(live)
            if not batch.length:
                continue
            held: list[Batch] = []
            rows = 0
            for chunk in self._chunks(batch, sources, predicate, reads, context):
                found = self._emit(batch, chunk, targets, labels, context)
                if found is None:
                    continue
                held.append(found)
                rows += found.length
                if rows >= context.rows_max:
                    yield from _ordered(held)
                    held, rows = [], 0
            if held:
                yield from _ordered(held)

    def _chunks(
        self, batch: Batch, sources: IntArray, predicate: object, reads: tuple[str, ...], context: Context
    ) -> Iterator[_Chunk]:
        high = self.high
        count = len(sources)
        stack = [_Chunk(np.arange(count), sources, np.zeros((count, 0), np.int64))]
        while stack:
            context.check()
            chunk = stack.pop()
            length = chunk.hops.shape[1]
            if length >= self.low and (high is None or length <= high):
                yield chunk
            if high is not None and length >= high:
                continue
            degrees = context.view.degrees(chunk.node, self.types or None, self.direction)
            following = []
            for start, stop in degree_slices(degrees, context.expand_rows_max):
                step = self._step(batch, chunk, start, stop, predicate, reads, context)
                if step is not None:
                    following.append(step)
            stack.extend(reversed(following))

    def _step(
        self,
        batch: Batch,
        chunk: _Chunk,
        start: int,
        stop: int,
        predicate: object,
        reads: tuple[str, ...],
        context: Context,
    ) -> _Chunk | None:
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
        if predicate is not None and len(origin):
            assert self.hop_variable is not None
            inner = Batch({n: batch.columns[n].take(origin) for n in reads}, len(origin))
            inner = inner.with_columns({self.hop_variable: relationship_column(relationships)})
            kept = predicate(inner, context)  # pyright: ignore[reportCallIssue]
            origin, nodes, relationships, hops = (
                origin.take(kept),
                nodes.take(kept),
                relationships.take(kept),
                hops.take(kept, axis=0),
            )
        if not len(origin):
            return None
        return _Chunk(origin, nodes, np.concatenate([hops, relationships[:, None]], axis=1))

    def _emit(
        self, batch: Batch, chunk: _Chunk, targets: IntArray | None, labels: tuple[str, ...], context: Context
    ) -> Batch | None:
        keep = None
        if targets is not None:
            keep = chunk.node == targets.take(chunk.origin)
        for label in labels:
            has = context.view.has_label(chunk.node, label)
            keep = has if keep is None else keep & has
        origin, node, hops = chunk.origin, chunk.node, chunk.hops
        if keep is not None:
            kept = np.flatnonzero(keep)
            origin, node, hops = origin.take(kept), node.take(kept), hops.take(kept, axis=0)
        if not len(origin):
            return None
        out = batch.take(origin)
        columns = dict(out.columns)
        if self.relationship is not None:
            ordered = hops[:, ::-1] if self.backwards else hops
            offsets = np.arange(len(origin) + 1) * hops.shape[1]
            columns[self.relationship] = RaggedColumn(offsets, relationship_column(ordered.reshape(-1)))
        if self.target is not None and not self.into:
            columns[self.target] = node_column(node)
        return Batch(columns, out.length, out.row, out.weight)

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


def _ordered(batches: list[Batch]) -> Iterator[Batch]:
    """Batches as one; a RaggedColumn of mixed lengths becomes lists."""
    yield concat_batches(batches)
