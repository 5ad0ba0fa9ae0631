"""Counts that the optimizer reads. Label and type counts are exact and free; the rest is counted once a generation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pyroaring import BitMap

from memoradb.core.columns import IntArray, Kind, StringColumn, TypedColumn
from memoradb.core.semantics import compare, equivalence_key

from .graph.bitmaps import contained, mask_of, slots_of
from .view import Element, RangeBound

if TYPE_CHECKING:
    from .store import GraphStore

SAMPLE_ROWS = 2_000
"""Values looked at for distinct counts and ranges: enough for plans, cheap enough to do at planning."""


COUNTED_EDGES = 1_000_000
"""Relationships between two labels that are looked at to count them."""


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
        """Relationships of a type between labels: by degrees where only one side matters, without listing any.

        Where both do, those of the side that has fewer are looked at, or a part of them: every ``step``-th node's.
        """
        store = self._store
        adjacency = store.adjacency.get(type)
        if adjacency is None:
            return 0
        sides = [self._members(label) for label in (source, target)]
        if sides[0] is None and sides[1] is None:
            return self.relationships(type)
        # A writer may be at work: what is counted last is never smaller than what was read before it.
        state = adjacency.state
        count = min(len(members) if members is not None else store.nodes.count for members in sides)
        outgoing = sides[0] is not None and len(sides[0]) == count
        near, far = sides if outgoing else sides[::-1]
        assert near is not None
        if far is None:
            every = slots_of(near)
            csr = state.outgoing if outgoing else state.incoming
            ends = state.delta.edges()[0 if outgoing else 1]
            fresh = int(contained(ends.astype(np.int64), near).sum())
            return int(csr.degrees(every).sum()) + fresh - self._dead(type, near, outgoing)
        every = slots_of(near)
        csr = state.outgoing if outgoing else state.incoming
        step = max(1, int(csr.degrees(every).sum()) // COUNTED_EDGES)
        _, nodes, relationships = state.follow(every[::step], outgoing)
        keep = mask_of(far, store.nodes.count).take(nodes)
        if len(store.relationships.dead):
            keep &= ~contained(relationships, store.relationships.dead)
        return int(keep.sum()) * step

    def _members(self, label: str | None) -> BitMap | None:
        """The nodes with a label, None where these are all."""
        if label is None:
            return None
        found = self._store.labels.get(label, BitMap())
        return None if len(found) == len(self._store.live_nodes) else found

    def _dead(self, type: str, near: BitMap, outgoing: bool) -> int:
        """Deleted relationships of a type at these nodes."""
        table = self._store.relationships
        dead = slots_of(table.dead)
        if not len(dead):
            return 0
        dead = dead.compress(table.type_code.take(dead) == self._store.type_codes[type])
        ends = (table.source if outgoing else table.target).take(dead).astype(np.int64)
        return int(contained(ends, near).sum())

    def _slots(self, label: str | None) -> IntArray:
        store = self._store
        found = store.live_nodes if label is None else store.labels.get(label)
        return np.zeros(0, np.int64) if found is None else slots_of(found)

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
