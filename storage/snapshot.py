"""A snapshot: a log position, and what a reader needs to see the graph at it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pyroaring import BitMap

from memoradb.core.columns import BoolArray, Column, ConstantColumn, IntArray
from memoradb.core.errors import EntityNotFound
from memoradb.core.values import Value

from .graph.adjacency import AdjacencyState, Csr, rows_of
from .store import GraphStore
from .view import Direction, Element, IndexDefinition, IndexKind, Neighbours, RangeBound, Scored, Statistics

_NONE = np.zeros(0, np.int64)


class Snapshot:
    """An immutable view. Made by ``GraphStore.snapshot``; several readers may share it."""

    __slots__ = (
        "__weakref__",
        "_adjacency",
        "_dead_nodes",
        "_dead_relationships",
        "_indexes",
        "_labels",
        "_live",
        "_masks",
        "nodes_top",
        "position",
        "relationships_top",
        "schema_version",
        "store",
    )

    def __init__(self, store: GraphStore) -> None:
        self.store = store
        self.position = store.position
        self.schema_version = store.schema_version
        self.nodes_top = store.nodes.count
        self.relationships_top = store.relationships.count
        self._labels = dict(store.labels)
        self._live = store.live_nodes
        self._dead_nodes = store.nodes.dead
        self._dead_relationships = store.relationships.dead
        self._adjacency = {t: a.state for t, a in store.adjacency.items()}
        self._indexes = dict(store.indexes)
        self._masks: dict[str, BoolArray] = {}

    @property
    def statistics(self) -> Statistics:
        return self.store.statistics

    # --- names

    def labels(self) -> Sequence[str]:
        return sorted(n for n, b in self._labels.items() if len(b))

    def relationship_types(self) -> Sequence[str]:
        return sorted(self._adjacency)

    def property_keys(self) -> Sequence[str]:
        return sorted({k for columns in self.store.columns.values() for k in list(columns)})

    # --- nodes

    def node_count(self) -> int:
        return len(self._live)

    def nodes(self) -> BitMap:
        return self._live

    def nodes_with_label(self, label: str) -> BitMap:
        found = self._labels.get(label)
        return BitMap() if found is None else found

    def has_label(self, slots: IntArray, label: str) -> BoolArray:
        bitmap = self._labels.get(label)
        if bitmap is None:
            return np.zeros(len(slots), np.bool_)
        if len(slots) < 64:
            return np.fromiter((s in bitmap for s in slots.tolist()), np.bool_, len(slots))
        return self._mask(label, bitmap).take(slots)

    def _mask(self, label: str, bitmap: BitMap) -> BoolArray:
        """A label as a boolean for each slot: made once a snapshot, for batches."""
        mask = self._masks.get(label)
        if mask is None:
            mask = np.zeros(self.nodes_top, np.bool_)
            mask[np.asarray(bitmap.to_array(), np.int64)] = True
            self._masks[label] = mask
        return mask

    def node_labels(self, slot: int) -> tuple[str, ...]:
        return tuple(n for n, b in self._labels.items() if slot in b)

    def node_is_live(self, slot: int) -> bool:
        return slot in self._live

    # --- relationships

    def relationship_count(self) -> int:
        return self.relationships_top - len(self._dead_relationships)

    def relationships(self, types: Sequence[str] | None = None) -> IntArray:
        slots = np.arange(self.relationships_top)
        if types is not None:
            codes = [self.store.type_codes[t] for t in types if t in self.store.type_codes]
            slots = slots.compress(np.isin(self.store.relationship_type[: self.relationships_top], codes))
        return self._without_dead(slots)

    def _without_dead(self, slots: IntArray) -> IntArray:
        if not len(self._dead_relationships) or not len(slots):
            return slots
        return slots.compress(self._alive(slots))

    def _alive(self, relationships: IntArray) -> BoolArray:
        """False where a relationship was deleted by then."""
        dead = np.asarray(self._dead_relationships.to_array(), np.int64)
        return ~np.isin(relationships, dead)

    def relationship_type(self, slots: IntArray) -> list[str]:
        types = self.store.types
        return [types[c] for c in self.store.relationship_type.take(slots).tolist()]

    def endpoints(self, slots: IntArray) -> tuple[IntArray, IntArray]:
        return self.store.source.take(slots).astype(np.int64), self.store.target.take(slots).astype(np.int64)

    def relationship_is_live(self, slot: int) -> bool:
        return slot < self.relationships_top and slot not in self._dead_relationships

    # --- adjacency

    def _states(self, types: Sequence[str] | None) -> list[AdjacencyState]:
        if types is None:
            return list(self._adjacency.values())
        return [self._adjacency[t] for t in types if t in self._adjacency]

    def _follow(self, state: AdjacencyState, sources: IntArray, outgoing: bool) -> tuple[IntArray, IntArray, IntArray]:
        """(position, far end, relationship) of one type in one direction, in order."""
        csr: Csr = state.outgoing if outgoing else state.incoming
        positions, nodes, relationships = rows_of(csr, sources)
        beyond = state.top > self.relationships_top
        if state.delta.count:
            more = state.delta.walk(sources, outgoing)
            if len(more[0]):
                positions, nodes, relationships = (
                    np.concatenate([a, b]) for a, b in zip((positions, nodes, relationships), more, strict=True)
                )
                order = np.lexsort((relationships, positions))
                positions, nodes, relationships = (
                    positions.take(order),
                    nodes.take(order),
                    relationships.take(order),
                )
                beyond = True
        keep = None
        if beyond and len(relationships) and int(relationships.max()) >= self.relationships_top:
            keep = relationships < self.relationships_top
        if len(self._dead_relationships) and len(relationships):
            alive = self._alive(relationships)
            keep = alive if keep is None else keep & alive
        if keep is not None and not keep.all():
            kept = np.flatnonzero(keep)
            positions, nodes, relationships = positions.take(kept), nodes.take(kept), relationships.take(kept)
        return positions, nodes, relationships

    def expand(self, sources: IntArray, types: Sequence[str] | None, direction: Direction) -> Neighbours:
        parts: list[tuple[IntArray, IntArray, IntArray]] = []
        for state in self._states(types):
            if direction is not Direction.IN:
                parts.append(self._follow(state, sources, True))
            if direction is not Direction.OUT:
                positions, nodes, relationships = self._follow(state, sources, False)
                if direction is Direction.BOTH and len(positions):
                    # A self-loop was found going out already.
                    kept = np.flatnonzero(nodes != sources.take(positions))
                    positions, nodes, relationships = (
                        positions.take(kept),
                        nodes.take(kept),
                        relationships.take(kept),
                    )
                parts.append((positions, nodes, relationships))
        parts = [p for p in parts if len(p[0])]
        if not parts:
            return Neighbours(_NONE, _NONE, _NONE)
        if len(parts) == 1:
            return Neighbours(*parts[0])
        positions, nodes, relationships = (np.concatenate(c) for c in zip(*parts, strict=True))
        order = np.lexsort((relationships, positions))
        return Neighbours(positions.take(order), nodes.take(order), relationships.take(order))

    def degrees(self, sources: IntArray, types: Sequence[str] | None, direction: Direction) -> IntArray:
        states = self._states(types)
        simple = not len(self._dead_relationships) and direction is not Direction.BOTH
        simple = simple and all(not s.delta.count and s.top <= self.relationships_top for s in states)
        total = np.zeros(len(sources), np.int64)
        if not simple:
            found = self.expand(sources, types, direction)
            return np.bincount(found.source_position, minlength=len(sources)).astype(np.int64)
        for state in states:
            csr = state.outgoing if direction is Direction.OUT else state.incoming
            if csr.rows == 0:
                continue
            inside = np.minimum(sources, csr.rows - 1)
            degree = csr.offsets.take(inside + 1) - csr.offsets.take(inside)
            total += np.where(sources < csr.rows, degree, 0)
        return total

    def neighbours(self, slot: int, types: Sequence[str] | None, direction: Direction) -> BitMap:
        from .graph.adjacency import bitmap_of

        return bitmap_of(self.expand(np.array([slot], np.int64), types, direction).node)

    # --- properties

    def property(self, element: Element, slots: IntArray, key: str) -> Column:
        column = self.store.columns[element].get(key)
        if column is None:
            return ConstantColumn(None, len(slots))
        return column.gather(slots, self.position)

    def properties(self, element: Element, slot: int) -> dict[str, Value]:
        found = {}
        for key, column in list(self.store.columns[element].items()):
            value = column.item(slot, self.position)
            if value is not None:
                found[key] = value
        return found

    # --- identity

    def ids(self, element: Element, slots: IntArray) -> IntArray:
        table = self.store.nodes if element is Element.NODE else self.store.relationships
        return table.ids.take(slots)

    def slots_of_ids(self, element: Element, ids: IntArray) -> IntArray:
        node = element is Element.NODE
        table = self.store.nodes if node else self.store.relationships
        slots = table.slots_of(ids)
        top = self.nodes_top if node else self.relationships_top
        slots = np.where(slots < top, slots, -1)
        dead = self._dead_nodes if node else self._dead_relationships
        if len(dead):
            slots = np.where(np.isin(slots, np.asarray(dead.to_array(), np.int64)), -1, slots)
        return slots

    def element_id(self, element: Element, slot: int) -> str:
        kind = "n" if element is Element.NODE else "r"
        return f"{kind}:{self.store.uuid}:{int(self.ids(element, np.array([slot], np.int64))[0])}"

    # --- indexes

    def indexes(self) -> Sequence[IndexDefinition]:
        return [self._indexes[n].definition for n in sorted(self._indexes)]

    def index(self, name: str) -> object:
        """The index called ``name``; EntityNotFound where this snapshot has none."""
        found = self._indexes.get(name)
        if found is None:
            raise EntityNotFound(f"There is no index `{name}`.", detail="IndexNotFound")
        return found

    def index_seek(self, name: str, values: Sequence[Value]) -> tuple[IntArray, IntArray]:
        index = self.index(name)
        seek = index.seek  # pyright: ignore[reportAttributeAccessIssue]
        position = self.position
        if len(values) == 1:
            slots = np.array(seek(values[0], position), np.int64)
            positions = np.zeros(len(slots), np.int64)
        else:
            owners: list[int] = []
            found: list[int] = []
            for i, value in enumerate(values):
                hits = seek(value, position)
                owners.extend([i] * len(hits))
                found.extend(hits)
            positions, slots = np.array(owners, np.int64), np.array(found, np.int64)
        if self.position != self.store.position and len(slots):
            kept = self._recheck(index.definition, slots, [values[p] for p in positions.tolist()])  # pyright: ignore[reportAttributeAccessIssue]
            return positions.take(kept), slots.take(kept)
        return positions, slots

    def _recheck(self, definition: IndexDefinition, slots: IntArray, values: Sequence[Value]) -> IntArray:
        """Positions of the candidates that are right at this snapshot."""
        from memoradb.core.semantics import equals

        visible = self._visible(definition, slots)
        safe = np.where(visible, slots, 0)
        held = self.property(Element.NODE, safe, definition.keys[0]).values()
        right = np.fromiter((equals(h, v) is True for h, v in zip(held, values, strict=True)), np.bool_, len(slots))
        return np.flatnonzero(visible & right)

    def _visible(self, definition: IndexDefinition, slots: IntArray) -> BoolArray:
        inside = slots < self.nodes_top
        safe = np.where(inside, slots, 0)
        labelled = np.zeros(len(slots), np.bool_)
        for label in definition.labels:
            labelled |= self.has_label(safe, label)
        return inside & labelled

    def index_range(self, name: str, low: RangeBound | None, high: RangeBound | None) -> IntArray:
        from .index.range_index import between

        index = self.index(name)
        slots = index.range(low, high, self.position)  # pyright: ignore[reportAttributeAccessIssue]
        return self._checked_slots(index.definition, slots, lambda v: between(v, low, high))  # pyright: ignore[reportAttributeAccessIssue]

    def index_prefix(self, name: str, prefix: str) -> IntArray:
        index = self.index(name)
        slots = index.prefix(prefix, self.position)  # pyright: ignore[reportAttributeAccessIssue]
        return self._checked_slots(
            index.definition,  # pyright: ignore[reportAttributeAccessIssue]
            slots,
            lambda v: type(v) is str and v.startswith(prefix),
        )

    def _checked_slots(self, definition: IndexDefinition, slots: IntArray, test: object) -> IntArray:
        if self.position == self.store.position or not len(slots):
            return slots
        visible = self._visible(definition, slots)
        safe = np.where(visible, slots, 0)
        held = self.property(Element.NODE, safe, definition.keys[0]).values()
        right = np.fromiter((bool(test(v)) for v in held), np.bool_, len(slots))  # pyright: ignore[reportCallIssue]
        return slots.compress(visible & right)

    def vector_search(self, name: str, query: Sequence[float], k: int, candidates: BitMap | None = None) -> Scored:
        return self._searched(name, IndexKind.VECTOR).search(query, k, self.position, candidates)  # pyright: ignore[reportAttributeAccessIssue]

    def text_search(self, name: str, query: str, k: int | None = None, candidates: BitMap | None = None) -> Scored:
        return self._searched(name, IndexKind.FULLTEXT).search(query, k, self.position, candidates)  # pyright: ignore[reportAttributeAccessIssue]

    def _searched(self, name: str, kind: IndexKind) -> object:
        index = self.index(name)
        if index.definition.kind is not kind:  # pyright: ignore[reportAttributeAccessIssue]
            raise EntityNotFound(f"`{name}` is no {kind.value} index.", detail="IndexNotFound")
        return index
