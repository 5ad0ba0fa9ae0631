"""A store as the sections of a checkpoint, and back.

Names are kept in the order in which the graph first saw them, which readers can tell; their numbers stand in file
names. What has not changed since it was read is handed on as the section that it came from, and is not written again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from memoradb.core.columns import Column, IntArray
from memoradb.core.errors import CorruptionError

from ..graph.adjacency import Adjacency
from ..index.range_index import RangeIndex
from ..properties.column import PropertyColumn
from ..section import Section
from ..store import GraphStore
from ..view import Element, IndexDefinition, IndexKind, definition_from_value, definition_to_value

_FOLDERS = {Element.NODE: "nodes", Element.RELATIONSHIP: "edges"}


def dump(store: GraphStore) -> Iterator[Section]:
    """The newest state as sections; called by the writer, so that nothing changes meanwhile."""
    store.fold()
    for element, folder in _FOLDERS.items():
        table = store.table(element)
        yield table.dump(f"{folder}/elements")
        yield Section(f"{folder}/state", {"dead": _bits(table.dead)}, {"next_id": table.next_id})
        keys = list(store.columns[element])
        yield Section(f"{folder}/keys", {}, {"keys": keys})
        for i, key in enumerate(keys):
            yield store.columns[element][key].dump(f"{folder}/property-{i}", table.count)
    labels = {str(i): _bits(bitmap) for i, bitmap in enumerate(store.labels.values())}
    yield Section("nodes/labels", labels, {"names": list(store.labels)})
    yield Section("edges/types", {}, {"types": list(store.types)})
    for i, type in enumerate(store.types):
        yield store.adjacency[type].dump(f"edges/adjacency-{i}", store.live_by_type[type])
    definitions = [definition_to_value(index.definition) for index in store.indexes.values()]
    yield Section("nodes/indexes", {}, {"definitions": definitions, "uuid": store.uuid, "position": store.position})
    for i, index in enumerate(store.indexes.values()):
        index.seal()
        yield from index.dump(_index_section(index.definition, i))


def load(sections: Mapping[str, Section]) -> GraphStore:
    """The store that ``dump`` saw. Arrays may be read-only maps; most of them are read when they are first used.

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
    for element, folder in _FOLDERS.items():
        state = sections[f"{folder}/state"]
        dead = _bitmap(state.arrays["dead"])
        store.table(element).load(sections[f"{folder}/elements"], state.metadata["next_id"], dead)
        for i, key in enumerate(sections[f"{folder}/keys"].metadata["keys"]):
            store.columns[element][key] = PropertyColumn.load(sections[f"{folder}/property-{i}"], store.undo)
    labels = sections["nodes/labels"]
    for i, name in enumerate(labels.metadata["names"]):
        store.labels[name] = _bitmap(labels.arrays[str(i)])
    store.live_nodes = BitMap(range(store.nodes.count)) - store.nodes.dead
    store.types = list(sections["edges/types"].metadata["types"])
    store.type_codes = {type: i for i, type in enumerate(store.types)}
    for i, type in enumerate(store.types):
        section = sections[f"edges/adjacency-{i}"]
        store.adjacency[type] = Adjacency.load(section)
        store.live_by_type[type] = section.metadata["live"]
    for i, definition in enumerate(map(definition_from_value, indexes["definitions"])):
        index = store.indexes[definition.name] = store.make_index(definition)
        if isinstance(index, RangeIndex):
            index.fill_later(lambda definition=definition: _first_values(store, definition))
        elif not index.load(sections, _index_section(definition, i)):
            store.fill_index(index, store.position)
    return store


def _first_values(store: GraphStore, definition: IndexDefinition) -> tuple[IntArray, Column]:
    slots, values = store.indexed_values(definition)
    return slots, values[0]


def _index_section(definition: IndexDefinition, number: int) -> str:
    return f"{'vectors' if definition.kind is IndexKind.VECTOR else 'text'}/index-{number}"


def _bits(bitmap: BitMap) -> NDArray[np.uint8]:
    return np.frombuffer(bitmap.serialize(), np.uint8)


def _bitmap(data: NDArray[Any]) -> BitMap:
    return BitMap.deserialize(data.tobytes())
