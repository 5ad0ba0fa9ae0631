"""What every kind of expansion shares: slots of columns, uniqueness, weights, slices of bounded output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from operator import and_
from typing import TypeAlias

import numpy as np
from pyroaring import BitMap

from memoradb.core.arithmetic import checked
from memoradb.core.arrays import distinct
from memoradb.core.batch import Batch
from memoradb.core.columns import BoolArray, Column, IntArray, Kind, RaggedColumn, TypedColumn, ragged_positions
from memoradb.core.errors import TypeMismatch
from memoradb.core.semantics import type_name
from memoradb.core.values import NodeRef, RelationshipRef
from memoradb.storage.view import Direction, GraphView

from ..kernels.compile import compile_predicate
from ..plan.expr import Expr, free_variables
from .context import Context
from .operator import DEMAND_GROWTH

Predicate: TypeAlias = Callable[[Batch, Context], IntArray]
"""The positions of the rows of a batch on which something is true."""


def element_slots(column: Column, kind: Kind) -> tuple[IntArray, IntArray | None]:
    """(slots, positions of the rows that are not null; None for all)."""
    if isinstance(column, TypedColumn) and column.kind == kind:
        if column.mask is None:
            return column.data, None
        live = np.flatnonzero(~column.mask)
        return (column.data, None) if len(live) == len(column) else (column.data.take(live), live)
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


def with_nodes(batch: Batch, *names: str) -> tuple[Batch, list[IntArray]]:
    """The rows on which all of these variables are nodes, and their slots: null matches nothing.

    Raises:
        TypeMismatch: one of them is neither a node nor null.
    """
    slots: list[IntArray] = []
    for name in names:
        found, live = element_slots(batch.columns[name], Kind.NODE)
        if live is not None:
            batch, slots = batch.take(live), [known.take(live) for known in slots]
        slots.append(found)
    return batch, slots


def labelled(labels: Sequence[str], view: GraphView) -> BitMap:
    """The nodes with all of ``labels``; without any, all nodes."""
    if not labels:
        return view.nodes()
    return reduce(and_, map(view.nodes_with_label, labels))


def hop_test(predicate: Expr | None, variable: str | None) -> tuple[Predicate | None, tuple[str, ...]]:
    """What each hop of a path is tested by, None where all may be taken, and the outer columns that this reads."""
    if predicate is None:
        return None, ()
    return compile_predicate(predicate), tuple(sorted(free_variables(predicate) - {variable or ""}))


def relationship_conflicts(batch: Batch, name: str, relationships: IntArray, positions: IntArray) -> BoolArray:
    """True where ``relationships[i]`` is already in column ``name`` of row ``positions[i]``."""
    column = batch.columns[name]
    if isinstance(column, TypedColumn):
        return column.data.take(positions) == relationships
    if isinstance(column, RaggedColumn) and isinstance(column.child, TypedColumn):
        offsets, inner = ragged_positions(column.offsets, positions)
        owners = np.repeat(np.arange(len(positions)), np.diff(offsets))
        hits = owners.compress(column.child.data.take(inner) == relationships.take(owners))
        return np.bincount(hits, minlength=len(positions)) > 0
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


def is_plain(column: Column) -> bool:
    """Whether a column holds one relationship in every row."""
    return isinstance(column, TypedColumn) and column.kind == Kind.RELATIONSHIP and column.mask is None


def degree_slices(degrees: IntArray, rows_max: int, rows_first: int | None = None) -> Iterator[tuple[int, int]]:
    """Ranges of sources whose relationships add up to at most ``rows_max``, one source at least.

    With ``rows_first`` the first range has no more than that, and each has ``DEMAND_GROWTH`` times as many.
    """
    total = np.cumsum(degrees)
    start, count = 0, len(degrees)
    size = rows_max if rows_first is None else min(rows_first, rows_max)
    while start < count:
        base = int(total[start - 1]) if start else 0
        stop = int(np.searchsorted(total, base + size, "right"))
        stop = max(stop, start + 1)
        yield start, stop
        start = stop
        size = min(size * DEMAND_GROWTH, rows_max)


ROUND_NEIGHBOURS = 4
"""Neighbours that a row is shown in the first round of an expansion that may stop early."""


def expansion_rounds(
    degrees: IntArray, wanting: Callable[[IntArray], IntArray], rows_max: int
) -> Iterator[tuple[IntArray, int, int]]:
    """(sources, first neighbour, stop): a few neighbours of every source, then more of those that still want some.

    Over hubs most rows are satisfied by their first neighbours: 0.2 ms instead of 30 where half of them are, at worst
    even (DESIGN 4.3). ``wanting``: of these sources, those whose argument row is not satisfied.
    """
    sources = np.arange(len(degrees))
    first, stop = 0, ROUND_NEIGHBOURS
    while True:
        sources = wanting(sources.compress(degrees.take(sources) > first))
        if not len(sources):
            return
        shown = np.minimum(degrees.take(sources), stop) - first
        for a, b in degree_slices(shown, rows_max):
            piece = wanting(sources[a:b])
            if len(piece):
                yield piece, first, stop
        first, stop = stop, stop * DEMAND_GROWTH


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
        fresh = distinct(sources.compress(self._known.take(sources) < 0))
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
