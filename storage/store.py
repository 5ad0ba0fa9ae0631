"""The newest committed graph, in place: what ``apply`` changes and snapshots read.

Elements live at slots, dense positions in apply order. Reading at a log position takes the pinned bitmaps of a
``Snapshot``, the columns' undo, and slots as their own visibility: what is below the snapshot's count existed then.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from pyroaring import BitMap

from memoradb.core.codec import digest
from memoradb.core.columns import IntArray
from memoradb.core.errors import CorruptionError
from memoradb.core.limits import DELTA_EDGES_MAX
from memoradb.core.serde import encode
from memoradb.core.values import Value

from .graph.adjacency import Adjacency, AdjacencyState, Csr, Delta, bitmap_of
from .index.index import Index
from .index.range_index import RangeIndex
from .properties.column import PropertyColumn
from .section import Section
from .statistics import StoreStatistics
from .view import Element, IndexDefinition, IndexKind

if TYPE_CHECKING:
    from .snapshot import Snapshot


class ElementTable:
    """Ids and slots of one kind of element, and which are deleted."""

    def __init__(self) -> None:
        self.count = 0
        self.ids = np.zeros(16, np.int64)
        self.slots = np.full(16, -1, np.int64)
        self.next_id = 0
        self.dead = BitMap()
        """Deleted slots; replaced, never changed, so that a snapshot keeps its own."""

    def append(self, ids: IntArray) -> IntArray:
        """Slots for new ids."""
        first, count = self.count, len(ids)
        if first + count > len(self.ids):
            grown = np.zeros(max(first + count, 2 * len(self.ids)), np.int64)
            grown[:first] = self.ids[:first]
            self.ids = grown
        self.ids[first : first + count] = ids
        top = int(ids.max()) + 1 if count else 0
        if top > len(self.slots):
            grown = np.full(max(top, 2 * len(self.slots)), -1, np.int64)
            grown[: len(self.slots)] = self.slots
            self.slots = grown
        new = np.arange(first, first + count)
        self.slots[ids] = new
        self.count = first + count
        self.next_id = max(self.next_id, top)
        return new

    def slots_of(self, ids: IntArray) -> IntArray:
        """Slots of ids, -1 for unknown ones."""
        inside = (ids >= 0) & (ids < len(self.slots))
        return np.where(inside, self.slots.take(np.where(inside, ids, 0)), -1)


class GraphStore:
    """All of one graph. One writer; readers go through snapshots."""

    def __init__(self, uuid: str) -> None:
        self.uuid = uuid
        self.position = -1
        self.nodes = ElementTable()
        self.relationships = ElementTable()
        self.labels: dict[str, BitMap] = {}
        self.live_nodes = BitMap()
        self.types: list[str] = []
        self.type_codes: dict[str, int] = {}
        self.relationship_type = np.zeros(16, np.int32)
        self.source = np.zeros(16, np.int32)
        self.target = np.zeros(16, np.int32)
        self.adjacency: dict[str, Adjacency] = {}
        self.live_by_type: dict[str, int] = {}
        self.columns: dict[Element, dict[str, PropertyColumn]] = {Element.NODE: {}, Element.RELATIONSHIP: {}}
        self.indexes: dict[str, Index] = {}
        self.schema_version = 0
        self.generation = 0
        self._changes = 0
        self._snapshots: weakref.WeakSet[Snapshot] = weakref.WeakSet()
        self._current: Snapshot | None = None
        self.statistics = StoreStatistics(self)

    # --- ids

    def reserve(self, element: Element, count: int) -> int:
        """The first of ``count`` new ids; never handed out again, used or not."""
        table = self.nodes if element is Element.NODE else self.relationships
        first = table.next_id
        table.next_id += count
        return first

    # --- snapshots

    def snapshot(self) -> Snapshot:
        """The newest committed state; one object for as long as nothing is committed."""
        current = self._current
        if current is None:
            from .snapshot import Snapshot

            current = self._current = Snapshot(self)
            self._snapshots.add(current)
        return current

    def publish(self, position: int, changed: int) -> None:
        """A commit is complete: the next snapshot sees it. Undo that nobody can need is dropped."""
        self.position = position
        self._changes += changed
        if self._changes * 5 > self.nodes.count + self.relationships.count + 100:
            self._changes = 0
            self.generation += 1
        self._current = None
        if not len(self._snapshots):
            for columns in self.columns.values():
                for column in columns.values():
                    column.prune()
            for index in self.indexes.values():
                index.prune()

    # --- relationships

    def add_relationships(self, type: str, ids: IntArray, sources: IntArray, targets: IntArray) -> IntArray:
        """New relationships of one type between slots; returns their slots."""
        slots = self.relationships.append(ids)
        first, count = self.relationships.count - len(ids), self.relationships.count
        if count > len(self.source):
            size = max(count, 2 * len(self.source))
            for name in ("relationship_type", "source", "target"):
                grown = np.zeros(size, np.int32)
                grown[:first] = getattr(self, name)[:first]
                setattr(self, name, grown)
        code = self.type_codes.get(type)
        if code is None:
            code = self.type_codes[type] = len(self.types)
            self.types.append(type)
            self.adjacency[type] = Adjacency()
            self.live_by_type[type] = 0
        self.relationship_type[first:count] = code
        self.source[first:count] = sources
        self.target[first:count] = targets
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

    # --- properties

    def column(self, element: Element, key: str) -> PropertyColumn:
        """The column of a key, made if there is none."""
        columns = self.columns[element]
        found = columns.get(key)
        if found is None:
            found = columns[key] = PropertyColumn()
        return found

    # --- indexes

    def make_index(self, definition: IndexDefinition) -> Index:
        """An empty index of the definition's kind."""
        if definition.kind is IndexKind.VECTOR:
            from .vector.vector_index import VectorIndex

            return VectorIndex(definition)
        if definition.kind is IndexKind.FULLTEXT:
            from .text.fulltext import FulltextIndex

            return FulltextIndex(definition)
        return RangeIndex(definition)

    def fill_index(self, index: Index, position: int) -> None:
        """All live elements that the definition covers into a new index."""
        slots = np.asarray(self.indexed_slots(index.definition).to_array(), np.int64)
        if not len(slots):
            return
        values = [self.column(Element.NODE, key).gather(slots, position) for key in index.definition.keys]
        index.add(slots, values, position)

    def indexed_slots(self, definition: IndexDefinition) -> BitMap:
        """The nodes with any of an index's labels."""
        found = BitMap()
        for label in definition.labels:
            found = found | self.labels.get(label, BitMap())
        return found

    # --- state hash

    def state_hash(self) -> bytes:
        """A hash of what the graph holds, by id: equal on every machine for equal logs, whatever the layout."""
        parts: list[bytes] = []
        names = sorted(self.labels)
        node_columns = sorted(self.columns[Element.NODE].items())
        live = np.asarray(self.live_nodes.to_array(), np.int64)
        by_id = live.take(np.argsort(self.nodes.ids.take(live), kind="stable"))
        for slot in by_id.tolist():
            labels = [n for n in names if slot in self.labels[n]]
            properties = {k: v for k, c in node_columns if (v := c.item(slot, self.position)) is not None}
            parts.append(encode([int(self.nodes.ids[slot]), labels, properties]))
        relationship_columns = sorted(self.columns[Element.RELATIONSHIP].items())
        count = self.relationships.count
        order = np.argsort(self.relationships.ids[:count], kind="stable")
        for slot in order.tolist():
            if slot in self.relationships.dead:
                continue
            properties = {k: v for k, c in relationship_columns if (v := c.item(slot, self.position)) is not None}
            ends = [int(self.nodes.ids[int(e[slot])]) for e in (self.source, self.target)]
            type = self.types[int(self.relationship_type[slot])]
            parts.append(encode([int(self.relationships.ids[slot]), type, *ends, properties]))
        for name in sorted(self.indexes):
            parts.append(encode(definition_to_value(self.indexes[name].definition)))
        return digest(*parts)

    # --- dump and load

    def dump(self) -> Iterator[Section]:
        """The newest state as sections; called by the writer, so nothing changes meanwhile."""
        self.fold()
        yield Section(
            "nodes/elements",
            {"ids": self.nodes.ids[: self.nodes.count], "dead": _bits(self.nodes.dead)},
            {"next_id": self.nodes.next_id, "uuid": self.uuid, "position": self.position},
        )
        labels = sorted(self.labels)
        yield Section("nodes/labels", {str(i): _bits(self.labels[n]) for i, n in enumerate(labels)}, {"names": labels})
        count = self.relationships.count
        yield Section(
            "edges/elements",
            {
                "ids": self.relationships.ids[:count],
                "dead": _bits(self.relationships.dead),
                "type": self.relationship_type[:count],
                "source": self.source[:count],
                "target": self.target[:count],
            },
            {"next_id": self.relationships.next_id, "types": list(self.types)},
        )
        for i, type in enumerate(self.types):
            state = self.adjacency[type].state
            arrays = {
                f"{way}_{part}": getattr(csr, part)
                for way, csr in (("out", state.outgoing), ("in", state.incoming))
                for part in ("offsets", "node", "relationship")
            }
            yield Section(f"edges/adjacency-{i}", arrays, {"top": state.top, "live": self.live_by_type[type]})
        for element, folder in ((Element.NODE, "nodes"), (Element.RELATIONSHIP, "edges")):
            table = self.nodes if element is Element.NODE else self.relationships
            keys = sorted(self.columns[element])
            yield Section(f"{folder}/keys", {}, {"keys": keys})
            for i, key in enumerate(keys):
                arrays, metadata = self.columns[element][key].dump(table.count)
                yield Section(f"{folder}/property-{i}", arrays, metadata)
        names = sorted(self.indexes)
        definitions = [definition_to_value(self.indexes[n].definition) for n in names]
        yield Section("nodes/indexes", {}, {"definitions": definitions})
        for i, name in enumerate(names):
            self.indexes[name].seal()
            folder = "vectors" if self.indexes[name].definition.kind is IndexKind.VECTOR else "text"
            yield from self.indexes[name].dump(f"{folder}/index-{i}")

    @staticmethod
    def load(sections: Mapping[str, Section]) -> GraphStore:
        """The store that ``dump`` saw. Arrays may be read-only maps."""
        try:
            elements = sections["nodes/elements"]
            store = GraphStore(str(elements.metadata["uuid"]))
            store.position = elements.metadata["position"]
            _load_table(store.nodes, elements)
            for i, name in enumerate(sections["nodes/labels"].metadata["names"]):
                store.labels[name] = _bitmap(sections["nodes/labels"].arrays[str(i)])
            store.live_nodes = BitMap(range(store.nodes.count)) - store.nodes.dead
            edges = sections["edges/elements"]
            _load_table(store.relationships, edges)
            store.relationship_type, store.source, store.target = (
                edges.arrays[n] for n in ("type", "source", "target")
            )
            store.types = list(edges.metadata["types"])
            store.type_codes = {t: i for i, t in enumerate(store.types)}
            for i, type in enumerate(store.types):
                section = sections[f"edges/adjacency-{i}"]
                csrs = [
                    Csr(*(section.arrays[f"{way}_{part}"] for part in ("offsets", "node", "relationship")))
                    for way in ("out", "in")
                ]
                adjacency = store.adjacency[type] = Adjacency()
                adjacency.state = AdjacencyState(csrs[0], csrs[1], Delta(), section.metadata["top"])
                store.live_by_type[type] = section.metadata["live"]
            for element, folder in ((Element.NODE, "nodes"), (Element.RELATIONSHIP, "edges")):
                for i, key in enumerate(sections[f"{folder}/keys"].metadata["keys"]):
                    section = sections[f"{folder}/property-{i}"]
                    store.columns[element][key] = PropertyColumn.load(section.arrays, section.metadata)
            definitions = map(definition_from_value, sections["nodes/indexes"].metadata["definitions"])
            for i, definition in enumerate(definitions):
                index = store.make_index(definition)
                folder = "vectors" if definition.kind is IndexKind.VECTOR else "text"
                if not index.load(dict(sections), f"{folder}/index-{i}"):
                    store.fill_index(index, store.position)
                store.indexes[definition.name] = index
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptionError(f"A snapshot lacks something or holds something else: {error!r}.") from error
        return store


def _bits(bitmap: BitMap) -> Any:
    return np.frombuffer(bitmap.serialize(), np.uint8)


def _bitmap(data: Any) -> BitMap:
    return BitMap.deserialize(data.tobytes())


def _load_table(table: ElementTable, section: Section) -> None:
    ids = section.arrays["ids"]
    if len(ids):
        table.append(ids)
    table.next_id = max(table.next_id, section.metadata["next_id"])
    table.dead = _bitmap(section.arrays["dead"])


def definition_to_value(definition: IndexDefinition) -> Value:
    """An index definition as a plain value, for the log and for snapshots."""
    return [
        definition.name,
        definition.kind.value,
        definition.element.value,
        list(definition.labels),
        list(definition.keys),
        dict(definition.options),
    ]


def definition_from_value(value: Value) -> IndexDefinition:
    """The inverse of ``definition_to_value``."""
    name, kind, element, labels, keys, options = value
    return IndexDefinition(
        name, IndexKind(kind), Element(element), tuple(labels), tuple(keys), tuple(sorted(options.items()))
    )


__all__ = ["ElementTable", "GraphStore", "bitmap_of", "definition_from_value", "definition_to_value"]
