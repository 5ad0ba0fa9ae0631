"""Following relationships one hop, over both forms of adjacency.

The input is cut by cumulative degree, so that no step makes more than a bounded number of rows. Where neither the
relationship nor the target is read afterwards, nothing is expanded: weights are multiplied by degrees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core.arithmetic import checked
from memoradb.core.batch import Batch
from memoradb.core.columns import BoolArray, Column, IntArray, Kind, TypedColumn, node_column, relationship_column
from memoradb.core.errors import TypeMismatch
from memoradb.core.semantics import type_name
from memoradb.core.values import NodeRef, RelationshipRef, Value
from memoradb.storage.view import Direction

from .context import Context
from .operator import Frame, Operator


def element_slots(column: Column, kind: Kind) -> tuple[IntArray, IntArray | None]:
    """(slots, positions of the rows that are not null; None for all)."""
    if isinstance(column, TypedColumn) and column.kind == kind:
        if column.mask is None:
            return column.data, None
        live = np.flatnonzero(~column.mask)
        return column.data.take(live), live
    wanted = NodeRef if kind == Kind.NODE else RelationshipRef
    values = column.values()
    live = []
    slots = []
    for i, value in enumerate(values):
        if isinstance(value, wanted):
            live.append(i)
            slots.append(value.slot)
        elif value is not None:
            raise TypeMismatch(f"Expected a {kind.name.lower()}, not {type_name(value)}.")
    positions = None if len(live) == len(values) else np.array(live, np.int64)
    return np.array(slots, np.int64), positions


def relationship_conflicts(batch: Batch, name: str, relationships: IntArray, positions: IntArray) -> BoolArray:
    """True where ``relationships[i]`` is already in column ``name`` of row ``positions[i]``."""
    column = batch.columns[name]
    if isinstance(column, TypedColumn):
        return column.data.take(positions) == relationships
    values = column.values()
    found = np.zeros(len(relationships), np.bool_)
    for i, (position, slot) in enumerate(zip(positions.tolist(), relationships.tolist(), strict=True)):
        held = values[position]
        items = held if isinstance(held, list) else [held]
        found[i] = any(isinstance(r, RelationshipRef) and r.slot == slot for r in items)
    return found


def multiplied(weight: IntArray | None, factor: IntArray) -> IntArray | None:
    """Products of weights, checked for overflow; None where all are 1."""
    if weight is None:
        return None if bool((factor == 1).all()) else factor
    if len(factor) and int(weight.max()) * int(factor.max()) > (1 << 63) - 1:
        checked(int(weight.max()) * int(factor.max()))
    return weight * factor


def degree_slices(degrees: IntArray, rows_max: int) -> Iterator[tuple[int, int]]:
    """Ranges of sources whose relationships add up to at most ``rows_max``, one source at least."""
    total = np.cumsum(degrees)
    start, count = 0, len(degrees)
    while start < count:
        base = int(total[start - 1]) if start else 0
        stop = int(np.searchsorted(total, base + rows_max, "right"))
        stop = max(stop, start + 1)
        yield start, stop
        start = stop


def counted_rows(batch: Batch, positions: IntArray) -> Batch:
    """The rows at ``positions``, equal ones as one with a weight: what is left of hits that nothing reads."""
    counts = np.bincount(positions, minlength=batch.length)
    rows = np.flatnonzero(counts)
    out = batch.take(rows)
    return Batch(out.columns, out.length, out.row, multiplied(out.weight, counts.take(rows)))


class LabelledDegrees:
    """For each node how many of its relationships lead to a node with all of ``labels``; each counted once a run.

    A dead target with labels needs only this number, and a node is met again as often as it has predecessors: two
    hops over 2.4M relationships look at 2.4M neighbours, not at 57M. Statistics could prove labels needless, but they
    are those of the newest commit: an older snapshot or an overlay with changes of its own would answer wrongly.
    """

    def __init__(self, types: tuple[str, ...], direction: Direction, labels: tuple[str, ...]) -> None:
        self._types = types or None
        self._direction = direction
        self._labels = labels
        self._known = np.full(1024, -1, np.int64)

    def of(self, sources: IntArray, context: Context) -> IntArray:
        """The number for each of ``sources``."""
        top = int(sources.max()) + 1 if len(sources) else 0
        if top > len(self._known):
            grown = np.full(max(top, 2 * len(self._known)), -1, np.int64)
            grown[: len(self._known)] = self._known
            self._known = grown
        fresh = np.unique(sources.compress(self._known.take(sources) < 0))
        if len(fresh):
            degrees = context.view.degrees(fresh, self._types, self._direction)
            for start, stop in degree_slices(degrees, 4 * context.expand_rows_max):
                context.check()
                part = fresh[start:stop]
                found = context.view.expand(part, self._types, self._direction)
                keep = np.ones(len(found.node), np.bool_)
                for label in self._labels:
                    keep &= context.view.has_label(found.node, label)
                self._known[part] = np.bincount(found.source_position.compress(keep), minlength=len(part))
        return self._known.take(sources)


@dataclass(eq=False, slots=True)
class Expand(Operator):
    """Each relationship of ``source``: one row each, or a weight where nothing of it is read."""

    input: Operator
    source: str
    relationship: str | None
    target: str | None
    types: tuple[str, ...]
    direction: Direction
    target_labels: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        types = self.types or None
        counted = self.relationship is None and self.target is None and not self.unique
        labelled = LabelledDegrees(self.types, self.direction, self.target_labels) if self.target_labels else None
        for batch in context.batches(self.input, frame):
            sources, live = element_slots(batch.columns[self.source], Kind.NODE)
            if live is not None:
                batch = batch.take(live)
            if not batch.length:
                continue
            if counted:
                if labelled is None:
                    degrees = context.view.degrees(sources, types, self.direction)
                else:
                    degrees = labelled.of(sources, context)
                kept = np.flatnonzero(degrees)
                if len(kept):
                    out = batch if len(kept) == batch.length else batch.take(kept)
                    weight = multiplied(out.weight, degrees.take(kept))
                    yield Batch(out.columns, out.length, out.row, weight)
                continue
            if batch.length == 1:
                yield from self._expand(batch, sources, context)
                continue
            degrees = context.view.degrees(sources, types, self.direction)
            for start, stop in degree_slices(degrees, context.expand_rows_max):
                yield from self._expand(batch.slice(start, stop), sources[start:stop], context)

    def _expand(self, batch: Batch, sources: IntArray, labels: tuple[str, ...], context: Context) -> Iterator[Batch]:
        context.check()
        found = context.view.expand(sources, self.types or None, self.direction)
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
            yield counted_rows(batch, positions)
            return
        out = batch.take(positions)
        columns = dict(out.columns)
        if self.relationship is not None:
            columns[self.relationship] = relationship_column(relationships)
        if self.target is not None:
            columns[self.target] = node_column(nodes)
        out = Batch(columns, out.length, out.row, out.weight)
        size = context.expand_rows_max
        for start in range(0, out.length, size):
            yield out.slice(start, start + size)

    def describe(self) -> str:
        return arrow(self.source, self.relationship, self.target, self.types, self.direction, self.target_labels)


def arrow(
    source: str,
    relationship: str | None,
    target: str | None,
    types: tuple[str, ...],
    direction: Direction,
    labels: tuple[str, ...] = (),
    length: str = "",
) -> str:
    """A step as EXPLAIN shows it; dead variables are left out."""
    inner = (relationship or "").strip() + (":" + "|".join(types) if types else "") + length
    left = "<-" if direction is Direction.IN else "-"
    right = "->" if direction is Direction.OUT else "-"
    end = (target or "").strip() + "".join(f":{x}" for x in labels)
    return f"({source.strip()}){left}[{inner}]{right}({end})"


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
            sources, live = element_slots(batch.columns[self.source], Kind.NODE)
            if live is not None:
                batch = batch.take(live)
            targets, live = element_slots(batch.columns[self.target], Kind.NODE)
            if live is not None:
                batch, sources = batch.take(live), sources.take(live)
            if batch.length:
                yield from self._into(batch, sources, targets, context)

    def _into(self, batch: Batch, sources: IntArray, targets: IntArray, context: Context) -> Iterator[Batch]:
        view, types = context.view, self.types or None
        out_degrees = view.degrees(sources, types, self.direction)
        back = {Direction.OUT: Direction.IN, Direction.IN: Direction.OUT, Direction.BOTH: Direction.BOTH}
        in_degrees = view.degrees(targets, types, back[self.direction])
        # Walk from the end with fewer relationships, for each row of its own accord.
        forwards = out_degrees <= in_degrees
        owners: list[IntArray] = []
        between: list[IntArray] = []
        for from_source, starts, ends, degrees, direction in (
            (True, sources, targets, out_degrees, self.direction),
            (False, targets, sources, in_degrees, back[self.direction]),
        ):
            chosen = np.flatnonzero(forwards == from_source)
            for start, stop in degree_slices(degrees.take(chosen), 4 * context.expand_rows_max):
                context.check()
                rows = chosen[start:stop]
                found = view.expand(starts.take(rows), types, direction)
                hits = np.flatnonzero(found.node == ends.take(rows).take(found.source_position))
                owners.append(rows.take(found.source_position.take(hits)))
                between.append(found.relationship.take(hits))
        if not owners:
            return
        positions, relationships = np.concatenate(owners), np.concatenate(between)
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
        if len(np.unique(slots)) < len(slots):
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
