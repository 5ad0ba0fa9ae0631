"""A store held against itself: labels, counts, both directions of the adjacency, indexes against their columns.

What can be derived is derived again, from the tables of elements and the columns of properties, and compared with what
is kept beside them. A fault here is a bug or bad memory, for files are known by their checksums.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pyroaring import BitMap

from memoradb.core.columns import Column, IntArray

from .graph.bitmaps import mask_of
from .index.composite_index import CompositeIndex
from .index.index import Index
from .index.range_index import RangeIndex
from .store import GraphStore
from .text.fulltext import FulltextIndex
from .vector.vector_index import VectorIndex
from .view import Element


def inconsistencies(store: GraphStore) -> Iterator[str]:
    """A sentence for each thing that does not agree with the rest; nothing may change the store meanwhile."""
    yield from _elements(store)
    yield from _counts(store)
    yield from _adjacency(store)
    for name, index in store.indexes.items():
        for fault in _index(store, index):
            yield f"Index `{name}` {fault}."


def _elements(store: GraphStore) -> Iterator[str]:
    """Ids and slots lead to each other; deleted elements are nowhere; ends of relationships exist."""
    for element in Element:
        table = store.table(element)
        kind = element.name.lower()
        ids = table.ids_of(np.arange(table.count))
        if len(ids) and not np.array_equal(table.slots_of(ids), np.arange(table.count)):
            yield f"The ids of {kind}s do not lead back to their places."
        if len(ids) and int(ids.max()) >= table.next_id:
            yield f"The id {int(ids.max())} of a {kind} would be given out again."
        if len(table.dead) and table.dead.max() >= table.count:
            yield f"A {kind} is deleted that never was."
        for key, column in store.columns[element].items():
            if column.length > table.count:
                yield f"Property `{key}` has values of {kind}s that do not exist."
    if store.live_nodes != BitMap(range(store.nodes.count)) - store.nodes.dead:
        yield "The nodes that exist are not those that were not deleted."
    for name, bitmap in store.labels.items():
        if not bitmap.issubset(store.live_nodes):
            yield f"Label `{name}` is on nodes that do not exist."
    table = store.relationships
    alive = ~mask_of(table.dead, table.count)
    for what, ends in (("starts", table.source), ("ends", table.target)):
        found = ends[: table.count].compress(alive)
        if not len(found):
            continue
        if int(found.max()) >= store.nodes.count or not mask_of(store.live_nodes, store.nodes.count).take(found).all():
            yield f"A relationship {what} at a node that does not exist."


def _counts(store: GraphStore) -> Iterator[str]:
    """What statistics say, counted anew."""
    table = store.relationships
    alive = np.flatnonzero(~mask_of(table.dead, table.count))
    codes = table.type_code[: table.count].take(alive)
    if len(codes) and int(codes.max()) >= len(store.types):
        yield "A relationship has a type that there is none of."
        return
    counts = np.bincount(codes, minlength=len(store.types)).tolist()
    statistics = store.statistics
    for type, count in zip(store.types, counts, strict=True):
        if statistics.relationships(type) != count:
            yield f"There are {count} `{type}` relationships, and the statistics say {statistics.relationships(type)}."
    if statistics.relationships() != len(alive):
        yield f"There are {len(alive)} relationships, and the statistics say {statistics.relationships()}."
    if statistics.nodes() != store.nodes.count - len(store.nodes.dead):
        yield f"There are {store.nodes.count - len(store.nodes.dead)} nodes, and the statistics say otherwise."


def _adjacency(store: GraphStore) -> Iterator[str]:
    """Following relationships, forwards and backwards, gives those of the table."""
    table = store.relationships
    codes = table.type_code[: table.count]
    every_node = np.arange(store.nodes.count, dtype=np.int64)
    for code, type in enumerate(store.types):
        slots = np.flatnonzero(codes == code)
        state = store.adjacency[type].state
        for outgoing, near, far in ((True, table.source, table.target), (False, table.target, table.source)):
            where = "forwards" if outgoing else "backwards"
            at, node, relationship = state.follow(every_node, outgoing)
            order = np.argsort(relationship, kind="stable")
            if not np.array_equal(relationship.take(order), slots):
                yield f"Following `{type}` {where} does not give the relationships of the table."
            elif not (
                np.array_equal(at.take(order), near.take(slots)) and np.array_equal(node.take(order), far.take(slots))
            ):
                yield f"Following `{type}` {where} leads to other nodes than the table says."


# --- indexes


def _index(store: GraphStore, index: Index) -> Iterator[str]:
    """What an index holds, against one that is filled from the columns now."""
    index.settle()
    slots, values = store.indexed_values(index.definition)
    fresh = store.make_index(index.definition)
    if len(slots):
        fresh.add(slots, values, store.position)
    sizes = _size(index), _size(fresh)
    if sizes[0] != sizes[1]:
        yield f"holds {sizes[0]} elements, and its columns {sizes[1]}"
    if isinstance(index, (RangeIndex, CompositeIndex)):
        yield from _sought(index, slots, values, store.position)
    elif isinstance(index, FulltextIndex) and isinstance(fresh, FulltextIndex):
        held, expected = index.documents(store.position), fresh.documents(store.position)
        if held != expected:
            wrong = next(slot for slot in sorted({*held, *expected}) if held.get(slot) != expected.get(slot))
            yield f"does not hold the words of the node with id {_id(store, wrong)}"
    elif isinstance(index, VectorIndex) and isinstance(fresh, VectorIndex):
        held_vectors, expected_vectors = index.vectors(store.position), fresh.vectors(store.position)
        if held_vectors != expected_vectors:
            everything = sorted({*held_vectors, *expected_vectors})
            wrong = next(slot for slot in everything if held_vectors.get(slot) != expected_vectors.get(slot))
            yield f"does not hold the vector of the node with id {_id(store, wrong)}"
    else:
        yield from index.verify(store)


def _id(store: GraphStore, slot: int) -> int:
    return int(store.nodes.ids_of(np.array([slot], np.int64))[0])


def _size(index: Index) -> int:
    """How many elements, where an index can tell."""
    size = getattr(index, "size", None)
    if isinstance(size, tuple):
        return int(size[0])
    return len(index) if hasattr(index, "__len__") else 0  # pyright: ignore[reportArgumentType]


def _sought(index: RangeIndex | CompositeIndex, slots: IntArray, values: list[Column], position: int) -> Iterator[str]:
    """Each element is found by its own values."""
    for slot, *row in zip(slots.tolist(), *(column.values() for column in values), strict=True):
        if any(value is None or value != value for value in row):
            continue
        found = index.seek(row[0], position) if isinstance(index, RangeIndex) else index.seek(row, position)
        if slot not in found:
            yield f"does not find the element in place {slot} by its value {row[0] if len(row) == 1 else row!r}"
            return
