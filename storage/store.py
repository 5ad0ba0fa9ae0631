"""The newest graph, in place: what ``apply`` changes and snapshots read.

Elements live at slots, dense positions in apply order. Reading at a log position takes the pinned bitmaps of a
``Snapshot``, the columns' undo, and slots as their own visibility: what is below the snapshot's count existed then.

The writer may be ahead of what is committed: ``apply`` changes the store as soon as a changeset has its place in the
log, so that the next writer builds on it and both share one sync, but readers get the *published* snapshot, which is
committed. The newest applied one is the *head*.
"""

from __future__ import annotations

import weakref
from collections import deque
from typing import TYPE_CHECKING

import numpy as np
from pyroaring import BitMap

from memoradb.core.codec import digest
from memoradb.core.columns import Column, ConstantColumn, IntArray, lift
from memoradb.core.limits import DELTA_EDGES_MAX
from memoradb.core.serde import encode, encode_column

from .graph.adjacency import Adjacency
from .graph.bitmaps import mask_of, slots_of
from .graph.slots import ElementTable, RelationshipTable
from .index.index import Index
from .index.range_index import RangeIndex
from .properties.column import PropertyColumn
from .statistics import StoreStatistics
from .text.fulltext import FulltextIndex
from .undo import UndoLog
from .vector.vector_index import VectorIndex
from .view import Element, IndexDefinition, IndexKind, definition_to_value

if TYPE_CHECKING:
    from .snapshot import Snapshot

PRUNE_CHANGES = 1_024
"""Changed elements between two looks for undo that can go."""


class GraphStore:
    """All of one graph. One writer; readers go through snapshots."""

    def __init__(self, uuid: str) -> None:
        self.uuid = uuid
        self.position = 0
        """Log position of the newest changeset that was applied."""
        self.nodes = ElementTable()
        self.relationships = RelationshipTable()
        self.labels: dict[str, BitMap] = {}
        self.live_nodes = BitMap()
        self.types: list[str] = []
        self.type_codes: dict[str, int] = {}
        self.adjacency: dict[str, Adjacency] = {}
        self.live_by_type: dict[str, int] = {}
        self.undo = UndoLog()
        self.columns: dict[Element, dict[str, PropertyColumn]] = {Element.NODE: {}, Element.RELATIONSHIP: {}}
        self.indexes: dict[str, Index] = {}
        self.schema_version = 0
        self.generation = 0
        self._changes = 0
        self._snapshots: weakref.WeakSet[Snapshot] = weakref.WeakSet()
        self._unpublished: deque[Snapshot] = deque()
        self._published: Snapshot | None = None
        self._head: Snapshot | None = None
        self._prune_due = PRUNE_CHANGES
        self.statistics = StoreStatistics(self)

    # --- ids

    def table(self, element: Element) -> ElementTable:
        """Ids and slots of one kind of element."""
        return self.nodes if element is Element.NODE else self.relationships

    def reserve(self, element: Element, count: int) -> int:
        """The first of ``count`` new ids; never handed out again, used or not."""
        return self.table(element).reserve(count)

    # --- snapshots

    def snapshot(self) -> Snapshot:
        """The newest committed state; one object for as long as nothing is published."""
        if self._published is None:
            self._published = self._pin()
        return self._published

    def head(self) -> Snapshot:
        """The newest applied state, for the writer that goes on from it; it may not be committed yet."""
        return self._head or self.snapshot()

    def _pin(self) -> Snapshot:
        from .snapshot import Snapshot

        pinned = Snapshot(self)
        self._snapshots.add(pinned)
        return pinned

    def applied(self, position: int, changed: int) -> None:
        """A changeset of so many elements is in place; called by the writer. Readers see it once it is published."""
        self.position = position
        self._changes += changed
        self._prune_due -= changed
        if self._changes * 5 > self.nodes.count + self.relationships.count + 100:
            self._changes = 0
            self.generation += 1
        self._head = self._pin()
        self._unpublished.append(self._head)

    def publish(self, position: int) -> None:
        """Everything up to ``position`` is committed: new readers see it. One caller at a time."""
        waiting = self._unpublished
        while waiting and waiting[0].position <= position:
            self._published = waiting.popleft()

    def refresh(self) -> None:
        """Let new readers see bases that were folded since; called by the writer, the graph is the same."""
        if not self._unpublished:
            self._head = self._published = self._pin()

    def prune_if_due(self) -> None:
        """Now and then, drop undo that no snapshot can ask for; called by the writer before it writes."""
        if self._prune_due > 0:
            return
        oldest = min((snapshot.position for snapshot in list(self._snapshots)), default=None)
        self.undo.prune(oldest)
        for index in self.indexes.values():
            index.prune(oldest)
        self._prune_due = max(PRUNE_CHANGES, len(self.undo))

    # --- relationships

    def add_relationships(self, type: str, ids: IntArray, sources: IntArray, targets: IntArray) -> IntArray:
        """New relationships of one type between slots; returns their slots."""
        code = self.type_codes.get(type)
        if code is None:
            code = len(self.types)
            self.types.append(type)
            self.type_codes[type] = code
            self.adjacency[type] = Adjacency()
            self.live_by_type[type] = 0
        slots = self.relationships.extend(ids, code, sources, targets)
        adjacency = self.adjacency[type]
        adjacency.append(sources, targets, slots)
        self.live_by_type[type] += len(ids)
        if adjacency.state.delta.count > DELTA_EDGES_MAX:
            adjacency.fold(self.nodes.count)
        return slots

    def fold(self) -> None:
        """All deltas into their bases: after bulk loads and before checkpoints."""
        for adjacency in self.adjacency.values():
            adjacency.fold(self.nodes.count)
        self.refresh()

    # --- properties

    def column(self, element: Element, key: str) -> PropertyColumn:
        """The column of a key, made if there is none."""
        columns = self.columns[element]
        found = columns.get(key)
        if found is None:
            found = columns[key] = PropertyColumn(self.undo)
        return found

    # --- indexes

    def make_index(self, definition: IndexDefinition) -> Index:
        """An empty index of the definition's kind."""
        if definition.kind is IndexKind.VECTOR:
            return VectorIndex(definition)
        if definition.kind is IndexKind.FULLTEXT:
            return FulltextIndex(definition)
        return RangeIndex(definition)

    def fill_index(self, index: Index, position: int) -> None:
        """All live elements that the definition covers into a new index."""
        slots, values = self.indexed_values(index.definition)
        if len(slots):
            index.add(slots, values, position)

    def indexed_values(self, definition: IndexDefinition) -> tuple[IntArray, list[Column]]:
        """The nodes with any of an index's labels, and their newest values by key."""
        covered = BitMap()
        for label in definition.labels:
            covered = covered | self.labels.get(label, BitMap())
        slots = slots_of(covered)
        columns, null = self.columns[Element.NODE], ConstantColumn(None, len(slots))
        held = (columns.get(key) for key in definition.keys)
        return slots, [null if column is None else column.gather(slots, self.position) for column in held]

    # --- state hash

    def state_hash(self) -> bytes:
        """A hash of what the graph holds, by id: equal on every machine for equal logs, whatever the layout."""
        parts: list[bytes] = []
        nodes = self._by_id(Element.NODE)
        ids = self.nodes.ids
        parts.append(_packed(ids.take(nodes)))
        for name in sorted(self.labels):
            held = nodes.compress(mask_of(self.labels[name], self.nodes.count).take(nodes))
            if len(held):
                parts += (encode(name), _packed(ids.take(held)))
        self._hash_columns(Element.NODE, nodes, parts)
        table = self.relationships
        relationships = self._by_id(Element.RELATIONSHIP)
        codes = table.type_code.take(relationships)
        for name in sorted(self.types):
            held = relationships.compress(codes == self.type_codes[name])
            if len(held):
                ends = (ids.take(column.take(held)) for column in (table.source, table.target))
                parts += (encode(name), _packed(table.ids.take(held)), *map(_packed, ends))
        self._hash_columns(Element.RELATIONSHIP, relationships, parts)
        parts += (encode(definition_to_value(self.indexes[name].definition)) for name in sorted(self.indexes))
        return digest(*parts)

    def _by_id(self, element: Element) -> IntArray:
        """The live slots of a kind, by ascending id."""
        table = self.table(element)
        slots = slots_of(BitMap(range(table.count)) - table.dead)
        return slots.take(np.argsort(table.ids.take(slots), kind="stable"))

    def _hash_columns(self, element: Element, slots: IntArray, parts: list[bytes]) -> None:
        """For each key that is in use: who has it, and the values, in a form that does not tell how they are kept."""
        ids = self.table(element).ids
        for key, column in sorted(self.columns[element].items()):
            values = column.gather(slots, self.position)
            if isinstance(values, ConstantColumn):
                continue
            nulls = values.nulls()
            held = np.arange(len(slots)) if nulls is None else np.flatnonzero(~nulls)
            if len(held):
                kept = lift(list(values.take(held).values()))
                parts += (encode(key), _packed(ids.take(slots.take(held))), encode_column(kept))


def _packed(ids: IntArray) -> bytes:
    """Ids as bytes that end where they say: parts of a hash must not run into each other."""
    return encode(np.ascontiguousarray(ids, "<i8").tobytes())
