"""A writer's private view: its snapshot, and its own changes on top, seen at once.

New elements take provisional slots above the snapshot's. Writes stay columnar (a batch of new nodes is one chunk);
reads pay only where a key, label or type has own changes. ``changeset`` turns all of it into ids for the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from pyroaring import BitMap

from memoradb.core.columns import BoolArray, Column, ConstantColumn, IntArray, ListColumn, lift
from memoradb.core.errors import DeleteConnectedNode, EntityNotFound, SchemaError, TypeMismatch
from memoradb.core.limits import PROPERTY_KEY_MAX
from memoradb.core.semantics import check_storable, equals
from memoradb.core.values import Value

from .changeset import Changeset, NewNodes, NewRelationships, SetLabels, SetProperties
from .graph.adjacency import bitmap_of
from .snapshot import Snapshot
from .view import (
    Counters,
    Direction,
    Element,
    IndexDefinition,
    IndexKind,
    Neighbours,
    RangeBound,
    Scored,
    Statistics,
)

_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class _NodeChunk:
    start: int
    first_id: int
    count: int
    labels: tuple[str, ...]
    properties: Mapping[str, Column]


@dataclass(frozen=True, slots=True)
class _RelationshipChunk:
    start: int
    first_id: int
    type: str
    sources: IntArray
    targets: IntArray
    properties: Mapping[str, Column]

    @property
    def count(self) -> int:
        return len(self.sources)


@dataclass(frozen=True, slots=True)
class Touches:
    """What a transaction depends on, by id: for the conflict check at commit."""

    exclusive: frozenset[int]
    shared: frozenset[int]
    relationships: frozenset[int]


class Overlay:
    """Implements ``GraphWriter``. One thread at a time."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.base = snapshot
        self._nodes_top = snapshot.nodes_top
        self._relationships_top = snapshot.relationships_top
        self._node_chunks: list[_NodeChunk] = []
        self._relationship_chunks: list[_RelationshipChunk] = []
        self._patches: dict[tuple[Element, str], dict[int, Value]] = {}
        self._labels_added: dict[str, BitMap] = {}
        self._labels_removed: dict[str, BitMap] = {}
        self._dead_nodes = BitMap()
        self._dead_relationships = BitMap()
        self._undetached = BitMap()
        self._created_indexes: dict[str, IndexDefinition] = {}
        self._dropped_indexes: set[str] = set()
        self._adjacent: dict[str, tuple[dict[int, list[tuple[int, int]]], dict[int, list[tuple[int, int]]]]] = {}
        self._linked = 0
        self.counters = Counters()
        self._live: BitMap | None = None

    # --- savepoints

    def savepoint(self) -> object:
        """A mark to roll back to: copies of the small state; chunks are only counted."""
        return (
            self._nodes_top,
            self._relationships_top,
            len(self._node_chunks),
            len(self._relationship_chunks),
            {k: dict(v) for k, v in self._patches.items()},
            {k: v.copy() for k, v in self._labels_added.items()},
            {k: v.copy() for k, v in self._labels_removed.items()},
            self._dead_nodes.copy(),
            self._dead_relationships.copy(),
            self._undetached.copy(),
            dict(self._created_indexes),
            set(self._dropped_indexes),
            Counters(**{f.name: getattr(self.counters, f.name) for f in fields(Counters)}),
        )

    def rollback_to(self, mark: object) -> None:
        """Forget everything since ``mark``."""
        assert isinstance(mark, tuple)
        (
            self._nodes_top,
            self._relationships_top,
            nodes,
            relationships,
            self._patches,
            self._labels_added,
            self._labels_removed,
            self._dead_nodes,
            self._dead_relationships,
            self._undetached,
            self._created_indexes,
            self._dropped_indexes,
            self.counters,
        ) = mark
        del self._node_chunks[nodes:]
        del self._relationship_chunks[relationships:]
        self._adjacent, self._linked = {}, 0
        self._live = None

    def statement_counters(self, before: Counters | None = None) -> Counters:
        """A copy of the counters, or what has been added since ``before``."""
        now = {f.name: getattr(self.counters, f.name) for f in fields(Counters)}
        if before is not None:
            now = {name: value - getattr(before, name) for name, value in now.items()}
        return Counters(**now)

    # --- names and counts

    @property
    def schema_version(self) -> int:
        own = len(self._created_indexes) + len(self._dropped_indexes)
        return self.base.schema_version if not own else -self.base.schema_version - own - 1

    @property
    def statistics(self) -> Statistics:
        return self.base.statistics

    def labels(self) -> Sequence[str]:
        names = set(self.base.labels()) | {n for c in self._node_chunks for n in c.labels} | set(self._labels_added)
        return sorted(n for n in names if len(self.nodes_with_label(n)))

    def relationship_types(self) -> Sequence[str]:
        return sorted({*self.base.relationship_types(), *(c.type for c in self._relationship_chunks)})

    def property_keys(self) -> Sequence[str]:
        own = {k for c in (*self._node_chunks, *self._relationship_chunks) for k in c.properties}
        return sorted({*self.base.property_keys(), *own, *(k for _, k in self._patches)})

    def node_count(self) -> int:
        return len(self.nodes())

    def nodes(self) -> BitMap:
        if self._live is None:
            live = self.base.nodes()
            if self._nodes_top > self.base.nodes_top:
                live = live | BitMap(range(self.base.nodes_top, self._nodes_top))
            self._live = live - self._dead_nodes if len(self._dead_nodes) else live
        return self._live

    def nodes_with_label(self, label: str) -> BitMap:
        found = self.base.nodes_with_label(label)
        own = [BitMap(range(c.start, c.start + c.count)) for c in self._node_chunks if label in c.labels]
        if own:
            found = BitMap.union(found, *own)
        if label in self._labels_added:
            found = found | self._labels_added[label]
        if label in self._labels_removed:
            found = found - self._labels_removed[label]
        return found - self._dead_nodes if len(self._dead_nodes) else found

    def has_label(self, slots: IntArray, label: str) -> BoolArray:
        if not self._node_chunks and label not in self._labels_added and label not in self._labels_removed:
            if not len(self._dead_nodes):
                return self.base.has_label(slots, label)
        bitmap = self.nodes_with_label(label)
        self._check_live_nodes(slots)
        return np.fromiter((s in bitmap for s in slots.tolist()), np.bool_, len(slots))

    def _check_live_nodes(self, slots: IntArray) -> None:
        if len(self._dead_nodes) and bitmap_of(slots).intersect(self._dead_nodes):
            raise EntityNotFound("A node was deleted in this transaction.")

    def node_labels(self, slot: int) -> tuple[str, ...]:
        if slot < self.base.nodes_top:
            names = list(self.base.node_labels(slot))
        else:
            names = list(self._node_chunk(slot).labels)
        names += [n for n, b in self._labels_added.items() if slot in b and n not in names]
        return tuple(n for n in names if slot not in self._labels_removed.get(n, ()))

    def node_is_live(self, slot: int) -> bool:
        return slot not in self._dead_nodes and (slot >= self.base.nodes_top or self.base.node_is_live(slot))

    def _node_chunk(self, slot: int) -> _NodeChunk:
        for chunk in reversed(self._node_chunks):
            if chunk.start <= slot < chunk.start + chunk.count:
                return chunk
        raise EntityNotFound("There is no such node.")

    # --- relationships

    def relationship_count(self) -> int:
        return len(self.relationships())

    def relationships(self, types: Sequence[str] | None = None) -> IntArray:
        parts = [self.base.relationships(types)]
        for chunk in self._relationship_chunks:
            if types is None or chunk.type in types:
                parts.append(np.arange(chunk.start, chunk.start + chunk.count))
        slots = np.concatenate(parts)
        return self._without_dead(slots)

    def _without_dead(self, slots: IntArray) -> IntArray:
        if not len(self._dead_relationships) or not len(slots):
            return slots
        return slots.compress(~np.isin(slots, np.asarray(self._dead_relationships.to_array(), np.int64)))

    def _relationship_chunk(self, slot: int) -> _RelationshipChunk:
        for chunk in reversed(self._relationship_chunks):
            if chunk.start <= slot < chunk.start + chunk.count:
                return chunk
        raise EntityNotFound("There is no such relationship.")

    def relationship_type(self, slots: IntArray) -> list[str]:
        if not self._relationship_chunks:
            return self.base.relationship_type(slots)
        top = self.base.relationships_top
        return [
            self.base.relationship_type(np.array([s], np.int64))[0] if s < top else self._relationship_chunk(s).type
            for s in slots.tolist()
        ]

    def endpoints(self, slots: IntArray) -> tuple[IntArray, IntArray]:
        if not self._relationship_chunks:
            return self.base.endpoints(slots)
        starts, ends = np.empty(len(slots), np.int64), np.empty(len(slots), np.int64)
        for i, slot in enumerate(slots.tolist()):
            if slot < self.base.relationships_top:
                source, target = self.base.endpoints(np.array([slot], np.int64))
                starts[i], ends[i] = source[0], target[0]
            else:
                chunk = self._relationship_chunk(slot)
                starts[i], ends[i] = chunk.sources[slot - chunk.start], chunk.targets[slot - chunk.start]
        return starts, ends

    def relationship_is_live(self, slot: int) -> bool:
        if slot in self._dead_relationships:
            return False
        return slot >= self.base.relationships_top or self.base.relationship_is_live(slot)

    # --- adjacency

    def _link(self) -> None:
        """New relationships into look-up tables by node; made when first expanded over."""
        for chunk in self._relationship_chunks[self._linked :]:
            outgoing, incoming = self._adjacent.setdefault(chunk.type, ({}, {}))
            pairs = zip(chunk.sources.tolist(), chunk.targets.tolist(), strict=True)
            for slot, (source, target) in enumerate(pairs, chunk.start):
                outgoing.setdefault(source, []).append((slot, target))
                incoming.setdefault(target, []).append((slot, source))
        self._linked = len(self._relationship_chunks)

    def expand(self, sources: IntArray, types: Sequence[str] | None, direction: Direction) -> Neighbours:
        known = np.flatnonzero(sources < self.base.nodes_top)
        whole = len(known) == len(sources)
        found = self.base.expand(sources if whole else sources.take(known), types, direction)
        positions = found.source_position if whole else known.take(found.source_position)
        nodes, relationships = found.node, found.relationship
        if self._relationship_chunks:
            self._link()
            more = self._own(sources, types, direction)
            if more[0]:
                positions = np.concatenate([positions, np.array(more[0], np.int64)])
                nodes = np.concatenate([nodes, np.array(more[1], np.int64)])
                relationships = np.concatenate([relationships, np.array(more[2], np.int64)])
                order = np.lexsort((relationships, positions))
                positions, nodes, relationships = positions.take(order), nodes.take(order), relationships.take(order)
        if len(self._dead_relationships) and len(relationships):
            dead = np.asarray(self._dead_relationships.to_array(), np.int64)
            kept = np.flatnonzero(~np.isin(relationships, dead))
            positions, nodes, relationships = positions.take(kept), nodes.take(kept), relationships.take(kept)
        return Neighbours(positions, nodes, relationships)

    def _own(
        self, sources: IntArray, types: Sequence[str] | None, direction: Direction
    ) -> tuple[list[int], list[int], list[int]]:
        positions: list[int] = []
        nodes: list[int] = []
        relationships: list[int] = []
        tables = [t for name, t in self._adjacent.items() if types is None or name in types]
        for outgoing, incoming in tables:
            for i, source in enumerate(sources.tolist()):
                hits: list[tuple[int, int]] = []
                if direction is not Direction.IN:
                    hits += outgoing.get(source, [])
                if direction is not Direction.OUT:
                    both = direction is Direction.BOTH
                    hits += [h for h in incoming.get(source, []) if not (both and h[1] == source)]
                for slot, other in hits:
                    positions.append(i)
                    nodes.append(other)
                    relationships.append(slot)
        return positions, nodes, relationships

    def degrees(self, sources: IntArray, types: Sequence[str] | None, direction: Direction) -> IntArray:
        if not self._relationship_chunks and not len(self._dead_relationships) and not self._node_chunks:
            return self.base.degrees(sources, types, direction)
        found = self.expand(sources, types, direction)
        return np.bincount(found.source_position, minlength=len(sources)).astype(np.int64)

    def neighbours(self, slot: int, types: Sequence[str] | None, direction: Direction) -> BitMap:
        return bitmap_of(self.expand(np.array([slot], np.int64), types, direction).node)

    # --- properties

    def property(self, element: Element, slots: IntArray, key: str) -> Column:
        node = element is Element.NODE
        dead = self._dead_nodes if node else self._dead_relationships
        if len(dead) and bitmap_of(slots).intersect(dead):
            raise EntityNotFound(f"A {element.value.lower()} was deleted in this transaction.")
        top = self.base.nodes_top if node else self.base.relationships_top
        patches = self._patches.get((element, key))
        chunks = self._node_chunks if node else self._relationship_chunks
        if not patches and (not chunks or not len(slots) or int(slots.max()) < top):
            return self.base.property(element, slots, key)
        if not chunks or int(slots.max(initial=0)) < top:
            items = list(self.base.property(element, slots, key).values())
        else:
            items = [None] * len(slots)
            old = np.flatnonzero(slots < top)
            for i, value in zip(old.tolist(), self.base.property(element, slots.take(old), key).values(), strict=True):
                items[i] = value
            for i in np.flatnonzero(slots >= top).tolist():
                items[i] = self._chunk_value(node, int(slots[i]), key)
        if patches:
            for i, slot in enumerate(slots.tolist()):
                if slot in patches:
                    items[i] = patches[slot]
        return lift(items)

    def _chunk_value(self, node: bool, slot: int, key: str) -> Value:
        chunk = self._node_chunk(slot) if node else self._relationship_chunk(slot)
        column = chunk.properties.get(key)
        return None if column is None else column.item(slot - chunk.start)

    def properties(self, element: Element, slot: int) -> dict[str, Value]:
        node = element is Element.NODE
        if slot < (self.base.nodes_top if node else self.base.relationships_top):
            found = self.base.properties(element, slot)
        else:
            chunk = self._node_chunk(slot) if node else self._relationship_chunk(slot)
            values = {k: c.item(slot - chunk.start) for k, c in chunk.properties.items()}
            found = {k: v for k, v in values.items() if v is not None}
        for (kind, key), patches in self._patches.items():
            if kind is element and slot in patches:
                value = patches[slot]
                if value is None:
                    found.pop(key, None)
                else:
                    found[key] = value
        return found

    # --- identity

    def ids(self, element: Element, slots: IntArray) -> IntArray:
        node = element is Element.NODE
        top = self.base.nodes_top if node else self.base.relationships_top
        chunks: Sequence[_NodeChunk | _RelationshipChunk] = self._node_chunks if node else self._relationship_chunks
        if not chunks:
            return self.base.ids(element, slots)
        old = slots < top
        ids = np.empty(len(slots), np.int64)
        ids[old] = self.base.ids(element, slots.compress(old))
        if not old.all():
            starts = np.array([c.start for c in chunks], np.int64)
            firsts = np.array([c.first_id for c in chunks], np.int64)
            own = slots.compress(~old)
            place = np.searchsorted(starts, own, "right") - 1
            ids[~old] = firsts.take(place) + own - starts.take(place)
        return ids

    def slots_of_ids(self, element: Element, ids: IntArray) -> IntArray:
        slots = self.base.slots_of_ids(element, ids)
        node = element is Element.NODE
        chunks: Sequence[_NodeChunk | _RelationshipChunk] = self._node_chunks if node else self._relationship_chunks
        for chunk in chunks:
            mine = (ids >= chunk.first_id) & (ids < chunk.first_id + chunk.count)
            slots = np.where(mine, ids - chunk.first_id + chunk.start, slots)
        dead = self._dead_nodes if node else self._dead_relationships
        if len(dead):
            slots = np.where(np.isin(slots, np.asarray(dead.to_array(), np.int64)), -1, slots)
        return slots

    def element_id(self, element: Element, slot: int) -> str:
        kind = "n" if element is Element.NODE else "r"
        return f"{kind}:{self.base.store.uuid}:{int(self.ids(element, np.array([slot], np.int64))[0])}"

    # --- indexes: the base's answer without what changed here, and a scan of what did

    def indexes(self) -> Sequence[IndexDefinition]:
        known = {d.name: d for d in self.base.indexes() if d.name not in self._dropped_indexes}
        return [d for _, d in sorted({**known, **self._created_indexes}.items())]

    def _definition(self, name: str) -> IndexDefinition:
        for definition in self.indexes():
            if definition.name == name:
                return definition
        raise EntityNotFound(f"There is no index `{name}`.", detail="IndexNotFound")

    def _dirty(self, definition: IndexDefinition) -> IntArray:
        """Nodes whose place in the index this transaction may have changed."""
        dirty = BitMap(range(self.base.nodes_top, self._nodes_top))
        for key in definition.keys:
            dirty |= BitMap(self._patches.get((Element.NODE, key), {}))
        for label in definition.labels:
            dirty |= self._labels_added.get(label, BitMap()) | self._labels_removed.get(label, BitMap())
        dirty |= self._dead_nodes
        return np.asarray(dirty.to_array(), np.int64)

    def _own_values(self, definition: IndexDefinition, dirty: IntArray) -> tuple[IntArray, list[Value]]:
        """The dirty nodes that the index covers now, and their first key's values."""
        live = dirty.compress(~np.isin(dirty, np.asarray(self._dead_nodes.to_array(), np.int64)))
        covered = np.zeros(len(live), np.bool_)
        for label in definition.labels:
            covered |= self.has_label(live, label)
        live = live.compress(covered)
        return live, self.property(Element.NODE, live, definition.keys[0]).values()

    def index_seek(self, name: str, values: Sequence[Value]) -> tuple[IntArray, IntArray]:
        definition = self._definition(name)
        if name in self._created_indexes:
            dirty, positions, slots = np.asarray(self.nodes().to_array(), np.int64), _NONE, _NONE
        else:
            dirty = self._dirty(definition)
            positions, slots = self.base.index_seek(name, values)
        if not len(dirty):
            return positions, slots
        clean = np.flatnonzero(~np.isin(slots, dirty))
        positions, slots = positions.take(clean), slots.take(clean)
        own_slots, own_values = self._own_values(definition, dirty)
        more_positions: list[int] = []
        more_slots: list[int] = []
        for i, wanted in enumerate(values):
            for slot, value in zip(own_slots.tolist(), own_values, strict=True):
                if equals(value, wanted) is True:
                    more_positions.append(i)
                    more_slots.append(slot)
        positions = np.concatenate([positions, np.array(more_positions, np.int64)])
        slots = np.concatenate([slots, np.array(more_slots, np.int64)])
        order = np.lexsort((slots, positions))
        return positions.take(order), slots.take(order)

    def index_range(self, name: str, low: RangeBound | None, high: RangeBound | None) -> IntArray:
        from .index.range_index import between

        return self._merged(name, lambda v: between(v, low, high), lambda: self.base.index_range(name, low, high))

    def index_prefix(self, name: str, prefix: str) -> IntArray:
        return self._merged(
            name,
            lambda v: type(v) is str and v.startswith(prefix),
            lambda: self.base.index_prefix(name, prefix),
        )

    def _merged(self, name: str, test: object, base: object) -> IntArray:
        definition = self._definition(name)
        if name in self._created_indexes:
            dirty, slots = np.asarray(self.nodes().to_array(), np.int64), _NONE
        else:
            dirty, slots = self._dirty(definition), base()  # pyright: ignore[reportCallIssue]
        if not len(dirty):
            return slots
        own_slots, own_values = self._own_values(definition, dirty)
        right = [bool(v is not None and test(v)) for v in own_values]  # pyright: ignore[reportCallIssue]
        own = own_slots.compress(np.array(right, np.bool_))
        return np.union1d(slots.compress(~np.isin(slots, dirty)), own)

    def vector_search(self, name: str, query: Sequence[float], k: int, candidates: BitMap | None = None) -> Scored:
        return self._searched(name, query, k, candidates)

    def text_search(self, name: str, query: str, k: int | None = None, candidates: BitMap | None = None) -> Scored:
        return self._searched(name, query, k, candidates)

    def _searched(self, name: str, query: object, k: int | None, candidates: BitMap | None) -> Scored:
        """Clean hits of the base's index, with those of a small private index over the dirty nodes."""
        definition = self._definition(name)
        if name in self._created_indexes:
            dirty = np.asarray(self.nodes().to_array(), np.int64)
        else:
            dirty = self._dirty(definition)
        vector = definition.kind is IndexKind.VECTOR
        search = self.base.vector_search if vector else self.base.text_search
        if not len(dirty):
            return search(name, query, k, candidates)  # pyright: ignore[reportArgumentType]
        parts: list[Scored] = []
        if name not in self._created_indexes:
            wanted = None if k is None else k + len(dirty)
            hits = search(name, query, wanted, candidates)  # pyright: ignore[reportArgumentType]
            clean = np.flatnonzero(~np.isin(hits.slots, dirty))
            parts.append(Scored(hits.slots.take(clean), hits.scores.take(clean)))
        own_slots, _ = self._own_values(definition, dirty)
        if len(own_slots):
            private = self.base.store.make_index(definition)
            private.add(own_slots, [self.property(Element.NODE, own_slots, key) for key in definition.keys], 0)
            parts.append(private.search(query, k, 0, candidates))  # pyright: ignore[reportAttributeAccessIssue]
        slots = np.concatenate([p.slots for p in parts]) if parts else _NONE
        scores = np.concatenate([p.scores for p in parts]) if parts else np.zeros(0)
        order = np.lexsort((slots, -scores))[: len(slots) if k is None else k]
        return Scored(slots.take(order), scores.take(order))

    # --- writes

    def _checked_columns(self, properties: Mapping[str, Column]) -> dict[str, Column]:
        out = {}
        for key, column in properties.items():
            if not key or len(key.encode("utf-8", "surrogatepass")) > PROPERTY_KEY_MAX:
                raise TypeMismatch(f"A property key has 1 to {PROPERTY_KEY_MAX} bytes.")
            if isinstance(column, ConstantColumn):
                if column.value is None:
                    continue
                check_storable(column.value)
            elif isinstance(column, ListColumn):
                for value in column.items:
                    check_storable(value)
            else:
                kind = getattr(column, "kind", None)
                if not hasattr(column, "codes") and (kind is None or kind.name in ("NODE", "RELATIONSHIP")):
                    for value in column.values():
                        check_storable(value)
            out[key] = column
        return out

    def _count_properties(self, columns: Mapping[str, Column]) -> int:
        total = 0
        for column in columns.values():
            mask = column.nulls()
            total += len(column) - (0 if mask is None else int(mask.sum()))
        return total

    def create_nodes(self, count: int, labels: Sequence[str], properties: Mapping[str, Column]) -> IntArray:
        columns = self._checked_columns(properties)
        first_id = self.base.store.reserve(Element.NODE, count)
        chunk = _NodeChunk(self._nodes_top, first_id, count, tuple(dict.fromkeys(labels)), columns)
        self._node_chunks.append(chunk)
        self._nodes_top += count
        self._live = None
        self.counters.nodes_created += count
        self.counters.labels_added += count * len(chunk.labels)
        self.counters.properties_set += self._count_properties(columns)
        return np.arange(chunk.start, self._nodes_top)

    def create_relationships(
        self, type: str, sources: IntArray, targets: IntArray, properties: Mapping[str, Column]
    ) -> IntArray:
        columns = self._checked_columns(properties)
        for ends in (sources, targets):
            if len(self._dead_nodes) and bitmap_of(ends).intersect(self._dead_nodes):
                raise EntityNotFound("A relationship cannot be created: its node was deleted in this transaction.")
        first_id = self.base.store.reserve(Element.RELATIONSHIP, len(sources))
        chunk = _RelationshipChunk(self._relationships_top, first_id, type, sources, targets, columns)
        self._relationship_chunks.append(chunk)
        self._relationships_top += len(sources)
        self.counters.relationships_created += len(sources)
        self.counters.properties_set += self._count_properties(columns)
        return np.arange(chunk.start, self._relationships_top)

    def set_property(self, element: Element, slots: IntArray, key: str, values: Column) -> None:
        self._checked_columns({key: values})
        dead = self._dead_nodes if element is Element.NODE else self._dead_relationships
        if len(dead) and bitmap_of(slots).intersect(dead):
            raise EntityNotFound(f"A {element.value.lower()} was deleted in this transaction.")
        items = values.values()
        if any(v is None for v in items):
            held = self.property(element, slots, key).values()
            self.counters.properties_set += sum(not (h is None and v is None) for h, v in zip(held, items, strict=True))
        else:
            self.counters.properties_set += len(items)
        patches = self._patches.setdefault((element, key), {})
        patches.update(zip(slots.tolist(), items, strict=True))

    def replace_properties(self, element: Element, slot: int, properties: Mapping[str, Value]) -> None:
        one = np.array([slot], np.int64)
        for key in self.properties(element, slot):
            if properties.get(key) is None:
                self.set_property(element, one, key, ListColumn([None]))
        for key, value in properties.items():
            if value is not None:
                self.set_property(element, one, key, ListColumn([value]))

    def add_labels(self, slots: IntArray, labels: Sequence[str]) -> None:
        self._check_live_nodes(slots)
        wanted = bitmap_of(slots)
        for label in dict.fromkeys(labels):
            fresh = wanted - self.nodes_with_label(label)
            if not len(fresh):
                self._labels_added.setdefault(label, BitMap())
                continue
            self.counters.labels_added += len(fresh)
            self._labels_added[label] = self._labels_added.get(label, BitMap()) | fresh
            if label in self._labels_removed:
                self._labels_removed[label] = self._labels_removed[label] - fresh

    def remove_labels(self, slots: IntArray, labels: Sequence[str]) -> None:
        self._check_live_nodes(slots)
        wanted = bitmap_of(slots)
        for label in dict.fromkeys(labels):
            gone = wanted & self.nodes_with_label(label)
            if not len(gone):
                continue
            self.counters.labels_removed += len(gone)
            self._labels_removed[label] = self._labels_removed.get(label, BitMap()) | gone
            if label in self._labels_added:
                self._labels_added[label] = self._labels_added[label] - gone

    def delete_relationships(self, slots: IntArray) -> None:
        fresh = bitmap_of(slots) - self._dead_relationships
        self._dead_relationships = self._dead_relationships | fresh
        self.counters.relationships_deleted += len(fresh)

    def delete_nodes(self, slots: IntArray, detach: bool) -> None:
        fresh = bitmap_of(slots) - self._dead_nodes
        if not len(fresh):
            return
        nodes = np.asarray(fresh.to_array(), np.int64)
        if detach:
            self.delete_relationships(self.expand(nodes, None, Direction.BOTH).relationship)
        else:
            self._undetached = self._undetached | fresh
        self._dead_nodes = self._dead_nodes | fresh
        self._live = None
        self.counters.nodes_deleted += len(fresh)

    def check_deletes(self) -> None:
        if not len(self._undetached):
            return
        nodes = np.asarray(self._undetached.to_array(), np.int64)
        left = self.expand(nodes, None, Direction.BOTH)
        self._undetached = BitMap()
        if len(left.relationship):
            raise DeleteConnectedNode(
                "Cannot delete a node that still has relationships.",
                hint="DETACH DELETE deletes them too.",
            )

    def create_index(self, definition: IndexDefinition, if_not_exists: bool = False) -> bool:
        name = definition.name or default_index_name(definition)
        definition = IndexDefinition(
            name, definition.kind, definition.element, definition.labels, definition.keys, definition.options
        )
        for known in self.indexes():
            same = (known.kind, known.labels, known.keys) == (definition.kind, definition.labels, definition.keys)
            if known.name == name or same:
                if if_not_exists:
                    return False
                what = (
                    f"called `{name}`" if known.name == name else f"of that kind on the same properties: `{known.name}`"
                )
                raise SchemaError(
                    f"There is an index {what}.",
                    hint="IF NOT EXISTS makes this no error.",
                    code="Neo.ClientError.Schema.EquivalentSchemaRuleAlreadyExists",
                )
        if definition.kind is IndexKind.UNIQUE:
            self._check_unique(definition)
        self._created_indexes[name] = definition
        if definition.kind is IndexKind.UNIQUE:
            self.counters.constraints_added += 1
        else:
            self.counters.indexes_added += 1
        return True

    def _check_unique(self, definition: IndexDefinition) -> None:
        from memoradb.core.errors import UniqueViolation
        from memoradb.core.semantics import equivalence_key

        slots = np.asarray(self.nodes_with_label(definition.labels[0]).to_array(), np.int64)
        seen: set[object] = set()
        for value in self.property(Element.NODE, slots, definition.keys[0]).values():
            if value is None or value != value:
                continue
            key = equivalence_key(value)
            if key in seen:
                raise UniqueViolation(
                    f"Nodes with the label `{definition.labels[0]}` share {definition.keys[0]} = {value!r}, "
                    "so it cannot be unique."
                )
            seen.add(key)

    def drop_index(self, name: str, if_exists: bool = False) -> bool:
        found = next((d for d in self.indexes() if d.name == name), None)
        if found is None:
            if if_exists:
                return False
            raise SchemaError(f"There is no index or constraint `{name}`.", hint="SHOW INDEXES lists them.")
        if name in self._created_indexes:
            del self._created_indexes[name]
        else:
            self._dropped_indexes.add(name)
        if found.kind is IndexKind.UNIQUE:
            self.counters.constraints_removed += 1
        else:
            self.counters.indexes_removed += 1
        return True

    # --- to the log

    def changeset(self) -> Changeset:
        """All changes, by id. What was created and deleted again leaves no trace but its ids."""
        new_nodes, dead_new = self._new_nodes()
        properties = []
        for (element, key), patches in self._patches.items():
            dead = self._dead_nodes if element is Element.NODE else self._dead_relationships
            slots = [s for s in patches if s not in dead]
            if slots:
                ids = self.ids(element, np.array(slots, np.int64))
                properties.append(SetProperties(element, key, ids, lift([patches[s] for s in slots])))
        labels = []
        for changes, remove in ((self._labels_added, False), (self._labels_removed, True)):
            for label, bitmap in changes.items():
                slots = np.asarray((bitmap - self._dead_nodes).to_array(), np.int64)
                if len(slots):
                    labels.append(SetLabels(label, self.ids(Element.NODE, slots), remove))
        dead_nodes = self._dead_nodes - dead_new
        new_relationships, dead_new_relationships = self._new_relationships()
        dead_relationships = self._dead_relationships - dead_new_relationships
        return Changeset(
            tuple(sorted(self._dropped_indexes)),
            new_nodes,
            new_relationships,
            tuple(properties),
            tuple(labels),
            self.ids(Element.RELATIONSHIP, np.asarray(dead_relationships.to_array(), np.int64)),
            self.ids(Element.NODE, np.asarray(dead_nodes.to_array(), np.int64)),
            tuple(self._created_indexes.values()),
        )

    def _new_nodes(self) -> tuple[tuple[NewNodes, ...], BitMap]:
        out: list[NewNodes] = []
        gone = BitMap()
        for chunk in self._node_chunks:
            span = BitMap(range(chunk.start, chunk.start + chunk.count))
            dead = span & self._dead_nodes
            gone |= dead
            for start, stop in _runs(span - dead):
                properties = {k: c.slice(start - chunk.start, stop - chunk.start) for k, c in chunk.properties.items()}
                first = chunk.first_id + start - chunk.start
                out.append(NewNodes(first, stop - start, chunk.labels, properties))
        return tuple(out), gone

    def _new_relationships(self) -> tuple[tuple[NewRelationships, ...], BitMap]:
        out: list[NewRelationships] = []
        gone = BitMap()
        for chunk in self._relationship_chunks:
            span = BitMap(range(chunk.start, chunk.start + chunk.count))
            dead = span & self._dead_relationships
            gone |= dead
            for start, stop in _runs(span - dead):
                a, b = start - chunk.start, stop - chunk.start
                out.append(
                    NewRelationships(
                        chunk.first_id + a,
                        chunk.type,
                        self.ids(Element.NODE, chunk.sources[a:b]),
                        self.ids(Element.NODE, chunk.targets[a:b]),
                        {k: c.slice(a, b) for k, c in chunk.properties.items()},
                    )
                )
        return tuple(out), gone

    def touches(self) -> Touches:
        """What the transaction wrote of elements that were there before, by id."""
        top = self.base.nodes_top
        exclusive: set[int] = set()
        relationships: set[int] = set()
        for (element, _), patches in self._patches.items():
            if element is Element.NODE:
                exclusive.update(s for s in patches if s < top)
            else:
                relationships.update(s for s in patches if s < self.base.relationships_top)
        for changes in (*self._labels_added.values(), *self._labels_removed.values()):
            exclusive.update(s for s in changes if s < top)
        exclusive.update(s for s in self._dead_nodes if s < top)
        relationships.update(s for s in self._dead_relationships if s < self.base.relationships_top)
        shared: set[int] = set()
        for chunk in self._relationship_chunks:
            for ends in (chunk.sources, chunk.targets):
                shared.update(np.unique(ends.compress(ends < top)).tolist())
        return Touches(
            frozenset(self._to_ids(Element.NODE, exclusive)),
            frozenset(self._to_ids(Element.NODE, shared)),
            frozenset(self._to_ids(Element.RELATIONSHIP, relationships)),
        )

    def _to_ids(self, element: Element, slots: set[int]) -> list[int]:
        return self.base.ids(element, np.array(sorted(slots), np.int64)).tolist() if slots else []


def _runs(slots: BitMap) -> list[tuple[int, int]]:
    """Consecutive ranges [start, stop) of a set."""
    if not len(slots):
        return []
    items = np.asarray(slots.to_array(), np.int64)
    breaks = np.flatnonzero(np.diff(items) != 1) + 1
    starts = items.take(np.concatenate([[0], breaks]))
    stops = items.take(np.concatenate([breaks - 1, [len(items) - 1]])) + 1
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


def default_index_name(definition: IndexDefinition) -> str:
    """A name for an index that got none: the same for the same definition."""
    parts = [definition.kind.value.lower(), *definition.labels, *definition.keys]
    return "_".join("".join(ch if ch.isalnum() else "_" for ch in part) for part in parts)
