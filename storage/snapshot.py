"""A snapshot: a log position, and what a reader needs to see the graph at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from pyroaring import BitMap

from memoradb.core.columns import BoolArray, IntArray
from memoradb.core.errors import EntityNotFound
from memoradb.core.semantics import equals
from memoradb.core.values import Value

from .elements import Elements
from .index.composite_index import CompositeIndex
from .index.condition import Condition
from .index.index import Index
from .index.range_index import RangeIndex, between
from .index.rebuilt import RebuiltIndex
from .state_hash import state_hash
from .statistics import SnapshotStatistics
from .store import GraphStore
from .text.fulltext import FulltextIndex
from .vector.vector_index import VectorIndex
from .view import (
    Element,
    IndexDefinition,
    IndexState,
    RangeBound,
    Scored,
    Statistics,
)


class Snapshot(Elements):
    """An immutable view. Made by the writer's ``GraphStore``; several readers may share it."""

    def __init__(self, store: GraphStore) -> None:
        super().__init__(store)
        self.schema_version = store.schema_version
        self.notes = store.notes
        self._statistics: SnapshotStatistics | None = None

    @property
    def statistics(self) -> Statistics:
        found = self._statistics
        if found is None:
            found = self._statistics = SnapshotStatistics(self)
        return found

    def measured(self) -> Statistics:
        return SnapshotStatistics(self, shares=False)

    def state_hash(self) -> bytes:
        """See ``storage.state_hash``."""
        return state_hash(self)

    # --- indexes: their answers are candidates, see ``storage.index``

    def _index(self, name: str) -> Index:
        found = self._indexes.get(name)
        if found is None:
            raise EntityNotFound(f"There is no index `{name}`.", detail="IndexNotFound")
        return found

    def _range_index(self, name: str) -> RangeIndex:
        found = self._index(name)
        if not isinstance(found, RangeIndex):
            raise EntityNotFound(f"`{name}` is no range index.", detail="IndexNotFound")
        return found

    def index_seek(self, name: str, values: Sequence[Value]) -> tuple[IntArray, IntArray]:
        index = self._range_index(name)
        owners, slots = index.seek_all(values, self.position)
        if index.last_change > self.position:  # asked afterwards: a writer goes on meanwhile
            kept = self._right(index, slots, lambda i, value: equals(value, values[owners[i]]) is True)
            return owners.take(kept), slots.take(kept)
        top = self.nodes_top if index.definition.element is Element.NODE else self.relationships_top
        if len(slots) and int(slots.max()) >= top:  # elements that came later have higher slots: see ``_right``
            kept = np.flatnonzero(slots < top)
            return owners.take(kept), slots.take(kept)
        return owners, slots

    def index_find(self, name: str, value: Value) -> Sequence[int]:
        index, position = self._range_index(name), self.position
        found = index.seek(value, position)
        if index.last_change > position:
            return self.index_seek(name, (value,))[1].tolist()
        top = self.nodes_top if index.definition.element is Element.NODE else self.relationships_top
        return [slot for slot in found if slot < top] if found and found[-1] >= top else found

    def index_range(self, name: str, low: RangeBound | None, high: RangeBound | None) -> IntArray:
        index = self._range_index(name)
        slots = index.range(low, high, self.position)
        return slots.take(self._right(index, slots, lambda _, value: between(value, low, high)))

    def index_prefix(self, name: str, prefix: str) -> IntArray:
        index = self._range_index(name)
        slots = index.prefix(prefix, self.position)
        return slots.take(self._right(index, slots, lambda _, v: type(v) is str and v.startswith(prefix)))

    def _right(self, index: RangeIndex, slots: IntArray, test: Callable[[int, Value], bool]) -> IntArray:
        """Positions of the candidates that are right as of the snapshot.

        Elements that came later have higher slots. Only where anything else changed since are values read.
        """
        inside = self._inside(index.definition, slots)
        if index.last_change <= self.position:
            return np.flatnonzero(inside)
        safe = np.where(inside, slots, 0)
        covered = self._covered(index.definition, safe)
        held = self.property(index.definition.element, safe, index.definition.keys[0]).values()
        right = np.fromiter((test(i, value) for i, value in enumerate(held)), np.bool_, len(slots))
        return np.flatnonzero(inside & covered & right)

    def _inside(self, definition: IndexDefinition, slots: IntArray) -> BoolArray:
        return slots < (self.nodes_top if definition.element is Element.NODE else self.relationships_top)

    def _covered(self, definition: IndexDefinition, slots: IntArray) -> BoolArray:
        """Whether an index is about each of these elements, which were there by then or came before."""
        if definition.element is Element.RELATIONSHIP:
            codes = [self.store.type_codes[t] for t in definition.labels if t in self._adjacency]
            return np.isin(self.store.relationships.type_code.take(slots), codes) & self._alive(slots)
        covered = np.zeros(len(slots), np.bool_)
        for label in definition.labels:
            covered |= self.has_label(slots, label)
        return covered

    def index_search(self, name: str, condition: Condition) -> IntArray:
        index = self._index(name)
        if not isinstance(index, RebuiltIndex):
            raise EntityNotFound(f"`{name}` is no index to search like this.", detail="IndexNotFound")
        slots = index.candidates(condition, self.position)
        definition = index.definition
        slots = slots.compress(self._inside(definition, slots))
        if index.last_change <= self.position and index.is_exact(condition):
            return slots
        slots = slots.compress(self._covered(definition, slots))  # candidates may have left the index long ago
        columns = [self.property(definition.element, slots, key).values() for key in definition.keys]
        right = (condition.holds(row) for row in zip(*columns, strict=True))
        return slots.compress(np.fromiter(right, np.bool_, len(slots)))

    def has_index(self, index: Index) -> bool:
        """Whether this very index answers for the snapshot."""
        return self._indexes.get(index.definition.name) is index

    def index_state(self, name: str) -> IndexState:
        return self._index(name).state

    def index_size(self, name: str) -> tuple[int, int]:
        index = self._index(name)
        return index.size if isinstance(index, RangeIndex | CompositeIndex) else (0, 0)

    def vector_search(self, name: str, query: Sequence[float], k: int, candidates: BitMap | None = None) -> Scored:
        index = self._index(name)
        if not isinstance(index, VectorIndex):
            raise EntityNotFound(f"`{name}` is no vector index.", detail="IndexNotFound")
        found = index.search(query, k, self.position, candidates)
        self.check_undo()
        return found

    def text_search(self, name: str, query: str, k: int | None = None, candidates: BitMap | None = None) -> Scored:
        index = self._index(name)
        if not isinstance(index, FulltextIndex):
            raise EntityNotFound(f"`{name}` is no full-text index.", detail="IndexNotFound")
        found = index.search(query, k, self.position, candidates)
        self.check_undo()
        return found
