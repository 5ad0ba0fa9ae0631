"""A hash of what a graph holds: equal on every machine for equal logs, whatever the layout.

Elements are taken by id, ``BLOCK`` ids at a time, so that it can be made in the background from a snapshot: no step
takes long. For each block: the ids in use, who has which label or type, the ends of relationships, and for each key
who has it and the values, in a form that does not tell how they are kept. Names in use are sorted; what is empty is
left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from memoradb.core.columns import ConstantColumn, IntArray, lift
from memoradb.core.serde import encode, encode_column

from .graph.bitmaps import bitmap_of, contained
from .view import Element, definition_to_value

if TYPE_CHECKING:
    from .snapshot import Snapshot

BLOCK: Final = 1 << 14


def state_hash(snapshot: Snapshot, rest: Callable[[], None] | None = None) -> bytes:
    """16 bytes. ``rest`` is called between the steps.

    Raises:
        SnapshotTooOld: the snapshot's undo was dropped meanwhile.
    """
    hashed = hashlib.blake2b(digest_size=16)
    for element, parts in ((Element.NODE, _node_parts), (Element.RELATIONSHIP, _relationship_parts)):
        hashed.update(encode(element.name))
        for ids, slots in _blocks(snapshot, element):
            hashed.update(_packed(ids))
            for part in (*parts(snapshot, ids, slots), *_property_parts(snapshot, element, ids, slots)):
                hashed.update(part)
            if rest is not None:
                rest()
    for definition in snapshot.indexes():
        hashed.update(encode(definition_to_value(definition)))
    if snapshot.notes:
        hashed.update(encode(snapshot.notes))
    return hashed.digest()


def _blocks(snapshot: Snapshot, element: Element) -> Iterator[tuple[IntArray, IntArray]]:
    """(ids, slots) of the live elements, by ascending id, for each block that has any."""
    top = snapshot.nodes_top if element is Element.NODE else snapshot.relationships_top
    dead = snapshot.deleted_nodes if element is Element.NODE else snapshot.deleted_relationships
    ordered = None if snapshot.is_by_id(element) else np.argsort(snapshot.ids(element, np.arange(top)), kind="stable")
    held_ids, held_slots = np.zeros(0, np.int64), np.zeros(0, np.int64)
    for start in range(0, top, BLOCK):
        slots = np.arange(start, min(start + BLOCK, top)) if ordered is None else ordered[start : start + BLOCK]
        ids = snapshot.ids(element, slots)
        if dead.intersect(bitmap_of(slots)):
            alive = ~np.isin(slots, np.asarray((dead & bitmap_of(slots)).to_array(), np.int64))
            ids, slots = ids.compress(alive), slots.compress(alive)
        held_ids, held_slots = np.concatenate([held_ids, ids]), np.concatenate([held_slots, slots])
        while len(held_ids) and held_ids[0] // BLOCK != held_ids[-1] // BLOCK:
            cut = int(np.searchsorted(held_ids, (held_ids[0] // BLOCK + 1) * BLOCK))
            yield held_ids[:cut], held_slots[:cut]
            held_ids, held_slots = held_ids[cut:], held_slots[cut:]
    if len(held_ids):
        yield held_ids, held_slots


def _node_parts(snapshot: Snapshot, ids: IntArray, slots: IntArray) -> Iterator[bytes]:
    block = bitmap_of(slots)
    for name in snapshot.labels():
        held: BitMap = snapshot.nodes_with_label(name) & block
        if held:
            members = ids if len(held) == len(ids) else ids.compress(contained(slots, held))
            yield encode(name)
            yield _packed(members)


def _relationship_parts(snapshot: Snapshot, ids: IntArray, slots: IntArray) -> Iterator[bytes]:
    codes = snapshot.type_codes(slots)
    sources, targets = (snapshot.ids(Element.NODE, ends) for ends in snapshot.endpoints(slots))
    for name, code in sorted(snapshot.type_names(np.unique(codes)).items()):
        of_type = codes == code
        yield encode(name)
        for array in (ids, sources, targets):
            yield _packed(array.compress(of_type))


def _property_parts(snapshot: Snapshot, element: Element, ids: IntArray, slots: IntArray) -> Iterator[bytes]:
    for key in snapshot.keys_of(element):
        values = snapshot.property(element, slots, key)
        if isinstance(values, ConstantColumn):
            continue
        nulls = values.nulls()
        held = np.arange(len(slots)) if nulls is None else np.flatnonzero(~nulls)
        if len(held):
            yield encode(key)
            yield _packed(ids.take(held))
            yield encode_column(lift(list(values.take(held).values())))


def _packed(ids: NDArray[np.int64]) -> bytes:
    """Ids as bytes that end where they say: parts of a hash must not run into each other."""
    return encode(np.ascontiguousarray(ids, "<i8").tobytes())
