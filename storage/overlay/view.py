"""Reading through an overlay: the snapshot's answer, corrected by the transaction's own changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from memoradb.core.columns import BoolArray, Column, ConstantColumn, IntArray, lift
from memoradb.core.errors import EntityNotFound
from memoradb.core.values import Value

from ..graph.bitmaps import bitmap_of, contained
from ..index.condition import Condition
from ..snapshot import Snapshot
from ..statistics import ViewStatistics
from ..view import (
    ONLINE,
    Counters,
    Direction,
    Element,
    Fact,
    IndexDefinition,
    IndexState,
    Neighbours,
    Number,
    RangeBound,
    Scored,
    Statistics,
    part_of,
    sums_of,
)
from .adjacency import OwnAdjacency
from .changes import Changes, copied
from .indexes import OwnIndexes


class OverlayView:
    """Implements ``GraphView``. One thread at a time."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.base = snapshot
        self.changes = Changes(snapshot.nodes_top, snapshot.relationships_top)
        self._own_adjacency: OwnAdjacency | None = None
        self._own_indexes: OwnIndexes | None = None

    @property
    def _adjacency(self) -> OwnAdjacency:
        if self._own_adjacency is None:
            self._own_adjacency = OwnAdjacency(self.changes.relationships)
        return self._own_adjacency

    @property
    def _indexes(self) -> OwnIndexes:
        if self._own_indexes is None:
            self._own_indexes = OwnIndexes()
        return self._own_indexes

    @property
    def counters(self) -> Counters:
        """What was changed so far."""
        return self.changes.counters

    def statement_counters(self, before: Counters | None = None) -> Counters:
        """A copy of the counters, or what has been added since ``before``."""
        return copied(self.changes.counters, before)

    # --- names and counts

    @property
    def schema_version(self) -> int:
        changes = self.changes
        own = len(changes.created_indexes) + len(changes.dropped_indexes)
        return self.base.schema_version if not own else -self.base.schema_version - own - 1

    @property
    def generation(self) -> int:
        return self.base.generation

    @property
    def statistics(self) -> Statistics:
        return self.base.statistics

    def measured(self) -> Statistics:
        return ViewStatistics(self)

    def labels(self) -> Sequence[str]:
        names = {*self.base.labels(), *self.changes.created_with, *self.changes.labels_added}
        return sorted(n for n in names if len(self.nodes_with_label(n)))

    def relationship_types(self) -> Sequence[str]:
        return sorted({*self.base.relationship_types(), *(c.type for c in self.changes.relationships.items)})

    def property_keys(self) -> Sequence[str]:
        chunks = (*self.changes.nodes.items, *self.changes.relationships.items)
        own = {key for chunk in chunks for key in chunk.properties}
        return sorted(
            {*self.base.property_keys(), *own, *(key for (_, key), patches in self.changes.patches.items() if patches)}
        )

    # --- nodes

    @property
    def nodes_top(self) -> int:
        return self.changes.nodes.top

    def node_count(self) -> int:
        return len(self.nodes())

    def nodes(self) -> BitMap:
        live = self.base.nodes()
        if self.changes.nodes:
            live = live | BitMap(range(self.changes.nodes.base, self.changes.nodes.top))
        return live - self.changes.dead_nodes if len(self.changes.dead_nodes) else live

    def nodes_with_label(self, label: str) -> BitMap:
        changes = self.changes
        found = self.base.nodes_with_label(label)
        for more in (changes.created_with.get(label), changes.labels_added.get(label)):
            if more:
                found = found | more
        for less in (changes.labels_removed.get(label), changes.dead_nodes):
            if less:
                found = found - less
        return found

    def has_label(self, slots: IntArray, label: str) -> BoolArray:
        changes = self.changes
        self._check_live(Element.NODE, slots)
        if not changes.nodes:
            found = self.base.has_label(slots, label)
        else:
            found = contained(slots, changes.created_with.get(label, _NONE))
            old = np.flatnonzero(slots < changes.nodes.base)
            found[old] = self.base.has_label(slots.take(old), label)
        if label in changes.labels_added:
            found = found | contained(slots, changes.labels_added[label])
        if label in changes.labels_removed:
            found = found & ~contained(slots, changes.labels_removed[label])
        return found

    def _check_live(self, element: Element, slots: IntArray) -> None:
        dead = self.changes.dead[element]
        if len(dead) and bitmap_of(slots).intersect(dead):
            raise EntityNotFound(f"A {element.value.lower()} was deleted in this transaction.")

    def node_labels(self, slot: int) -> tuple[str, ...]:
        own = slot >= self.changes.nodes.base
        names = list(self.changes.nodes.at(slot).labels if own else self.base.node_labels(slot))
        names += [n for n, nodes in self.changes.labels_added.items() if slot in nodes and n not in names]
        return tuple(n for n in names if slot not in self.changes.labels_removed.get(n, _NONE))

    def node_is_live(self, slot: int) -> bool:
        return self._is_live(Element.NODE, slot)

    def _is_live(self, element: Element, slot: int) -> bool:
        if slot in self.changes.dead[element]:
            return False
        if slot >= self.changes.chunks(element).base:
            return True
        base = self.base
        return base.node_is_live(slot) if element is Element.NODE else base.relationship_is_live(slot)

    # --- relationships

    def relationship_count(self) -> int:
        dead = self.changes.dead_relationships
        new = self.changes.relationships.top - self.changes.relationships.base
        return self.base.relationship_count() + new - len(dead)

    def relationships(self, types: Sequence[str] | None = None) -> IntArray:
        parts = [self.base.relationships(types)]
        for chunk in self.changes.relationships.items:
            if types is None or chunk.type in types:
                parts.append(np.arange(chunk.start, chunk.start + chunk.count))
        slots = np.concatenate(parts)
        return slots.compress(~contained(slots, self.changes.dead_relationships))

    def relationship_type(self, slots: IntArray) -> list[str]:
        chunks = self.changes.relationships
        if not chunks:
            return self.base.relationship_type(slots)
        old = slots < chunks.base
        known = iter(self.base.relationship_type(slots.compress(old)))
        return [
            next(known) if is_old else chunks.at(slot).type
            for slot, is_old in zip(slots.tolist(), old.tolist(), strict=True)
        ]

    def endpoints(self, slots: IntArray) -> tuple[IntArray, IntArray]:
        chunks = self.changes.relationships
        if not chunks:
            return self.base.endpoints(slots)
        starts, ends = np.empty(len(slots), np.int64), np.empty(len(slots), np.int64)
        old = slots < chunks.base
        starts[old], ends[old] = self.base.endpoints(slots.compress(old))
        for i in np.flatnonzero(~old).tolist():
            slot = int(slots[i])
            chunk = chunks.at(slot)
            starts[i], ends[i] = chunk.sources[slot - chunk.start], chunk.targets[slot - chunk.start]
        return starts, ends

    def relationship_is_live(self, slot: int) -> bool:
        return self._is_live(Element.RELATIONSHIP, slot)

    # --- adjacency

    def expand(self, sources: IntArray, types: Sequence[str] | None, direction: Direction) -> Neighbours:
        known = np.flatnonzero(sources < self.changes.nodes.base)
        whole = len(known) == len(sources)
        found = self.base.expand(sources if whole else sources.take(known), types, direction)
        positions = found.source_position if whole else known.take(found.source_position)
        nodes, relationships = found.node, found.relationship
        if self.changes.relationships:
            more = self._adjacency.follow(sources, types, direction)
            if len(more[0]):
                old = (positions, nodes, relationships)
                positions, nodes, relationships = (np.concatenate(pair) for pair in zip(old, more, strict=True))
                order = np.lexsort((relationships, positions))
                positions, nodes, relationships = positions.take(order), nodes.take(order), relationships.take(order)
        if len(self.changes.dead_relationships) and len(relationships):
            kept = np.flatnonzero(~contained(relationships, self.changes.dead_relationships))
            positions, nodes, relationships = positions.take(kept), nodes.take(kept), relationships.take(kept)
        return Neighbours(positions, nodes, relationships)

    def far_ends(self, sources: IntArray, types: Sequence[str] | None, direction: Direction) -> IntArray:
        if self._has_base_adjacency:
            return self.base.far_ends(sources, types, direction)
        return self.expand(sources, types, direction).node

    def expand_part(
        self, sources: IntArray, types: Sequence[str] | None, direction: Direction, first: int, stop: int
    ) -> Neighbours:
        return part_of(self.expand(sources, types, direction), first, stop)

    def neighbour_sums(
        self, sources: IntArray, values: NDArray[Number], types: Sequence[str] | None, direction: Direction
    ) -> NDArray[Number]:
        if self._has_base_adjacency:
            return self.base.neighbour_sums(sources, values, types, direction)
        return sums_of(self.expand(sources, types, direction), values, len(sources))

    @property
    def _has_base_adjacency(self) -> bool:
        changes = self.changes
        return not changes.relationships and not len(changes.dead_relationships) and not changes.nodes

    def fact(self, fact: Fact) -> bool:
        return not self.counters.contains_updates and self.base.fact(fact)

    def degrees(self, sources: IntArray, types: Sequence[str] | None, direction: Direction) -> IntArray:
        if self._has_base_adjacency:
            return self.base.degrees(sources, types, direction)
        found = self.expand(sources, types, direction)
        return np.bincount(found.source_position, minlength=len(sources)).astype(np.int64)

    def neighbours(self, slot: int, types: Sequence[str] | None, direction: Direction) -> BitMap:
        if self._has_base_adjacency:
            return self.base.neighbours(slot, types, direction)
        return bitmap_of(self.expand(np.array([slot], np.int64), types, direction).node)

    # --- properties

    def property(self, element: Element, slots: IntArray, key: str) -> Column:
        self._check_live(element, slots)
        patches = self.changes.patches.get((element, key))
        base = self.changes.chunks(element).base
        new = slots >= base
        if not new.any():
            column = self.base.property(element, slots, key)
            return _patched(column, slots, patches) if patches else column
        items: list[Value] = [None] * len(slots)
        old = np.flatnonzero(~new)
        _fill(items, old, self.base.property(element, slots.take(old), key))
        own = np.flatnonzero(new)
        _fill(items, own, self._own_values(element, slots.take(own), key))
        column = lift(items)
        return _patched(column, slots, patches) if patches else column

    def _own_values(self, element: Element, slots: IntArray, key: str) -> Column:
        """What new elements were created with."""
        chunks = self.changes.chunks(element)
        only = chunks.only(slots)
        if only is not None:
            column = only.properties.get(key)
            return ConstantColumn(None, len(slots)) if column is None else column.take(slots - only.start)
        items: list[Value] = []
        for slot in slots.tolist():
            chunk = chunks.at(slot)
            column = chunk.properties.get(key)
            items.append(None if column is None else column.item(slot - chunk.start))
        return lift(items)

    def item(self, element: Element, slot: int, key: str) -> Value:
        return self.property(element, np.array([slot], np.int64), key).item(0)

    def all_properties(self, element: Element, slots: IntArray) -> dict[str, Column]:
        rows = [self.properties(element, slot) for slot in slots.tolist()]
        keys = dict.fromkeys(key for row in rows for key in row)
        return {key: lift([row.get(key) for row in rows]) for key in keys}

    def labels_of(self, slots: IntArray) -> list[tuple[str, ...]]:
        return [self.node_labels(slot) for slot in slots.tolist()]

    def properties(self, element: Element, slot: int) -> dict[str, Value]:
        chunks = self.changes.chunks(element)
        if slot < chunks.base:
            found = self.base.properties(element, slot)
        else:
            chunk = chunks.at(slot)
            values = ((key, column.item(slot - chunk.start)) for key, column in chunk.properties.items())
            found = {key: value for key, value in values if value is not None}
        for (kind, key), patches in self.changes.patches.items():
            if kind is element and slot in patches:
                value = patches[slot]
                if value is None:
                    found.pop(key, None)
                else:
                    found[key] = value
        return found

    # --- identity

    def ids(self, element: Element, slots: IntArray) -> IntArray:
        chunks = self.changes.chunks(element)
        if not chunks:
            return self.base.ids(element, slots)
        new = slots >= chunks.base
        if new.all():
            return chunks.ids(slots)
        ids = np.empty(len(slots), np.int64)
        ids[~new] = self.base.ids(element, slots.compress(~new))
        ids[new] = chunks.ids(slots.compress(new))
        return ids

    def slots_of_ids(self, element: Element, ids: IntArray) -> IntArray:
        slots = self.changes.chunks(element).slots_of(ids, self.base.slots_of_ids(element, ids))
        dead = self.changes.dead[element]
        return np.where(contained(slots, dead), -1, slots) if len(dead) else slots

    def element_id(self, element: Element, slot: int) -> str:
        kind = "n" if element is Element.NODE else "r"
        return f"{kind}:{self.base.store.uuid}:{int(self.ids(element, np.array([slot], np.int64))[0])}"

    # --- indexes

    def indexes(self) -> Sequence[IndexDefinition]:
        known = {d.name: d for d in self.base.indexes() if d.name not in self.changes.dropped_indexes}
        return [definition for _, definition in sorted({**known, **self.changes.created_indexes}.items())]

    def index_seek(self, name: str, values: Sequence[Value]) -> tuple[IntArray, IntArray]:
        return self._indexes.seek(self, name, values)

    def index_find(self, name: str, value: Value) -> Sequence[int]:
        return self._indexes.seek(self, name, (value,))[1].tolist()

    def index_range(self, name: str, low: RangeBound | None, high: RangeBound | None) -> IntArray:
        return self._indexes.range(self, name, low, high)

    def index_prefix(self, name: str, prefix: str) -> IntArray:
        return self._indexes.prefix(self, name, prefix)

    def index_search(self, name: str, condition: Condition) -> IntArray:
        return self._indexes.search(self, name, condition)

    def index_state(self, name: str) -> IndexState:
        return ONLINE if name in self.changes.created_indexes else self.base.index_state(name)

    def index_size(self, name: str) -> tuple[int, int]:
        return (0, 0) if name in self.changes.created_indexes else self.base.index_size(name)

    def vector_search(self, name: str, query: Sequence[float], k: int, candidates: BitMap | None = None) -> Scored:
        return self._indexes.vector_search(self, name, query, k, candidates)

    def text_search(self, name: str, query: str, k: int | None = None, candidates: BitMap | None = None) -> Scored:
        return self._indexes.text_search(self, name, query, k, candidates)


_NONE = BitMap()


def _fill(items: list[Value], positions: IntArray, values: Column) -> None:
    for position, value in zip(positions.tolist(), values.values(), strict=True):
        items[position] = value


def _patched(column: Column, slots: IntArray, patches: dict[int, Value]) -> Column:
    """``column`` with the transaction's own values."""
    own = [(i, patches[slot]) for i, slot in enumerate(slots.tolist()) if slot in patches]
    if not own:
        return column
    items = list(column.values())
    for i, value in own:
        items[i] = value
    return lift(items)
