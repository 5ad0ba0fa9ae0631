"""Paths as columns: two ragged arrays of slots, made into values only where somebody asks for a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.columns import (
    BoolArray,
    Column,
    IntArray,
    Kind,
    ListColumn,
    PathColumn,
    RaggedColumn,
    TypedColumn,
    node_column,
    relationship_column,
)
from memoradb.core.values import PathRef, Value

from .boolean import Evaluator

if TYPE_CHECKING:
    from ..exec.context import Context


def path_of(elements: tuple[str, ...]) -> Evaluator:
    """The path through columns of nodes and relationships in turn; a list of relationships adds all of its hops."""

    def evaluate(batch: Batch, context: Context) -> Column:
        columns = [batch.columns[name] for name in elements]
        if context.kernels != "never" and all(map(_is_typed, columns)):
            return _path_column(columns, batch.length, context)
        return ListColumn([_path(row, context) for row in zip(*(c.values() for c in columns), strict=True)])

    return evaluate


def _is_typed(column: Column) -> bool:
    if isinstance(column, RaggedColumn):
        column = column.child
    return isinstance(column, TypedColumn) and column.kind in (Kind.NODE, Kind.RELATIONSHIP) and column.mask is None


def _path_column(columns: list[Column], rows: int, context: Context) -> PathColumn:
    """Node columns stand at even places, those of relationships (one, or a list of them) at odd ones."""
    mask: BoolArray | None = None
    counts = np.zeros(rows, np.int64)
    for column in columns[1::2]:
        if isinstance(column, RaggedColumn):
            if column.mask is not None:
                mask = column.mask if mask is None else mask | column.mask
            counts += np.diff(column.offsets)
        else:
            counts += 1
    if mask is not None:
        counts[mask] = 0
    offsets = np.zeros(rows + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    relationships = np.zeros(int(offsets[-1]), np.int64)
    nodes = np.zeros(int(offsets[-1]) + rows, np.int64)
    walk = _Walk(relationships, nodes, offsets[:-1].copy(), np.arange(rows), _slots(columns[0]), context)
    nodes[offsets[:-1] + np.arange(rows)] = walk.here
    live = None if mask is None else np.flatnonzero(~mask)
    for place in range(1, len(columns), 2):
        column, end = columns[place], columns[place + 1]
        if isinstance(column, RaggedColumn):
            walk.follow(column, live)
        else:
            walk.step(live, _slots(column), _slots(end))
    return PathColumn(offsets, nodes, relationships, mask)


def _slots(column: Column) -> IntArray:
    assert isinstance(column, TypedColumn)
    return column.data


class _Walk:
    """Where each row's path has got to: ``place`` is its next relationship, ``here`` the node it is at."""

    def __init__(
        self,
        relationships: IntArray,
        nodes: IntArray,
        place: IntArray,
        row: IntArray,
        here: IntArray,
        context: Context,
    ) -> None:
        self._relationships = relationships
        self._nodes = nodes
        self._place = place
        self._row = row
        self.here = here.copy()
        self._context = context

    def step(self, live: IntArray | None, slots: IntArray, ends: IntArray) -> None:
        """One relationship, to a node that is known."""
        rows = self._row if live is None else live
        self._put(rows, slots.take(rows), ends.take(rows))

    def follow(self, hops: RaggedColumn, live: IntArray | None) -> None:
        """All relationships of a list, hop by hop: the next node is the end that the path is not at."""
        starts, counts = hops.offsets[:-1], np.diff(hops.offsets)
        slots = _slots(hops.child)
        rows, hop = self._row if live is None else live, 0
        while True:
            rows = rows.compress(counts.take(rows) > hop)
            if not len(rows):
                return
            taken = slots.take(starts.take(rows) + hop)
            sources, targets = self._context.view.endpoints(taken)
            self._put(rows, taken, np.where(sources == self.here.take(rows), targets, sources))
            hop += 1

    def _put(self, rows: IntArray, slots: IntArray, ends: IntArray) -> None:
        places = self._place.take(rows)
        self._relationships[places] = slots
        self._nodes[places + rows + 1] = ends  # row i's nodes begin i places later than its relationships
        self._place[rows] = places + 1
        self.here[rows] = ends


def _path(row: tuple[Value, ...], context: Context) -> PathRef | None:
    """A path through one row's values: the law."""
    if any(v is None for v in row):
        return None
    nodes = [row[0].slot]
    relationships: list[int] = []
    for i in range(1, len(row), 2):
        hop = row[i]
        steps = hop if isinstance(hop, list) else [hop]
        if steps:
            slots = np.array([s.slot for s in steps], np.int64)
            starts, ends = context.view.endpoints(slots)
            for slot, start, end in zip(slots.tolist(), starts.tolist(), ends.tolist(), strict=True):
                relationships.append(slot)
                nodes.append(end if start == nodes[-1] else start)
    return PathRef(tuple(nodes), tuple(relationships))


# --- kernels -----------------------------------------------------------------


def length(column: Column) -> Column | None:
    """``length(path)``."""
    if isinstance(column, PathColumn):
        return TypedColumn(Kind.INTEGER, np.diff(column.offsets), column.mask)
    return None


def nodes(column: Column) -> Column | None:
    """``nodes(path)``."""
    if isinstance(column, PathColumn):
        return RaggedColumn(column.offsets + np.arange(len(column.offsets)), node_column(column.nodes), column.mask)
    return None


def relationships(column: Column) -> Column | None:
    """``relationships(path)``."""
    if isinstance(column, PathColumn):
        return RaggedColumn(column.offsets, relationship_column(column.relationships), column.mask)
    return None


KERNELS: dict[str, Callable[..., Column | None]] = {
    "length": length,
    "nodes": nodes,
    "relationships": relationships,
    "rels": relationships,
}
