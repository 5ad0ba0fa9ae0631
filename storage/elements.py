"""Nodes and relationships as of a log position: a snapshot but for what its indexes answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from memoradb.core.arrays import distinct
from memoradb.core.columns import BoolArray, Column, ConstantColumn, IntArray
from memoradb.core.errors import SnapshotTooOld
from memoradb.core.values import Value

from .facts import holds
from .graph.adjacency import AdjacencyState
from .graph.bitmaps import bitmap_of, contained, mask_of
from .graph.sums import neighbour_sums
from .store import GraphStore
from .view import (
    Direction,
    Element,
    Fact,
    IndexDefinition,
    LoopFree,
    Neighbours,
    Number,
    part_of,
    sums_of,
)

_NONE = np.zeros(0, np.int64)

LABELS_AT_ONCE_MIN: Final = 64
"""Nodes from which on labels are read label by label instead of node by node."""

LABELS_AT_ONCE_MAX: Final = 60
"""Labels of the graph up to which they are: each is one bit."""


class Elements:
    """An immutable view of nodes and relationships. Several readers may share it."""

    def __init__(self, store: GraphStore) -> None:
        self.store = store
        self.position = store.position
        self.nodes_top = store.nodes.count
        self.relationships_top = store.relationships.count
        self._labels = store.labels.pinned()
        self._live = store.live_nodes
        self._dead_nodes = store.nodes.dead
        self._dead_relationships = store.relationships.dead
        self._adjacency = store.adjacency_states()
        self._indexes = store.indexes
        self.generation = store.generation
        self.counts_by_type = store.live_by_type.pinned()
        """Live relationships of each type. Read only."""
        columns = store.columns
        self._node_keys, self._relationship_keys = len(columns[Element.NODE]), len(columns[Element.RELATIONSHIP])
        self._masks: dict[str | None, BoolArray] = {}
        """Labels, and under None the deleted relationships, as a boolean for each slot: made once, for batches."""
        self._facts: dict[Fact, bool] = {}

    # --- names

    def labels(self) -> Sequence[str]:
        return sorted(n for n, b in self._labels.items() if len(b))

    def relationship_types(self) -> Sequence[str]:
        return sorted(self._adjacency)

    def property_keys(self) -> Sequence[str]:
        return sorted({key for element in Element for key in self.keys_of(element)})

    def keys_of(self, element: Element) -> Sequence[str]:
        """The property keys of one kind of element, sorted."""
        # Columns are in the order in which their keys came: those that came since are the last.
        count = self._node_keys if element is Element.NODE else self._relationship_keys
        return sorted(list(self.store.columns[element])[:count])

    def is_by_id(self, element: Element) -> bool:
        """Whether elements have ascending ids."""
        return self.store.table(element).runs.order is None

    def type_codes(self, slots: IntArray) -> NDArray[Any]:
        """The code of each relationship's type."""
        return self.store.relationships.type_code.take(slots)

    def type_names(self, codes: NDArray[Any]) -> dict[str, int]:
        """Types by name, and their codes."""
        return {self.store.types[code]: code for code in codes.tolist()}

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
            return contained(slots, bitmap)
        return self._mask(label, bitmap, self.nodes_top).take(slots)

    def _mask(self, name: str | None, bitmap: BitMap, size: int) -> BoolArray:
        mask = self._masks.get(name)
        if mask is None:
            mask = self._masks[name] = mask_of(bitmap, size)
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
            codes = [self.store.type_codes[t] for t in types if t in self._adjacency]
            slots = slots.compress(np.isin(self.store.relationships.type_code[: self.relationships_top], codes))
        return self._without_dead(slots)

    def _without_dead(self, slots: IntArray) -> IntArray:
        if not len(self._dead_relationships) or not len(slots):
            return slots
        return slots.compress(self._alive(slots))

    def _alive(self, relationships: IntArray) -> BoolArray:
        """False where a relationship was deleted by then; all are below the snapshot's top."""
        dead = self._dead_relationships
        if len(relationships) < 64:
            return ~contained(relationships, dead)
        return ~self._mask(None, dead, self.relationships_top).take(relationships)

    def relationship_type(self, slots: IntArray) -> list[str]:
        types = self.store.types
        return [types[c] for c in self.store.relationships.type_code.take(slots).tolist()]

    def endpoints(self, slots: IntArray) -> tuple[IntArray, IntArray]:
        table = self.store.relationships
        return table.source.take(slots).astype(np.int64), table.target.take(slots).astype(np.int64)

    def relationship_is_live(self, slot: int) -> bool:
        return slot < self.relationships_top and slot not in self._dead_relationships

    # --- adjacency

    def _states(self, types: Sequence[str] | None) -> list[AdjacencyState]:
        if types is None:
            return list(self._adjacency.values())
        return [self._adjacency[t] for t in types if t in self._adjacency]

    def _follow(self, state: AdjacencyState, sources: IntArray, outgoing: bool) -> tuple[IntArray, IntArray, IntArray]:
        """(position, far end, relationship) of one type in one direction, in order, as of the snapshot."""
        found = state.follow(sources, outgoing)
        relationships = found[2]
        if (state.delta.count or state.top > self.relationships_top) and len(relationships):
            found = _kept(found, relationships < self.relationships_top)
        if len(self._dead_relationships) and len(found[2]):
            found = _kept(found, self._alive(found[2]))
        return found

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

    def far_ends(self, sources: IntArray, types: Sequence[str] | None, direction: Direction) -> IntArray:
        parts: list[IntArray] = []
        for state in self._states(types):
            whole = not state.delta.count and state.top <= self.relationships_top and not len(self._dead_relationships)
            for outgoing in (True, False):
                if direction is not (Direction.IN if outgoing else Direction.OUT):
                    csr = state.outgoing if outgoing else state.incoming
                    parts.append(csr.ends(sources) if whole else self._follow(state, sources, outgoing)[1])
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else _NONE

    def expand_part(
        self, sources: IntArray, types: Sequence[str] | None, direction: Direction, first: int, stop: int
    ) -> Neighbours:
        states = self._states(types)
        plain = len(states) == 1 and direction is not Direction.BOTH and not len(self._dead_relationships)
        if not plain or states[0].delta.count or states[0].top > self.relationships_top:
            return part_of(self.expand(sources, types, direction), first, stop)
        csr = states[0].outgoing if direction is Direction.OUT else states[0].incoming
        inside = np.flatnonzero(sources < csr.rows)
        rows = sources.take(inside)
        starts = csr.offsets.take(rows).astype(np.int64) + first
        counts = np.maximum(np.minimum(csr.offsets.take(rows + 1), starts + (stop - first)) - starts, 0)
        ends = np.cumsum(counts)
        edges = np.repeat(starts - (ends - counts), counts) + np.arange(int(ends[-1]) if len(ends) else 0)
        nodes, relationships = csr.node.take(edges).astype(np.int64), csr.relationship.take(edges).astype(np.int64)
        return Neighbours(np.repeat(inside, counts), nodes, relationships)

    def adjacency_state(self, type: str) -> AdjacencyState | None:
        """The relationships of one type as this snapshot began with them, None where it knows no such type."""
        return self._adjacency.get(type)

    @property
    def deleted_nodes(self) -> BitMap:
        """Slots of the nodes that were deleted by then. Read only."""
        return self._dead_nodes

    @property
    def deleted_relationships(self) -> BitMap:
        """Likewise."""
        return self._dead_relationships

    def label_changes(self, since: Elements) -> dict[str, BitMap]:
        """By label: the nodes that gained or lost it since an older snapshot."""
        before, found = since._labels, {}
        for name, nodes in self._labels.items():
            known = before.get(name)
            if known is not nodes:  # a commit replaces what it changes
                found[name] = nodes if known is None else nodes ^ known
        return found

    def by_type(self, relationships: IntArray) -> Iterator[tuple[str, IntArray, IntArray]]:
        """For each type among these: its name, and where its relationships start and end."""
        codes = self.store.relationships.type_code.take(relationships)
        starts, ends = self.endpoints(relationships)
        for code in distinct(codes).tolist():
            kept = np.flatnonzero(codes == code)
            yield self.store.types[code], starts.take(kept), ends.take(kept)

    @property
    def label_sets(self) -> Mapping[str, BitMap]:
        """The nodes of every label that was ever used, in the order of first use. Read only."""
        return self._labels

    def indexes(self) -> Sequence[IndexDefinition]:
        return [self._indexes[n].definition for n in sorted(self._indexes)]

    def fact(self, fact: Fact) -> bool:
        known = self._facts.get(fact)
        if known is None:
            known = self._facts[fact] = holds(fact, self)
        return known

    def degrees(self, sources: IntArray, types: Sequence[str] | None, direction: Direction) -> IntArray:
        found = self._sums(sources, None, types, direction)
        if found is None:
            neighbours = self.expand(sources, types, direction)
            return np.bincount(neighbours.source_position, minlength=len(sources)).astype(np.int64)
        return found

    def neighbour_sums(
        self, sources: IntArray, values: NDArray[Number], types: Sequence[str] | None, direction: Direction
    ) -> NDArray[Number]:
        found = self._sums(sources, values, types, direction)
        return sums_of(self.expand(sources, types, direction), values, len(sources)) if found is None else found

    def _sums(
        self, sources: IntArray, values: NDArray[Any] | None, types: Sequence[str] | None, direction: Direction
    ) -> NDArray[Any] | None:
        """Sums over neighbours by the arrays alone; None where that is no gain."""
        names = [t for t in (self._adjacency if types is None else dict.fromkeys(types)) if t in self._adjacency]
        states = [self._adjacency[t] for t in names]
        if any(s.top > self.relationships_top for s in states) or len(self._dead_relationships) > 8 * len(sources):
            return None
        if len(self._dead_relationships) and values is not None and values.dtype != np.int64:
            return None  # what deleted ones add cannot be taken back from a sum of floats
        if direction is Direction.BOTH and not all(self.fact(LoopFree(t)) for t in names):
            return None
        total: NDArray[Any] | None = None
        for outgoing in (True, False):
            if direction is (Direction.IN if outgoing else Direction.OUT):
                continue
            for state in states:
                sums = neighbour_sums(state, sources, outgoing, values, self.relationships_top)
                total = sums if total is None else total + sums
            if len(self._dead_relationships) and total is not None:
                total -= self._dead_sums(names, values, outgoing).take(sources)
        if total is None:
            return np.zeros(len(sources), np.int64 if values is None else values.dtype)
        return total

    def _dead_sums(self, types: Sequence[str], values: NDArray[Any] | None, outgoing: bool) -> IntArray:
        """By node: what its deleted relationships of ``types`` would add."""
        codes = [self.store.type_codes[t] for t in types]
        slots = np.asarray(self._dead_relationships.to_array(), np.int64)
        slots = slots.compress(np.isin(self.store.relationships.type_code.take(slots), codes))
        starts, ends = self.endpoints(slots)
        near, far = (starts, ends) if outgoing else (ends, starts)
        sums = np.zeros(self.nodes_top, np.int64)
        if values is not None:
            known = np.flatnonzero(far < len(values))
            near, far = near.take(known), far.take(known)
        np.add.at(sums, near, 1 if values is None else values.take(far))
        return sums

    def neighbours(self, slot: int, types: Sequence[str] | None, direction: Direction) -> BitMap:
        found: list[BitMap] = []
        for state in self._states(types):
            for outgoing in (True, False):
                if direction in (Direction.BOTH, Direction.OUT if outgoing else Direction.IN):
                    known = state.neighbours(slot, outgoing, self.relationships_top, self._dead_relationships)
                    if known is None:
                        known = bitmap_of(self._follow(state, np.array([slot], np.int64), outgoing)[1])
                    found.append(known)
        if len(found) == 1:
            return found[0]
        return BitMap.union(*found) if found else BitMap()

    # --- properties

    def property(self, element: Element, slots: IntArray, key: str) -> Column:
        column = self.store.columns[element].get(key)
        if column is None:
            return ConstantColumn(None, len(slots))
        found = column.gather(slots, self.position)
        self.check_undo()
        return found

    def item(self, element: Element, slot: int, key: str) -> Value:
        column = self.store.columns[element].get(key)
        if column is None:
            return None
        value = column.item(slot, self.position)
        if self.position < self.store.undo.horizon:
            self.check_undo()
        return value

    def check_undo(self) -> None:
        """After reading: undo that was dropped meanwhile may have been needed."""
        if self.position < self.store.undo.horizon:
            raise SnapshotTooOld(
                f"The state at position {self.position} is no longer kept: too much was changed since.",
                hint="Run it again; it will read the newest state.",
            )

    def all_properties(self, element: Element, slots: IntArray) -> dict[str, Column]:
        found: dict[str, Column] = {}
        for key, column in list(self.store.columns[element].items()):
            values = column.gather(slots, self.position)
            nulls = values.nulls()
            if nulls is None or not nulls.all():
                found[key] = values
        self.check_undo()
        return found

    def labels_of(self, slots: IntArray) -> list[tuple[str, ...]]:
        if len(slots) < LABELS_AT_ONCE_MIN or len(self._labels) > LABELS_AT_ONCE_MAX:
            return [self.node_labels(slot) for slot in slots.tolist()]
        names = tuple(self._labels)
        bits = np.zeros(len(slots), np.int64)
        for place, name in enumerate(names):
            bits |= self.has_label(slots, name).astype(np.int64) << place
        known = {b: tuple(n for i, n in enumerate(names) if b >> i & 1) for b in distinct(bits).tolist()}
        return [known[b] for b in bits.tolist()]

    def properties(self, element: Element, slot: int) -> dict[str, Value]:
        found = {}
        for key, column in list(self.store.columns[element].items()):
            value = column.item(slot, self.position)
            if value is not None:
                found[key] = value
        self.check_undo()
        return found

    # --- identity

    def ids(self, element: Element, slots: IntArray) -> IntArray:
        return self.store.table(element).ids_of(slots)

    def slots_of_ids(self, element: Element, ids: IntArray) -> IntArray:
        node = element is Element.NODE
        slots = self.store.table(element).slots_of(ids)
        top = self.nodes_top if node else self.relationships_top
        dead = self._dead_nodes if node else self._dead_relationships
        slots = np.where(slots < top, slots, -1)
        return np.where(contained(slots, dead), -1, slots) if len(dead) else slots

    def element_id(self, element: Element, slot: int) -> str:
        kind = "n" if element is Element.NODE else "r"
        return f"{kind}:{self.store.uuid}:{int(self.ids(element, np.array([slot], np.int64))[0])}"


Followed = tuple[IntArray, IntArray, IntArray]


def _kept(found: Followed, keep: BoolArray) -> Followed:
    """The rows of an expansion that are to stay."""
    if keep.all():
        return found
    rows = np.flatnonzero(keep)
    positions, nodes, relationships = found
    return positions.take(rows), nodes.take(rows), relationships.take(rows)
