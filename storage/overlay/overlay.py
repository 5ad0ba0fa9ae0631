"""Writing to an overlay: every change is private until the transaction commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from pyroaring import BitMap

from memoradb.core.arrays import slots_of
from memoradb.core.columns import Column, ConstantColumn, IntArray, Kind, ListColumn, StringColumn, TypedColumn, lift
from memoradb.core.errors import DeleteConnectedNode, EntityNotFound, SchemaError, TypeMismatch
from memoradb.core.limits import PROPERTY_KEY_MAX
from memoradb.core.semantics import check_storable
from memoradb.core.temporal_columns import TemporalColumn
from memoradb.core.values import Value

from ..changeset import Changeset
from ..constraints import check_view
from ..graph.bitmaps import bitmap_of
from ..memory import NODE_BYTES, PATCH_BYTES, RELATIONSHIP_BYTES, MemoryShare
from ..touches import Touches
from ..view import Direction, Element, IndexDefinition
from .changes import NodeChunk, RelationshipChunk, Savepoint
from .resolve import changeset_of, touches_of
from .view import OverlayView


class Overlay(OverlayView):
    """Implements ``GraphWriter``. One thread at a time."""

    memory: MemoryShare | None = None
    """What pays for what is written; None: nothing does."""

    # --- creating

    def create_nodes(self, count: int, labels: Sequence[str], properties: Mapping[str, Column]) -> IntArray:
        columns = _checked_columns(properties)
        if self.memory is not None:
            self.memory.take_elements(count, NODE_BYTES, columns)
        changes = self.changes
        start = changes.nodes.top
        first_id = self.base.store.reserve(Element.NODE, count)
        distinct = tuple(labels) if len(labels) < 2 else tuple(dict.fromkeys(labels))
        changes.add_nodes(NodeChunk(start, first_id, count, distinct, columns))
        counters = changes.counters
        counters.nodes_created += count
        counters.labels_added += count * len(distinct)
        counters.properties_set += _count_properties(columns)
        return np.arange(start, start + count)

    def create_relationships(
        self, type: str, sources: IntArray, targets: IntArray, properties: Mapping[str, Column]
    ) -> IntArray:
        columns = _checked_columns(properties)
        dead = self.changes.dead_nodes
        for ends in (sources, targets):
            if len(dead) and bitmap_of(ends).intersect(dead):
                raise EntityNotFound("A relationship cannot be created: its node was deleted in this transaction.")
        start, count = self.changes.relationships.top, len(sources)
        if self.memory is not None:
            self.memory.take_elements(count, RELATIONSHIP_BYTES, columns)
        first_id = self.base.store.reserve(Element.RELATIONSHIP, count)
        self.changes.add_relationships(RelationshipChunk(start, first_id, type, sources, targets, columns))
        self.counters.relationships_created += count
        self.counters.properties_set += _count_properties(columns)
        return np.arange(start, start + count)

    # --- properties

    def set_property(self, element: Element, slots: IntArray, key: str, values: Column) -> None:
        columns = _checked_columns({key: values})
        self._check_live(element, slots)
        if self.memory is not None:
            self.memory.take_elements(len(slots) if columns else 0, PATCH_BYTES, columns)
        items = values.values()
        if items[0] is None if len(items) == 1 else any(v is None for v in items):
            held = self.property(element, slots, key).values()
            self.counters.properties_set += sum(not (h is None and v is None) for h, v in zip(held, items, strict=True))
        else:
            self.counters.properties_set += len(items)
        self.changes.patch(element, key, slots.tolist(), items)

    def replace_properties(self, element: Element, slot: int, properties: Mapping[str, Value]) -> None:
        one = np.array([slot], np.int64)
        for key in self.properties(element, slot):
            if properties.get(key) is None:
                self.set_property(element, one, key, ListColumn([None]))
        for key, value in properties.items():
            if value is not None:
                self.set_property(element, one, key, ListColumn([value]))

    # --- labels

    def add_labels(self, slots: IntArray, labels: Sequence[str]) -> None:
        self._check_live(Element.NODE, slots)
        changes, wanted = self.changes, bitmap_of(slots)
        changes.relabelled = changes.relabelled | wanted
        for label in dict.fromkeys(labels):
            fresh = wanted - self.nodes_with_label(label)
            if not len(fresh):
                continue
            self.counters.labels_added += len(fresh)
            changes.put(changes.labels_added, label, changes.labels_added.get(label, BitMap()) | fresh)
            if label in changes.labels_removed:
                changes.put(changes.labels_removed, label, changes.labels_removed[label] - fresh)

    def remove_labels(self, slots: IntArray, labels: Sequence[str]) -> None:
        self._check_live(Element.NODE, slots)
        changes, wanted = self.changes, bitmap_of(slots)
        changes.relabelled = changes.relabelled | wanted
        for label in dict.fromkeys(labels):
            gone = wanted & self.nodes_with_label(label)
            if not len(gone):
                continue
            self.counters.labels_removed += len(gone)
            changes.put(changes.labels_removed, label, changes.labels_removed.get(label, BitMap()) | gone)
            if label in changes.labels_added:
                changes.put(changes.labels_added, label, changes.labels_added[label] - gone)

    # --- deleting

    def delete_relationships(self, slots: IntArray) -> None:
        known = self.changes.dead_relationships
        fresh = bitmap_of(slots) - known
        if len(fresh):
            self.changes.bury(Element.RELATIONSHIP, known | fresh)
            self.counters.relationships_deleted += len(fresh)

    def delete_nodes(self, slots: IntArray, detach: bool) -> None:
        known = self.changes.dead_nodes
        fresh = bitmap_of(slots) - known
        if not len(fresh):
            return
        if detach:
            self.delete_relationships(self.expand(slots_of(fresh), None, Direction.BOTH).relationship)
        else:
            self.changes.undetached = self.changes.undetached | fresh
        self.changes.bury(Element.NODE, known | fresh)
        self.counters.nodes_deleted += len(fresh)

    def check_deletes(self) -> None:
        undetached = self.changes.undetached
        if not len(undetached):
            return
        self.changes.undetached = BitMap()
        if len(self.expand(slots_of(undetached), None, Direction.BOTH).relationship):
            raise DeleteConnectedNode(
                "Cannot delete a node that still has relationships.",
                hint="DETACH DELETE deletes them too.",
            )

    # --- schema

    def create_index(self, definition: IndexDefinition, if_not_exists: bool = False) -> bool:
        definition = replace(definition, name=definition.name or default_index_name(definition))
        for known in self.indexes():
            same = _kind_and_place(known) == _kind_and_place(definition)
            if known.name == definition.name or same:
                if if_not_exists:
                    return False
                called = f"called `{known.name}`" if known.name == definition.name else None
                what = "a constraint" if known.kind.is_constraint else "an index"
                raise SchemaError(
                    f"There is {what} {called or f'of that kind on the same properties: `{known.name}`'}.",
                    hint="IF NOT EXISTS makes this no error.",
                    code="Neo.ClientError.Schema.EquivalentSchemaRuleAlreadyExists",
                )
        if definition.kind.is_constraint:
            check_view(self, definition)
            self.counters.constraints_added += 1
        else:
            self.counters.indexes_added += 1
        self.changes.put_index(definition)
        return True

    def drop_index(self, name: str, if_exists: bool = False) -> bool:
        found = next((d for d in self.indexes() if d.name == name), None)
        if found is None:
            if if_exists:
                return False
            raise SchemaError(f"There is no index or constraint `{name}`.", hint="SHOW INDEXES lists them.")
        self.changes.drop_index(name)
        if found.kind.is_constraint:
            self.counters.constraints_removed += 1
        else:
            self.counters.indexes_removed += 1
        return True

    def put_note(self, name: str, note: Value) -> None:
        """A fact about the graph itself, committed with everything else; None forgets it. See ``GraphStore.notes``."""
        self.changes.notes[name] = note

    # --- savepoints and the end

    def savepoint(self) -> Savepoint:
        mark = self.changes.savepoint()
        return mark if self.memory is None else replace(mark, written=self.memory.written)

    def rollback_to(self, mark: object) -> None:
        assert isinstance(mark, Savepoint)
        self.changes.roll_back(mark)
        if self.memory is not None:
            self.memory.return_to(mark.written)

    def changeset(self) -> Changeset:
        """All changes, by id. What was created and deleted again leaves no trace but its ids."""
        return changeset_of(self)

    def touches(self) -> Touches:
        """What the transaction wrote of elements that were there before, by slot."""
        return touches_of(self)


def _checked_columns(properties: Mapping[str, Column]) -> dict[str, Column]:
    """The columns that hold anything; TypeMismatch where a key or a value cannot be stored."""
    out: dict[str, Column] = {}
    for key, column in properties.items():
        if not 0 < len(key) * 4 <= PROPERTY_KEY_MAX and not 0 < _bytes(key) <= PROPERTY_KEY_MAX:
            raise TypeMismatch(f"A property key has 1 to {PROPERTY_KEY_MAX} bytes.")
        if isinstance(column, ConstantColumn):
            value = column.value
            if value is None:
                continue
            if value.__class__ is not str and value.__class__ is not int:
                check_storable(value)
        elif isinstance(column, TypedColumn) and column.kind not in _REFERENCES:
            pass  # it holds nothing else
        elif not isinstance(column, (StringColumn, TemporalColumn)):
            column = _checked(column)
        out[key] = column
    return out


def _checked(column: Column) -> Column:
    """A column of any values that can all be stored; many numbers of one type as an array."""
    values = column.values()
    if len(values) == 1:
        check_storable(values[0])
        return column
    if not set(map(type, values)) <= _SCALARS:
        for value in values:
            check_storable(value)
    elif len(values) >= LIFTED_MIN and isinstance(column, ListColumn):
        return lift(column.items)
    return column


def _bytes(key: str) -> int:
    return len(key.encode("utf-8", "surrogatepass"))


LIFTED_MIN: Final = 16
"""Values that are worth an array: it is checked, written and indexed as a whole."""

_SCALARS: Final = frozenset((type(None), bool, int, float, str, bytes))

_REFERENCES = (Kind.NODE, Kind.RELATIONSHIP)


def _count_properties(columns: Mapping[str, Column]) -> int:
    total = 0
    for column in columns.values():
        if isinstance(column, ConstantColumn):  # a null one was left out
            total += column.length
            continue
        if len(column) == 1:
            total += column.item(0) is not None
            continue
        mask = column.nulls()
        total += len(column) - (0 if mask is None else int(mask.sum()))
    return total


def _kind_and_place(definition: IndexDefinition) -> object:
    """What no two definitions share; what a key is need not be said to be unique."""
    kind = "UNIQUE" if definition.kind.is_unique else definition.kind.value
    return kind, definition.element, definition.labels, definition.keys


def default_index_name(definition: IndexDefinition) -> str:
    """A name for an index that got none: the same for the same definition."""
    element = () if definition.element is Element.NODE else ("rel",)
    parts = [definition.kind.value.lower(), *element, *definition.labels, *definition.keys]
    return "_".join("".join(ch if ch.isalnum() else "_" for ch in part) for part in parts)
