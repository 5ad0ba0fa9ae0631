"""Keeping indexes in step with the store while a changeset is applied: what each must be told of new and old elements.

The writer calls these between its own steps; every one of them looks only at the indexes that the change can concern.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from memoradb.core.columns import Column, ConstantColumn, IntArray
from memoradb.core.semantics import equivalence_key
from memoradb.core.values import Value

from ..changeset import Changeset
from ..graph.bitmaps import contained
from ..view import Element, IndexDefinition
from .index import Index
from .populating import PopulatingIndex
from .range_index import RangeIndex

if TYPE_CHECKING:
    from ..store import GraphStore

TOGETHER_MIN: Final = 16
"""Elements whose values are read as columns."""

_NEWEST: Final = 1 << 62
"""A position that no commit reaches: of a column, its values now."""

Row = list[Value] | None
"""What an index holds of an element, by key; None where it holds nothing."""


def declare(store: GraphStore, definition: IndexDefinition, position: int) -> PopulatingIndex | None:
    """A new index among the store's: complete, or where it is large and a builder is at hand, still to be built."""
    index = store.make_index(definition)
    building = None
    if store.builder is not None and not definition.kind.is_constraint and definition.keys:
        if store.builder.takes(len(store.covered_slots(definition))):
            building = PopulatingIndex(index)
    if building is None and definition.keys:
        store.fill_index(index, position)
        index.seal()
    store.indexes = {**store.indexes, definition.name: building or index}
    store.schema_version += 1
    return building


def touches(changeset: Changeset, definition: IndexDefinition) -> bool:
    """Whether an index may have to change with a changeset."""
    labels = definition.labels
    if any(c.element is definition.element and c.key in definition.keys for c in changeset.properties):
        return True
    if definition.element is Element.RELATIONSHIP:
        return any(new.type in labels for new in changeset.new_relationships) or len(changeset.delete_relationships) > 0
    return (
        any(not set(labels).isdisjoint(new.labels) for new in changeset.new_nodes)
        or any(change.label in labels for change in changeset.labels)
        or len(changeset.delete_nodes) > 0
    )


def created(
    store: GraphStore,
    element: Element,
    start: int,
    count: int,
    labels: Sequence[str],
    properties: Mapping[str, Column],
    position: int,
) -> None:
    """New elements at consecutive slots with the same labels, or of one type."""
    for index in store.indexes.values():
        definition = index.definition
        if definition.element is not element or properties.keys().isdisjoint(definition.keys):
            continue
        if not any(map(definition.labels.__contains__, labels)):
            continue
        if count == 1 and isinstance(index, RangeIndex):
            index.add_one(start, properties[definition.keys[0]].item(0))
            continue
        null = ConstantColumn(None, count)
        columns = [properties.get(key, null) for key in definition.keys]
        index.add(np.arange(start, start + count), columns, position)


def concerned(store: GraphStore, element: Element, *, key: str | None = None, label: str | None = None) -> list[Index]:
    """The indexes that a property key or a label concerns; those of the element where neither is given."""
    if not store.indexes:
        return []
    return [
        index
        for index in store.indexes.values()
        if (definition := index.definition).element is element
        and (key is None or key in definition.keys)
        and (label is None or label in definition.labels)
        and definition.keys
    ]


def row_of(store: GraphStore, definition: IndexDefinition, slot: int) -> Row:
    """What an index holds of an element now."""
    if definition.element is Element.NODE:
        covered = any(slot in store.labels.get(label, ()) for label in definition.labels)
    else:
        covered = store.types[store.relationships.type_code[slot]] in definition.labels
        covered = covered and slot not in store.relationships.dead
    if not covered:
        return None
    columns = store.columns[definition.element]
    found = [columns[k].newest(slot) if k in columns else None for k in definition.keys]
    return None if all(v is None for v in found) else found


def rows_of(store: GraphStore, definition: IndexDefinition, slots: IntArray) -> list[Row]:
    """What an index holds of each of these elements now."""
    if len(slots) < TOGETHER_MIN:
        return [row_of(store, definition, slot) for slot in slots.tolist()]
    covered = np.zeros(len(slots), np.bool_)
    if definition.element is Element.NODE:
        for label in definition.labels:
            if label in store.labels:
                covered |= contained(slots, store.labels[label])
    else:
        codes = [store.type_codes[t] for t in definition.labels if t in store.type_codes]
        covered = np.isin(store.relationships.type_code.take(slots), codes)
        covered &= ~contained(slots, store.relationships.dead)
    columns, null = store.columns[definition.element], [None] * len(slots)
    held = [columns[k].gather(slots, _NEWEST).values() if k in columns else null for k in definition.keys]
    rows = zip(covered.tolist(), map(list, zip(*held, strict=True)), strict=True)
    return [row if there and row.count(None) < len(row) else None for there, row in rows]


def replaced(
    store: GraphStore, indexes: Sequence[Index], slots: IntArray, before: Sequence[Sequence[Row]], position: int
) -> None:
    """Elements changed: ``before`` is what each of ``indexes`` held of them."""
    for index, held in zip(indexes, before, strict=True):
        rows = zip(slots.tolist(), held, rows_of(store, index.definition, slots), strict=True)
        _replace(index, [change for change in rows if _differ(change[1], change[2])], position)


def _replace(index: Index, changes: Sequence[tuple[int, Row, Row]], position: int) -> None:
    """(slot, old, new) of elements that changed, each named once."""
    if isinstance(index, RangeIndex) and len(changes) >= TOGETHER_MIN:
        index.replace_all(changes, position)
        return
    for slot, old, new in changes:
        index.replace(slot, old, new, position)


def left(store: GraphStore, element: Element, slots: IntArray, position: int) -> None:
    """Elements are about to be deleted."""
    for index in concerned(store, element):
        mine = covered_of(store, index.definition, slots)
        rows = zip(mine.tolist(), rows_of(store, index.definition, mine), strict=True)
        _replace(index, [(slot, old, None) for slot, old in rows if old is not None], position)


def covered_of(store: GraphStore, definition: IndexDefinition, slots: IntArray) -> IntArray:
    """Those of ``slots`` that may be in an index, by their type; labels are looked at one by one."""
    if definition.element is Element.NODE:
        return slots
    codes = [store.type_codes[t] for t in definition.labels if t in store.type_codes]
    return slots.compress(np.isin(store.relationships.type_code.take(slots), codes))


def _differ(old: Row, new: Row) -> bool:
    """Whether an index tells the two apart; Python's own equality takes ``True`` for ``1``."""
    if old is None or new is None:
        return old is not new
    if all(map(operator.is_, old, new)):
        return False
    return list(map(equivalence_key, old)) != list(map(equivalence_key, new))
