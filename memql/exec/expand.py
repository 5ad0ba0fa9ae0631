"""Following relationships one hop, over both forms of adjacency.

The input is cut by cumulative degree, so that no step makes more than a bounded number of rows. Where neither the
relationship nor the target is read afterwards, nothing is expanded: weights are multiplied by degrees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core.arrays import distinct
from memoradb.core.batch import Batch
from memoradb.core.columns import BoolArray, IntArray, TypedColumn, node_column, relationship_column
from memoradb.core.values import NodeRef, RelationshipRef, Value
from memoradb.storage.view import Direction

from .adjacent import (
    LabelledDegrees,
    arrow,
    counted_rows,
    degree_slices,
    expansion_rounds,
    is_plain,
    multiplied,
    relationship_conflicts,
    with_nodes,
)
from .between import between
from .context import Context
from .operator import Demand, Frame, Operator


@dataclass(eq=False, slots=True)
class Expand(Operator):
    """Each relationship of ``source``: one row each, or a weight where nothing of it is read.

    ``live``: the columns that are read afterwards; None where all may be.
    """

    input: Operator
    source: str
    relationship: str | None
    target: str | None
    types: tuple[str, ...]
    direction: Direction
    target_labels: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    live: frozenset[str] | None = None

    @property
    def makes_rows(self) -> bool:
        return self.relationship is not None or self.target is not None

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        types = self.types or None
        dead = self.relationship is None and self.target is None
        of_types: BoolArray | None = None
        counted = False
        # An operator below may write between two batches: counts are kept over batches on snapshots only.
        changing = hasattr(context.view, "create_nodes")
        labelled = LabelledDegrees(self.types, self.direction, self.target_labels) if self.target_labels else None
        for batch in context.batches(self.input, frame):
            batch, (sources,) = with_nodes(batch, self.source)
            if not batch.length:
                continue
            # Who stops at the first hit is not served by counting all of them, unless a degree says how many.
            counting = dead and not (labelled is not None and frame.demand is not None and frame.n > 1)
            if counting and all(is_plain(batch.columns[name]) for name in self.unique):
                if labelled is None:
                    degrees = context.view.degrees(sources, types, self.direction)
                else:
                    if changing:
                        labelled = LabelledDegrees(self.types, self.direction, self.target_labels)
                    degrees = labelled.of(sources, context)
                if self.unique:
                    if changing or not counted:
                        of_types, counted = self._members(context), True
                    degrees = degrees - self._taken(batch, sources, of_types, context)
                kept = np.flatnonzero(degrees)
                if len(kept):
                    out = batch.narrowed(self.live)
                    out = out if len(kept) == out.length else out.take(kept)
                    weight = multiplied(out.weight, degrees.take(kept))
                    yield Batch(out.columns, out.length, out.row, weight)
                continue
            if batch.length == 1:
                yield from self._expand(batch, sources, context)
                continue
            degrees = context.view.degrees(sources, types, self.direction)
            demand = frame.demand
            if demand is not None and frame.n > 1:
                yield from self._in_rounds(batch, sources, degrees, demand, context)
                continue
            first = None if demand is None else demand.rows
            for start, stop in degree_slices(degrees, context.expand_rows_max, first):
                yield from self._expand(batch.slice(start, stop), sources[start:stop], context)

    def _members(self, context: Context) -> BoolArray | None:
        """By relationship slot: whether it is of ``types``; None where any type is."""
        if not self.types:
            return None
        slots = context.view.relationships(self.types)
        members = np.zeros(int(slots.max()) + 1 if len(slots) else 1, np.bool_)
        members[slots] = True
        return members

    def _taken(self, batch: Batch, sources: IntArray, of_types: BoolArray | None, context: Context) -> IntArray:
        """By row: how many different relationships of ``unique`` the expansion would give, and must not.

        So a dead hop needs no rows although its relationship must differ from earlier ones: it has as many ways as
        the degree less these.
        """
        view = context.view
        taken = np.zeros(batch.length, np.int64)
        before: list[IntArray] = []
        for name in self.unique:
            column = batch.columns[name]
            assert isinstance(column, TypedColumn)
            slots = column.data
            starts, ends = view.endpoints(slots)
            far = ends if self.direction is Direction.OUT else starts
            if self.direction is Direction.BOTH:
                far = np.where(starts == sources, ends, starts)
                counts = (starts == sources) | (ends == sources)
            else:
                counts = (starts if self.direction is Direction.OUT else ends) == sources
            if of_types is not None:
                counts &= (slots < len(of_types)) & of_types.take(slots, mode="clip")
            for label in self.target_labels:
                counts &= view.has_label(far, label)
            for other in before:
                counts &= other != slots
            before.append(slots)
            taken += counts
        return taken

    def _in_rounds(
        self, batch: Batch, sources: IntArray, degrees: IntArray, demand: Demand, context: Context
    ) -> Iterator[Batch]:
        rows = batch.rows()

        def wanting(positions: IntArray) -> IntArray:
            return positions.compress(~demand.satisfied.take(rows.take(positions)))

        for positions, first, stop in expansion_rounds(degrees, wanting, context.expand_rows_max):
            yield from self._expand(batch.take(positions), sources.take(positions), context, (first, stop))

    def _expand(
        self, batch: Batch, sources: IntArray, context: Context, part: tuple[int, int] | None = None
    ) -> Iterator[Batch]:
        context.check()
        types = self.types or None
        if part is None:
            found = context.view.expand(sources, types, self.direction)
        else:
            found = context.view.expand_part(sources, types, self.direction, *part)
        positions, nodes, relationships = found.source_position, found.node, found.relationship
        keep = None
        for name in self.unique:
            fresh = ~relationship_conflicts(batch, name, relationships, positions)
            keep = fresh if keep is None else keep & fresh
        for label in self.target_labels:
            has = context.view.has_label(nodes, label)
            keep = has if keep is None else keep & has
        if keep is not None and not keep.all():
            kept = np.flatnonzero(keep)
            positions, nodes, relationships = positions.take(kept), nodes.take(kept), relationships.take(kept)
        if not len(positions):
            return
        if self.relationship is None and self.target is None:
            yield counted_rows(batch.narrowed(self.live), positions)
            return
        out = batch.narrowed(self.live).take(positions)
        columns = dict(out.columns)
        if self.relationship is not None:
            columns[self.relationship] = relationship_column(relationships)
        if self.target is not None:
            columns[self.target] = node_column(nodes)
        out = Batch(columns, out.length, out.row, out.weight)
        size = context.expand_rows_max
        for start in range(0, out.length, size):
            yield out.slice(start, start + size)

    @property
    def adjacency(self) -> str:
        return "CSR" if self.makes_rows else "CSR degrees"

    def describe(self) -> str:
        return arrow(self.source, self.relationship, self.target, self.types, self.direction, self.target_labels)


@dataclass(eq=False, slots=True)
class ExpandInto(Operator):
    """The relationships between two nodes that are both bound."""

    input: Operator
    source: str
    relationship: str | None
    target: str
    types: tuple[str, ...]
    direction: Direction
    unique: tuple[str, ...] = ()

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        for batch in context.batches(self.input, frame):
            batch, (sources, targets) = with_nodes(batch, self.source, self.target)
            if batch.length:
                yield from self._into(batch, sources, targets, context)

    def _into(self, batch: Batch, sources: IntArray, targets: IntArray, context: Context) -> Iterator[Batch]:
        found = list(between(sources, targets, self.types, self.direction, context))
        if not found:
            return
        positions = found[0][0] if len(found) == 1 else np.concatenate([pairs for pairs, _ in found])
        relationships = found[0][1] if len(found) == 1 else np.concatenate([r for _, r in found])
        for name in self.unique:
            fresh = np.flatnonzero(~relationship_conflicts(batch, name, relationships, positions))
            positions, relationships = positions.take(fresh), relationships.take(fresh)
        if not len(positions):
            return
        if self.relationship is None:
            yield counted_rows(batch, positions)
            return
        order = np.lexsort((relationships, positions))
        positions, relationships = positions.take(order), relationships.take(order)
        size = context.expand_rows_max
        for begin in range(0, len(positions), size):
            out = batch.take(positions[begin : begin + size])
            yield out.with_columns({self.relationship: relationship_column(relationships[begin : begin + size])})

    @property
    def adjacency(self) -> str:
        return "CSR, pairs by marks"

    @property
    def switches(self) -> tuple[str, ...]:
        return ("expand_into",)

    def describe(self) -> str:
        return arrow(self.source, self.relationship, self.target, self.types, self.direction)


@dataclass(eq=False, slots=True)
class ProjectEndpoints(Operator):
    """The ends of a relationship (or list of them) that is bound already: bound from it, or checked against it."""

    input: Operator
    relationship: str
    source: str
    target: str
    types: tuple[str, ...]
    direction: Direction
    is_list: bool = False

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        for batch in context.batches(self.input, frame):
            values = batch.columns[self.relationship].values()
            sources = batch.columns[self.source].values() if self.source in batch.columns else None
            targets = batch.columns[self.target].values() if self.target in batch.columns else None
            positions: list[int] = []
            starts: list[int] = []
            ends: list[int] = []
            for i, value in enumerate(values):
                for start, end in self._ends(value, context):
                    if sources is not None and sources[i] != NodeRef(start):
                        continue
                    if targets is not None and targets[i] != NodeRef(end):
                        continue
                    if self.source == self.target and start != end:
                        continue
                    positions.append(i)
                    starts.append(start)
                    ends.append(end)
            if positions:
                out = batch.take(np.array(positions, np.int64))
                yield out.with_columns(
                    {
                        self.source: node_column(np.array(starts, np.int64)),
                        self.target: node_column(np.array(ends, np.int64)),
                    }
                )

    def _ends(self, value: Value, context: Context) -> list[tuple[int, int]]:
        """The pairs of ends that a bound value allows."""
        view = context.view
        if value is None:
            return []
        hops = value if isinstance(value, list) else [value]
        if not hops or any(not isinstance(h, RelationshipRef) for h in hops):
            return []
        slots = np.array([h.slot for h in hops], np.int64)
        if len(distinct(slots)) < len(slots):
            return []  # a trail uses no relationship twice
        if self.types and any(t not in self.types for t in view.relationship_type(slots)):
            return []
        starts, ends = (a.tolist() for a in view.endpoints(slots))
        found = _walk(list(zip(starts, ends, strict=True)), self.direction is Direction.BOTH)
        return list(dict.fromkeys(found))

    def describe(self) -> str:
        return arrow(self.source, self.relationship, self.target, self.types, self.direction)


def _walk(pairs: list[tuple[int, int]], both: bool) -> list[tuple[int, int]]:
    """The (first, last) nodes of walks along the pairs in order."""
    walks = [pairs[0]] + ([(pairs[0][1], pairs[0][0])] if both else [])
    for start, end in pairs[1:]:
        following = []
        for first, last in walks:
            if last == start:
                following.append((first, end))
            if both and last == end and start != end:
                following.append((first, start))
        walks = following
    return walks
