"""Changeset to graph: the only code that changes a store. Exact, so that equal logs give equal states.

``check`` says beforehand what cannot be applied; ``apply`` itself does not fail. Each column gets its undo before it
is written, bitmaps are replaced and not changed, and the new snapshot is published last.
"""

from __future__ import annotations

import itertools

import numpy as np
from pyroaring import BitMap

from memoradb.core.arrays import distinct, slots_of
from memoradb.core.columns import Column, IntArray
from memoradb.core.errors import SchemaError, WriteConflict

from .changeset import Changeset, NewNodes, NewRelationships
from .constraints import check as check_constraints
from .graph.bitmaps import bitmap_of
from .index import upkeep
from .store import GraphStore
from .view import Direction, Element

ENDS_ONE_BY_ONE = 8
"""Ends of new relationships up to which they are looked at one by one."""

PUT_TOGETHER_MIN = 16
"""Values of one key from which on they are written as a column."""


def apply(store: GraphStore, changeset: Changeset, position: int) -> None:
    """Make ``changeset`` part of the newest state, as of ``position``; readers see it once it is published."""
    store.prune_if_due()
    for index in store.indexes.values():
        if not index.is_settled and upkeep.touches(changeset, index.definition):
            index.settle()
    for name in changeset.drop_indexes:
        store.indexes = {n: i for n, i in store.indexes.items() if n != name}
        store.schema_version += 1
    for new in changeset.new_nodes:
        if new.count == 1:
            _add_node(store, new, position)
        else:
            _add_nodes(store, new, position)
    for new in changeset.new_relationships:
        if new.count == 1:
            _add_relationship(store, new, position)
            continue
        ids = np.arange(new.first_id, new.first_id + new.count)
        sources, targets = store.nodes.slots_of(new.sources), store.nodes.slots_of(new.targets)
        start = store.relationships.count
        for key, column in sorted(new.properties.items()):
            store.column(Element.RELATIONSHIP, key).append(start, column)
        store.add_relationships(new.type, ids, sources, targets)
        if new.properties:
            upkeep.created(store, Element.RELATIONSHIP, start, new.count, (new.type,), new.properties, position)
    for change in changeset.properties:
        _set_properties(store, change.element, change.key, change.ids, change.values, position)
    for change in changeset.labels:
        _set_labels(store, change.label, store.nodes.slots_of(change.ids), change.remove, position)
    if len(changeset.delete_relationships):
        _delete_relationships(store, store.relationships.slots_of(changeset.delete_relationships), position)
    if len(changeset.delete_nodes):
        _delete_nodes(store, store.nodes.slots_of(changeset.delete_nodes), position)
    building = [upkeep.declare(store, definition, position) for definition in changeset.create_indexes]
    if changeset.notes:
        store.notes = {n: v for n, v in (store.notes | dict(changeset.notes)).items() if v is not None}
    store.applied(position, changeset.size)
    for index in building:
        if index is not None and store.builder is not None:
            store.builder.start(index, store.head())


def _add_nodes(store: GraphStore, new: NewNodes, position: int) -> None:
    start = store.nodes.count
    # In the order in which the log has the keys, so that a replayed graph meets them in the same order.
    for key, column in sorted(new.properties.items()):
        store.column(Element.NODE, key).append(start, column)
    store.nodes.append(np.arange(new.first_id, new.first_id + new.count))
    fresh = BitMap(range(start, start + new.count))
    store.live_nodes = store.live_nodes | fresh
    for label in new.labels:
        known = store.labels.get(label)
        store.labels[label] = fresh if known is None else known | fresh
    upkeep.created(store, Element.NODE, start, new.count, new.labels, new.properties, position)


def _add_node(store: GraphStore, new: NewNodes, position: int) -> None:
    """The same for one node: what most transactions do."""
    slot = store.nodes.count
    properties = new.properties
    columns = store.columns[Element.NODE]
    for key in sorted(properties) if len(properties) > 1 else properties:
        column = columns.get(key) or store.column(Element.NODE, key)
        column.append_one(slot, properties[key].item(0))
    store.nodes.append_one(new.first_id)
    fresh = BitMap((slot,))
    store.live_nodes = store.live_nodes | fresh
    labels = store.labels
    for label in new.labels:
        known = labels.get(label)
        labels[label] = fresh if known is None else known | fresh
    if store.indexes:
        upkeep.created(store, Element.NODE, slot, 1, new.labels, properties, position)


def _add_relationship(store: GraphStore, new: NewRelationships, position: int) -> None:
    """One relationship."""
    nodes, slot = store.nodes, store.relationships.count
    for key, column in sorted(new.properties.items()):
        store.column(Element.RELATIONSHIP, key).append_one(slot, column.item(0))
    source, target = nodes.slot_of(new.sources.item(0)), nodes.slot_of(new.targets.item(0))
    store.add_relationship(new.type, new.first_id, source, target)
    if new.properties and store.indexes:
        upkeep.created(store, Element.RELATIONSHIP, slot, 1, (new.type,), new.properties, position)


def _set_properties(
    store: GraphStore, element: Element, key: str, ids: IntArray, values: Column, position: int
) -> None:
    table = store.table(element)
    column = store.column(element, key)
    indexes = upkeep.concerned(store, element, key=key)
    if not indexes and len(ids) == 1:
        column.put(table.slot_of(ids.item(0)), values.item(0), position)
        return
    slots = table.slots_of(ids)
    if len(slots) >= PUT_TOGETHER_MIN and len(distinct(slots)) == len(slots):
        before = [upkeep.rows_of(store, i.definition, slots) for i in indexes]
        column.put_all(slots, values, position)
        upkeep.replaced(store, indexes, slots, before, position)
        return
    for row, value in enumerate(values.values()):
        one = slots[row : row + 1]
        before = [upkeep.rows_of(store, i.definition, one) for i in indexes]
        column.put(one.item(0), value, position)
        upkeep.replaced(store, indexes, one, before, position)


def _set_labels(store: GraphStore, label: str, slots: IntArray, remove: bool, position: int) -> None:
    indexes = upkeep.concerned(store, Element.NODE, label=label)
    before = [upkeep.rows_of(store, i.definition, slots) for i in indexes]
    known = store.labels.get(label, BitMap())
    change = bitmap_of(slots)
    store.labels[label] = known - change if remove else known | change
    upkeep.replaced(store, indexes, slots, before, position)


def _delete_relationships(store: GraphStore, slots: IntArray, position: int) -> None:
    gone = bitmap_of(slots) - store.relationships.dead
    upkeep.left(store, Element.RELATIONSHIP, slots_of(gone), position)
    bury_relationships(store, slots)


def bury_relationships(store: GraphStore, slots: IntArray) -> None:
    """Relationships are gone; the indexes know it or are told by others. Those that were gone already do not count."""
    gone = bitmap_of(slots) - store.relationships.dead
    store.relationships.dead = store.relationships.dead | gone
    codes = store.relationships.type_code.take(slots_of(gone))
    for code, count in enumerate(np.bincount(codes, minlength=len(store.types)).tolist()):
        store.live_by_type[store.types[code]] -= count


def _delete_nodes(store: GraphStore, slots: IntArray, position: int) -> None:
    upkeep.left(store, Element.NODE, slots, position)
    bury_nodes(store, slots)


def bury_nodes(store: GraphStore, slots: IntArray) -> None:
    """Nodes are gone; the indexes know it or are told by others."""
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
        ConstraintError: a constraint forbids it.
        WriteConflict: an element it builds on was deleted meanwhile.
        SchemaError: an index exists already, or no more.
    """
    if changeset.new_relationships or len(changeset.delete_nodes):
        _check_ends(store, changeset)
    for definition in changeset.create_indexes:
        if definition.name in store.indexes and definition.name not in changeset.drop_indexes:
            raise SchemaError(f"There is an index `{definition.name}` already.")
    check_constraints(store, changeset)


def _end_is_gone() -> WriteConflict:
    return WriteConflict("A node that a new relationship needs was deleted meanwhile.")


def _check_ends(store: GraphStore, changeset: Changeset) -> None:
    ends = [ids for new in changeset.new_relationships for ids in (new.sources, new.targets)]
    if ends and sum(map(len, ends)) <= ENDS_ONE_BY_ONE:
        table, live = store.nodes, store.live_nodes
        for id in itertools.chain.from_iterable(ids.tolist() for ids in ends):
            if any(new.first_id <= id < new.first_id + new.count for new in changeset.new_nodes):
                continue
            slot = table.slot_of(id)
            if slot < 0 or slot not in live:
                raise _end_is_gone()
    elif ends:
        # All at once: a statement of many clauses makes as many small chunks of nodes and of relationships.
        ids = np.concatenate(ends)
        fresh = sorted((n.first_id, n.first_id + n.count) for n in changeset.new_nodes)
        if fresh:
            lows, highs = np.array(fresh, np.int64).T
            place = np.searchsorted(lows, ids, side="right") - 1
            ids = ids.compress((place < 0) | (ids >= highs.take(place, mode="clip")))
        slots = store.nodes.slots_of(ids)
        if len(slots) and (int(slots.min()) < 0 or not bitmap_of(slots).issubset(store.live_nodes)):
            raise _end_is_gone()
    if len(changeset.delete_nodes):
        slots = store.nodes.slots_of(changeset.delete_nodes)
        gone = set(changeset.delete_relationships.tolist())
        live = slots.compress(slots >= 0)
        found = store.head().expand(live, None, Direction.BOTH)
        for relationship in store.relationships.ids_of(found.relationship).tolist():
            if relationship not in gone:
                raise WriteConflict("A node to be deleted got a relationship meanwhile.")
