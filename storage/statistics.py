"""Counts that the optimizer reads. Label and type counts are exact and free; the rest is counted once a generation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pyroaring import BitMap

from memoradb.core.columns import IntArray, Kind, StringColumn, TypedColumn
from memoradb.core.semantics import compare, equivalence_key

from .graph.bitmaps import mask_of
from .view import Element, RangeBound

if TYPE_CHECKING:
    from .store import GraphStore

SAMPLE_ROWS = 2_000
"""Values looked at for distinct counts and ranges: enough for plans, cheap enough to do at planning."""


class StoreStatistics:
    """Statistics of the newest committed state."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store
        self._between: dict[tuple[str | None, str | None, str | None], tuple[int, int]] = {}
        self._columns: dict[tuple[str | None, str], tuple[int, int | None, float, list[object]]] = {}

    def nodes(self) -> int:
        return len(self._store.live_nodes)

    def nodes_with_label(self, label: str) -> int:
        found = self._store.labels.get(label)
        return 0 if found is None else len(found)

    def relationships(self, type: str | None = None) -> int:
        live = self._store.live_by_type
        return sum(list(live.values())) if type is None else live.get(type, 0)

    def relationships_between(self, source: str | None, type: str | None, target: str | None) -> int:
        if source is None and target is None:
            return self.relationships(type)
        key = (source, type, target)
        known = self._between.get(key)
        generation = self._store.generation
        if known is not None and known[0] == generation:
            return known[1]
        types = [type] if type is not None else list(self._store.types)
        count = sum(self._count(source, t, target) for t in types)
        self._between[key] = (generation, count)
        return count

    def _count(self, source: str | None, type: str, target: str | None) -> int:
        store = self._store
        adjacency = store.adjacency.get(type)
        if adjacency is None:
            return 0
        # A writer may be at work: what is counted last is never smaller than what was read before it.
        sources, targets, relationships = adjacency.edges()
        nodes, slots = store.nodes.count, store.relationships.count
        keep = np.ones(len(sources), np.bool_)
        for label, ends in ((source, sources), (target, targets)):
            if label is not None:
                keep &= mask_of(store.labels.get(label, BitMap()), nodes).take(ends)
        if len(store.relationships.dead):
            keep &= ~mask_of(store.relationships.dead, slots).take(relationships)
        return int(keep.sum())

    def _slots(self, label: str | None) -> IntArray:
        store = self._store
        found = store.live_nodes if label is None else store.labels.get(label)
        return np.zeros(0, np.int64) if found is None else np.asarray(found.to_array(), np.int64)

    def _column(self, label: str | None, key: str) -> tuple[int, int | None, float, list[object]]:
        """(generation, distinct, null share, sample) of one property under a label."""
        known = self._columns.get((label, key))
        generation = self._store.generation
        if known is not None and known[0] == generation:
            return known
        column = self._store.columns[Element.NODE].get(key)
        slots = self._slots(label)
        if column is None or not len(slots):
            found: tuple[int, int | None, float, list[object]] = (generation, 0, 1.0, [])
        else:
            step = max(1, len(slots) // SAMPLE_ROWS)
            part = slots[::step]
            gathered = column.gather(part, self._store.position)
            sample = [v for v in gathered.values() if v is not None]
            null = 1.0 - len(sample) / len(part)
            found = (generation, _distinct(gathered, sample, len(slots)), null, sample)
        self._columns[(label, key)] = found
        return found

    def distinct_values(self, label: str | None, key: str) -> int | None:
        return self._column(label, key)[1]

    def null_fraction(self, label: str | None, key: str) -> float:
        return self._column(label, key)[2]

    def range_fraction(
        self, label: str | None, key: str, low: RangeBound | None, high: RangeBound | None
    ) -> float | None:
        sample = self._column(label, key)[3]
        if not sample:
            return None
        inside = 0
        for value in sample:
            fits = True
            for bound, sign in ((low, 1), (high, -1)):
                if bound is not None:
                    order = compare(value, bound.value)
                    fits = fits and order is not None and (order * sign > 0 or (order == 0 and bound.inclusive))
            inside += fits
        return inside / len(sample)

    def generation(self) -> int:
        return self._store.generation


def _distinct(column: object, sample: list[object], rows: int) -> int:
    """Distinct values by the sample, scaled: values seen once in it are taken to be as many in the whole (GEE)."""
    if isinstance(column, TypedColumn) and column.kind in (Kind.INTEGER, Kind.BOOLEAN) and column.mask is None:
        values, counts = np.unique(column.data, return_counts=True)
        seen, once = len(values), int((counts == 1).sum())
    elif isinstance(column, StringColumn):
        values, counts = np.unique(column.codes, return_counts=True)
        seen, once = len(values), int((counts == 1).sum())
    else:
        table: dict[object, int] = {}
        for value in sample:
            key = equivalence_key(value)
            table[key] = table.get(key, 0) + 1
        seen, once = len(table), sum(1 for n in table.values() if n == 1)
    if not sample:
        return 0
    scale = (rows / max(1, len(sample))) ** 0.5
    if once == len(sample):
        return rows
    return max(1, int(seen - once + once * scale))
