"""Changeset to graph: the only code that changes a store. Exact, so that equal logs give equal states.

``check`` says beforehand what cannot be applied; ``apply`` itself does not fail. Each column gets its undo before it
is written, bitmaps are replaced and not changed, and the new snapshot is published last.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pyroaring import BitMap

from memoradb.core.columns import Column, ConstantColumn, IntArray
from memoradb.core.errors import SchemaError, UniqueViolation, WriteConflict
from memoradb.core.semantics import equivalence_key
from memoradb.core.values import Value

from .changeset import Changeset, NewNodes
from .graph.bitmaps import bitmap_of, slots_of
from .index.range_index import RangeIndex
from .store import GraphStore
from .view import Direction, Element, IndexDefinition, IndexKind


def apply(store: GraphStore, changeset: Changeset, position: int) -> None:
    """Make ``changeset`` part of the newest state, as of ``position``; readers see it once it is published."""
    store.prune_if_due()
    for index in store.indexes.values():
        if _touches(changeset, index.definition):
            index.settle()
    for name in changeset.drop_indexes:
        store.indexes = {n: i for n, i in store.indexes.items() if n != name}
        store.schema_version += 1
    for new in changeset.new_nodes:
        _add_nodes(store, new, position)
    for new in changeset.new_relationships:
        ids = np.arange(new.first_id, new.first_id + new.count)
        sources, targets = store.nodes.slots_of(new.sources), store.nodes.slots_of(new.targets)
        start = store.relationships.count
        for key, column in sorted(new.properties.items()):
            store.column(Element.RELATIONSHIP, key).append(start, column)
        store.add_relationships(new.type, ids, sources, targets)
    for change in changeset.properties:
        _set_properties(store, change.element, change.key, change.ids, change.values, position)
    for change in changeset.labels:
        _set_labels(store, change.label, store.nodes.slots_of(change.ids), change.remove, position)
    if len(changeset.delete_relationships):
        _delete_relationships(store, store.relationships.slots_of(changeset.delete_relationships))
    if len(changeset.delete_nodes):
        _delete_nodes(store, store.nodes.slots_of(changeset.delete_nodes), position)
    for definition in changeset.create_indexes:
        index = store.make_index(definition)
        store.fill_index(index, position)
        index.seal()
        store.indexes = {**store.indexes, definition.name: index}
        store.schema_version += 1
    store.applied(position, changeset.size)


def _touches(changeset: Changeset, definition: IndexDefinition) -> bool:
    """Whether an index may have to change with a changeset."""
    return (
        any(not set(definition.labels).isdisjoint(new.labels) for new in changeset.new_nodes)
        or any(change.key in definition.keys for change in changeset.properties)
        or any(change.label in definition.labels for change in changeset.labels)
        or len(changeset.delete_nodes) > 0
    )


def _add_nodes(store: GraphStore, new: NewNodes, position: int) -> None:
    start = store.nodes.count
    # In the order in which the log has the keys, so that a replayed graph meets them in the same order.
    for key, column in sorted(new.properties.items()):
        store.column(Element.NODE, key).append(start, column)
    slots = store.nodes.append(np.arange(new.first_id, new.first_id + new.count))
    fresh = BitMap(range(start, start + new.count))
    store.live_nodes = store.live_nodes | fresh
    for label in new.labels:
        known = store.labels.get(label)
        store.labels[label] = fresh if known is None else known | fresh
    for index in store.indexes.values():
        definition = index.definition
        if set(definition.labels) & set(new.labels):
            if not new.properties.keys().isdisjoint(definition.keys):
                null = ConstantColumn(None, new.count)
                index.add(slots, [new.properties.get(key, null) for key in definition.keys], position)


def _indexed(store: GraphStore, definition: IndexDefinition, slot: int) -> bool:
    return any(slot in store.labels.get(label, ()) for label in definition.labels)


def _values(store: GraphStore, definition: IndexDefinition, slot: int) -> list[Value] | None:
    """What an index holds of a node: None where it is not covered."""
    if not _indexed(store, definition, slot):
        return None
    columns = store.columns[Element.NODE]
    found = [columns[k].newest(slot) if k in columns else None for k in definition.keys]
    return None if all(v is None for v in found) else found


def _differ(old: list[Value] | None, new: list[Value] | None) -> bool:
    """Whether an index tells the two apart; Python's own equality takes ``True`` for ``1``."""
    if old is None or new is None:
        return old is not new
    return list(map(equivalence_key, old)) != list(map(equivalence_key, new))


def _set_properties(
    store: GraphStore, element: Element, key: str, ids: IntArray, values: Column, position: int
) -> None:
    table = store.table(element)
    column = store.column(element, key)
    indexes = [i for i in store.indexes.values() if element is Element.NODE and key in i.definition.keys]
    for slot, value in zip(table.slots_of(ids).tolist(), values.values(), strict=True):
        before = [_values(store, i.definition, slot) for i in indexes]
        column.put(slot, value, position)
        for index, old in zip(indexes, before, strict=True):
            new = _values(store, index.definition, slot)
            if _differ(old, new):
                index.replace(slot, old, new, position)


def _set_labels(store: GraphStore, label: str, slots: IntArray, remove: bool, position: int) -> None:
    indexes = [i for i in store.indexes.values() if label in i.definition.labels]
    before = [[_values(store, i.definition, s) for s in slots.tolist()] for i in indexes]
    known = store.labels.get(label, BitMap())
    change = bitmap_of(slots)
    store.labels[label] = known - change if remove else known | change
    for index, olds in zip(indexes, before, strict=True):
        for slot, old in zip(slots.tolist(), olds, strict=True):
            new = _values(store, index.definition, slot)
            if _differ(old, new):
                index.replace(slot, old, new, position)


def _delete_relationships(store: GraphStore, slots: IntArray) -> None:
    gone = bitmap_of(slots) - store.relationships.dead
    store.relationships.dead = store.relationships.dead | gone
    codes = store.relationships.type_code.take(slots_of(gone))
    for code, count in enumerate(np.bincount(codes, minlength=len(store.types)).tolist()):
        store.live_by_type[store.types[code]] -= count


def _delete_nodes(store: GraphStore, slots: IntArray, position: int) -> None:
    for index in store.indexes.values():
        for slot in slots.tolist():
            old = _values(store, index.definition, slot)
            if old is not None:
                index.replace(slot, old, None, position)
    gone = bitmap_of(slots)
    store.nodes.dead = store.nodes.dead | gone
    store.live_nodes = store.live_nodes - gone
    for label, bitmap in store.labels.items():
        if bitmap.intersect(gone):
            store.labels[label] = bitmap - gone


# --- what cannot be applied --------------------------------------------------


def check(store: GraphStore, changeset: Changeset) -> None:
    """Raise what would make ``changeset`` wrong on the newest state.

    Raises:
        UniqueViolation: a value that must be unique would be there twice.
        WriteConflict: an element it builds on was deleted meanwhile.
        SchemaError: an index exists already, or no more.
    """
    _check_ends(store, changeset)
    for definition in changeset.create_indexes:
        if definition.name in store.indexes and definition.name not in changeset.drop_indexes:
            raise SchemaError(f"There is an index `{definition.name}` already.")
        if definition.kind is IndexKind.UNIQUE:
            _check_new_unique(store, changeset, definition)
    unique = [i for i in store.indexes.values() if i.definition.kind is IndexKind.UNIQUE]
    if unique:
        _check_unique(store, changeset, unique)


def _check_ends(store: GraphStore, changeset: Changeset) -> None:
    deleted = set(changeset.delete_nodes.tolist())
    ends = [ids for new in changeset.new_relationships for ids in (new.sources, new.targets)]
    if ends:
        # All at once: a statement of many clauses makes as many small chunks of nodes and of relationships.
        ids = np.concatenate(ends)
        fresh = sorted((n.first_id, n.first_id + n.count) for n in changeset.new_nodes)
        if fresh:
            lows, highs = np.array(fresh, np.int64).T
            place = np.searchsorted(lows, ids, side="right") - 1
            ids = ids.compress((place < 0) | (ids >= highs.take(place, mode="clip")))
        slots = store.nodes.slots_of(ids)
        if len(slots) and (int(slots.min()) < 0 or not bitmap_of(slots).issubset(store.live_nodes)):
            raise WriteConflict("A node that a new relationship needs was deleted meanwhile.")
    if deleted:
        slots = store.nodes.slots_of(changeset.delete_nodes)
        gone = set(changeset.delete_relationships.tolist())
        live = slots.compress(slots >= 0)
        found = store.head().expand(live, None, Direction.BOTH)
        for relationship in store.relationships.ids.take(found.relationship).tolist():
            if relationship not in gone:
                raise WriteConflict("A node to be deleted got a relationship meanwhile.")


def check_distinct(values: Sequence[Value], definition: IndexDefinition) -> None:
    """Raise UniqueViolation where two of the values that an index is to keep unique are equivalent."""
    seen: set[object] = set()
    for value in values:
        if value is None or value != value:
            continue
        key = equivalence_key(value)
        if key in seen:
            raise _violation(definition, value)
        seen.add(key)


def _check_new_unique(store: GraphStore, changeset: Changeset, definition: IndexDefinition) -> None:
    """All values that a new unique index will hold: of old nodes, and of those that come with it."""
    touched = _touched(store, changeset, definition.labels[0], definition.keys[0])
    slots, (column,) = store.indexed_values(definition)
    leaving = {*touched, *changeset.delete_nodes.tolist()}
    ids = store.nodes.ids.take(slots).tolist()
    kept = [value for id, value in zip(ids, column.values(), strict=True) if id not in leaving]
    check_distinct([*kept, *touched.values()], definition)


def _violation(definition: IndexDefinition, value: Value) -> UniqueViolation:
    label, key = definition.labels[0], definition.keys[0]
    return UniqueViolation(
        f"Two nodes with the label `{label}` would have {key} = {value!r}, "
        f"which constraint `{definition.name}` forbids."
    )


def _check_unique(store: GraphStore, changeset: Changeset, indexes: Sequence[object]) -> None:
    """The final value of every touched node against the index and against each other."""
    deleted = set(changeset.delete_nodes.tolist())
    for index in indexes:
        assert isinstance(index, RangeIndex)
        definition = index.definition
        label, key = definition.labels[0], definition.keys[0]
        if definition.name in changeset.drop_indexes:
            continue
        touched = _touched(store, changeset, label, key)
        if not touched:
            continue
        leaving = set(touched) | deleted
        seen: dict[object, int] = {}
        for identity, value in touched.items():
            if value is None or value != value or identity in deleted:
                continue
            hashed = equivalence_key(value)
            if hashed in seen:
                raise _violation(definition, value)
            seen[hashed] = identity
            for slot in index.seek(value, store.position):
                holder = int(store.nodes.ids[slot])
                if holder != identity and holder not in leaving:
                    raise _violation(definition, value)


def _touched(store: GraphStore, changeset: Changeset, label: str, key: str) -> dict[int, Value]:
    """By id: the final value of ``key`` of every node that the changeset touches and that ends with ``label``."""
    values: dict[int, Value] = {}
    labelled: dict[int, bool] = {}
    for new in changeset.new_nodes:
        column = new.properties.get(key)
        if label in new.labels or any(x.label == label for x in changeset.labels):
            items = [None] * new.count if column is None else column.values()
            for i, value in enumerate(items):
                values[new.first_id + i] = value
                labelled[new.first_id + i] = label in new.labels
    for change in changeset.labels:
        if change.label == label:
            for identity in change.ids.tolist():
                labelled[identity] = not change.remove
    for change in changeset.properties:
        if change.element is Element.NODE and change.key == key:
            values.update(zip(change.ids.tolist(), change.values.values(), strict=True))
    bitmap = store.labels.get(label, BitMap())
    column = store.columns[Element.NODE].get(key)
    found: dict[int, Value] = {}
    for identity in {*values, *labelled}:
        slot = int(store.nodes.slots_of(np.array([identity], np.int64))[0])
        has = labelled.get(identity, slot >= 0 and slot in bitmap)
        if not has:
            continue
        if identity in values:
            found[identity] = values[identity]
        else:
            found[identity] = None if column is None or slot < 0 else column.newest(slot)
    return found
