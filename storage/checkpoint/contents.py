"""A store as the sections of a checkpoint, and back.

Names are kept in the order in which the graph first saw them, which readers can tell; their numbers stand in file
names. Columns are cut into chunks of rows, and what has not changed since the last checkpoint is handed on as the
section that is in its files: it is not written again.

``Pin`` is taken under the writer's lock, ``dump`` needs none: the writer may go on, the sections tell the state of the
pin. ``installing`` puts the files in the place of memory, under the lock again, in short steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from memoradb.core.errors import CorruptionError
from memoradb.core.serde import decode, encode

from ..graph.adjacency import Adjacency, fresh_section
from ..graph.slots import RelationshipTable
from ..index.rebuilt import RebuiltIndex
from ..properties.column import PropertyColumn
from ..section import Section, chunks_of
from ..snapshot import Snapshot
from ..store import GraphStore
from ..view import Element, IndexDefinition, IndexKind, definition_from_value, definition_to_value

_FOLDERS: Final = {Element.NODE: "nodes", Element.RELATIONSHIP: "edges"}
_ROWS: Final = "edges/rows"
_ROWS_A_STEP: Final = 32
"""Chunks of relationships whose memory is replaced at once: about a millisecond."""


class Pin:
    """The state that a checkpoint is of: the newest one. Made by the writer, or under its lock."""

    def __init__(self, store: GraphStore) -> None:
        self.store = store
        self.snapshot: Snapshot = store.pin()
        self.next_ids = {element: store.table(element).next_id for element in Element}
        self.columns = {
            (element, key): (column, column.pin())
            for element in Element
            for key, column in store.columns[element].items()
        }
        self.types = [(type, store.adjacency[type], store.live_by_type[type]) for type in store.types]
        self.indexes = dict(store.indexes)
        self.bases = dict(store.adjacency_states())

    def names(self) -> Iterator[tuple[str, PropertyColumn]]:
        """The columns, each with the name of its sections."""
        for element, folder in _FOLDERS.items():
            columns = [column for (of, _), (column, _) in self.columns.items() if of is element]
            for number, column in enumerate(columns):
                yield f"{folder}/property-{number}", column

    def release(self) -> None:
        """The checkpoint failed: what was to be written is still to be written. Called by the writer."""
        for column, pin in self.columns.values():
            column.unpin(pin)


def dump(pin: Pin) -> Iterator[Section]:
    """The pinned state as sections. Takes no lock, and no step takes long.

    Raises:
        SnapshotTooOld: so much was overwritten meanwhile that undo was dropped which the pin needs.
    """
    store, snapshot = pin.store, pin.snapshot
    tops = {Element.NODE: snapshot.nodes_top, Element.RELATIONSHIP: snapshot.relationships_top}
    dead = {Element.NODE: snapshot.deleted_nodes, Element.RELATIONSHIP: snapshot.deleted_relationships}
    for element, folder in _FOLDERS.items():
        yield store.table(element).dump(f"{folder}/elements", tops[element])
        yield Section(f"{folder}/state", {"dead": _bits(dead[element])}, {"next_id": pin.next_ids[element]})
        yield Section(f"{folder}/keys", {}, {"keys": [key for of, key in pin.columns if of is element]})
    yield from store.relationships.dump_rows(_ROWS, snapshot.relationships_top)
    pins = dict(pin.columns.values())
    for name, column in pin.names():
        yield from column.dump(name, pins[column], snapshot.position)
        snapshot.check_undo()
    labels = {str(i): _bits(bitmap) for i, bitmap in enumerate(snapshot.label_sets.values())}
    yield Section("nodes/labels", labels, {"names": list(snapshot.label_sets)})
    code = store.relationships.type_code.dtype.str
    live = [live for _, _, live in pin.types]
    yield Section("edges/types", {}, {"types": [type for type, _, _ in pin.types], "live": live, "code": code})
    for i, (type, adjacency, _) in enumerate(pin.types):
        base = pin.bases[type]
        yield adjacency.dump(f"edges/adjacency-{i}", base)
        fresh = fresh_section(f"edges/fresh-{i}", base, snapshot.relationships_top)
        if fresh is not None:
            yield fresh
    definitions = [definition_to_value(index.definition) for index in pin.indexes.values()]
    about: dict[str, Any] = {"definitions": definitions, "uuid": store.uuid, "position": snapshot.position}
    yield Section("nodes/indexes", {}, about)
    if snapshot.notes:
        yield Section("nodes/notes", {"notes": np.frombuffer(encode(snapshot.notes), np.uint8)}, {})
    for i, index in enumerate(pin.indexes.values()):
        yield from index.dump(_index_section(index.definition, i), snapshot.position)


def installing(pin: Pin, sections: Mapping[str, Section]) -> Iterator[Callable[[], None]]:
    """What ``dump`` gave is in files, as ``sections``: steps that let these stand in for memory.

    Each is short and is to be called by the writer, or under its lock; it may go on in between.
    """
    store = pin.store
    grouped = _grouped(sections)
    for name, column in pin.names():
        yield partial(column.installed, name, grouped[name])
    rows = [sections[f"{_ROWS}-{chunk}"] for chunk in chunks_of(pin.snapshot.relationships_top)]
    for first in range(0, len(rows), _ROWS_A_STEP):
        yield partial(store.relationships.installed, rows, first, first + _ROWS_A_STEP)
    for i, (type, adjacency, _) in enumerate(pin.types):
        yield partial(adjacency.installed, pin.bases[type], sections[f"edges/adjacency-{i}"])
    yield store.refresh


def load(sections: Mapping[str, Section]) -> GraphStore:
    """The store that ``dump`` saw. Arrays may be maps; most of them are read when they are first used.

    Raises:
        CorruptionError: something is missing or of another shape.
    """
    try:
        return _load(dict(sections))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CorruptionError(f"A checkpoint lacks something or holds something else: {error!r}.") from error


def _load(sections: dict[str, Section]) -> GraphStore:
    indexes = sections["nodes/indexes"].metadata
    store = GraphStore(str(indexes["uuid"]))
    store.position = indexes["position"]
    if "nodes/notes" in sections:
        store.notes = decode(sections["nodes/notes"].arrays["notes"].tobytes())
    types = sections["edges/types"].metadata
    grouped = _grouped(sections)
    for element, folder in _FOLDERS.items():
        state, table = sections[f"{folder}/state"], store.table(element)
        table.load(sections[f"{folder}/elements"], state.metadata["next_id"], _bitmap(state.arrays["dead"]))
        if isinstance(table, RelationshipTable):
            rows = [sections[f"{_ROWS}-{chunk}"] for chunk in chunks_of(table.count)]
            table.load_rows(rows, types["code"])
        for i, key in enumerate(sections[f"{folder}/keys"].metadata["keys"]):
            name = f"{folder}/property-{i}"
            store.column(element, key).load(name, grouped[name], store.decoded)
    labels = sections["nodes/labels"]
    for i, name in enumerate(labels.metadata["names"]):
        store.labels[name] = _bitmap(labels.arrays[str(i)])
    store.live_nodes = BitMap(range(store.nodes.count)) - store.nodes.dead
    store.types = list(types["types"])
    store.type_codes = {type: i for i, type in enumerate(store.types)}
    for i, type in enumerate(store.types):
        adjacency = store.adjacency[type] = Adjacency()
        adjacency.load(sections[f"edges/adjacency-{i}"], sections.get(f"edges/fresh-{i}"))
        store.live_by_type[type] = types["live"][i]
    for i, definition in enumerate(map(definition_from_value, indexes["definitions"])):
        index = store.indexes[definition.name] = store.make_index(definition)
        if isinstance(index, RebuiltIndex):
            index.fill_later(lambda definition=definition: store.indexed_values(definition))
        elif not index.load(sections, _index_section(definition, i)):
            store.fill_index(index, store.position)
    return store


def _grouped(sections: Mapping[str, Section]) -> dict[str, list[Section]]:
    """The sections of each property column, by the name of its head."""
    grouped: dict[str, list[Section]] = {}
    for name, section in sections.items():
        folder, _, rest = name.partition("/")
        kind, _, number = rest.partition("-")
        if kind == "property":
            grouped.setdefault(f"{folder}/property-{number.partition('-')[0]}", []).append(section)
    return grouped


def _index_section(definition: IndexDefinition, number: int) -> str:
    return f"{'vectors' if definition.kind is IndexKind.VECTOR else 'text'}/index-{number}"


def _bits(bitmap: BitMap) -> NDArray[np.uint8]:
    return np.frombuffer(bitmap.serialize(), np.uint8)


def _bitmap(data: NDArray[Any]) -> BitMap:
    return BitMap.deserialize(data.tobytes())
