"""Index look-ups inside a transaction: the snapshot's hits that are still right, and those of a private index.

A private index of the same kind holds the nodes that the transaction has created, and those whose place in the index
it may have changed; an index that the transaction itself made is private altogether. It grows with new nodes and is
made again when anything else that it depends on changes. Scores of a full-text search depend on how rare a word is:
each part counts its own documents, so that ranks are final only once the transaction has committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyroaring import BitMap

from memoradb.core.arrays import slots_of
from memoradb.core.columns import IntArray
from memoradb.core.errors import EntityNotFound
from memoradb.core.values import Value

from ..graph.bitmaps import contained
from ..index.condition import Condition
from ..index.index import Index
from ..index.range_index import RangeIndex
from ..index.rebuilt import RebuiltIndex
from ..text.fulltext import FulltextIndex
from ..vector.vector_index import VectorIndex
from ..view import Element, IndexDefinition, RangeBound, Scored

if TYPE_CHECKING:
    from .view import OverlayView

_NONE = np.zeros(0, np.int64)


@dataclass(slots=True)
class _Private:
    """A private index, and what it was made of."""

    index: Index
    stamp: tuple[int, ...]
    dirty: BitMap
    """Old nodes that the snapshot's index must not speak for."""
    top: int
    """New nodes below this slot are in it."""


class OwnIndexes:
    """The private indexes of one overlay.

    Each question brings the overlay along: holding it would make a cycle, which keeps the overlay's snapshot, and all
    undo since, until the garbage collector comes by.
    """

    def __init__(self) -> None:
        self._private: dict[str, _Private] = {}

    def _own(self, view: OverlayView, name: str) -> _Private:
        """The private index called ``name``, brought up to date."""
        definition = _definition(view, name)
        changes = view.changes
        chunks = changes.chunks(definition.element)
        versions = changes.versions
        stamp = (
            versions["rollback"],
            versions[definition.element],
            *(versions[definition.element, key] for key in definition.keys),
            *(versions[label] for label in definition.labels),
        )
        found = self._private.get(name)
        if found is None or found.stamp != stamp or found.index.definition != definition:
            dirty = _dirty(view, definition)
            found = _Private(view.base.store.make_index(definition), stamp, dirty, chunks.base)
            _add(view, found.index, _older(view, definition) if _is_own(view, name) else slots_of(dirty))
            self._private[name] = found
        if found.top < chunks.top:
            _add(view, found.index, np.arange(found.top, chunks.top))
            found.top = chunks.top
        return found

    # --- answers

    def _range_index(self, view: OverlayView, name: str) -> tuple[_Private, RangeIndex]:
        private = self._own(view, name)
        if not isinstance(private.index, RangeIndex):
            raise EntityNotFound(f"`{name}` is no range index.", detail="IndexNotFound")
        return private, private.index

    def seek(self, view: OverlayView, name: str, values: Sequence[Value]) -> tuple[IntArray, IntArray]:
        """As ``GraphView.index_seek``."""
        if _untouched(view):
            return view.base.index_seek(name, values)
        private, index = self._range_index(view, name)
        positions, slots = (_NONE, _NONE) if _is_own(view, name) else view.base.index_seek(name, values)
        clean = np.flatnonzero(~contained(slots, private.dirty))
        own = index.seek_all(values, 0)
        positions = np.concatenate([positions.take(clean), own[0]])
        slots = np.concatenate([slots.take(clean), own[1]])
        order = np.lexsort((slots, positions))
        return positions.take(order), slots.take(order)

    def range(self, view: OverlayView, name: str, low: RangeBound | None, high: RangeBound | None) -> IntArray:
        """As ``GraphView.index_range``."""
        if _untouched(view):
            return view.base.index_range(name, low, high)
        private, index = self._range_index(view, name)
        known = _NONE if _is_own(view, name) else view.base.index_range(name, low, high)
        return _merged(known, private.dirty, index.range(low, high, 0))

    def prefix(self, view: OverlayView, name: str, prefix: str) -> IntArray:
        """As ``GraphView.index_prefix``."""
        if _untouched(view):
            return view.base.index_prefix(name, prefix)
        private, index = self._range_index(view, name)
        known = _NONE if _is_own(view, name) else view.base.index_prefix(name, prefix)
        return _merged(known, private.dirty, index.prefix(prefix, 0))

    def search(self, view: OverlayView, name: str, condition: Condition) -> IntArray:
        """As ``GraphView.index_search``."""
        if _untouched(view):
            return view.base.index_search(name, condition)
        private = self._own(view, name)
        index = private.index
        if not isinstance(index, RebuiltIndex):
            raise EntityNotFound(f"`{name}` is no index to search like this.", detail="IndexNotFound")
        known = _NONE if _is_own(view, name) else view.base.index_search(name, condition)
        own = index.candidates(condition, 0)
        if not index.is_exact(condition):
            definition = index.definition
            columns = [view.property(definition.element, own, key).values() for key in definition.keys]
            right = (condition.holds(row) for row in zip(*columns, strict=True))
            own = own.compress(np.fromiter(right, np.bool_, len(own)))
        return _merged(known, private.dirty, own)

    def vector_search(
        self, view: OverlayView, name: str, query: Sequence[float], k: int, candidates: BitMap | None
    ) -> Scored:
        """As ``GraphView.vector_search``."""
        if _untouched(view):
            return view.base.vector_search(name, query, k, candidates)
        private = self._own(view, name)
        if not isinstance(private.index, VectorIndex):
            raise EntityNotFound(f"`{name}` is no vector index.", detail="IndexNotFound")
        parts = [private.index.search(query, k, 0, candidates)]
        if not _is_own(view, name):
            known = view.base.vector_search(name, query, k + len(private.dirty), candidates)
            parts.append(_clean(known, private.dirty))
        return _best(parts, k)

    def text_search(self, view: OverlayView, name: str, query: str, k: int | None, candidates: BitMap | None) -> Scored:
        """As ``GraphView.text_search``."""
        if _untouched(view):
            return view.base.text_search(name, query, k, candidates)
        private = self._own(view, name)
        if not isinstance(private.index, FulltextIndex):
            raise EntityNotFound(f"`{name}` is no full-text index.", detail="IndexNotFound")
        parts = [private.index.search(query, k, 0, candidates)]
        if not _is_own(view, name):
            wanted = None if k is None else k + len(private.dirty)
            known = view.base.text_search(name, query, wanted, candidates)
            parts.append(_clean(known, private.dirty))
        return _best(parts, k)


def _definition(view: OverlayView, name: str) -> IndexDefinition:
    for definition in view.indexes():
        if definition.name == name:
            return definition
    raise EntityNotFound(f"There is no index `{name}`.", detail="IndexNotFound")


def _is_own(view: OverlayView, name: str) -> bool:
    return name in view.changes.created_indexes


def _older(view: OverlayView, definition: IndexDefinition) -> IntArray:
    """The elements of the snapshot that an index may cover."""
    if definition.element is Element.NODE:
        return slots_of(view.base.nodes())
    return view.base.relationships(definition.labels)


def _dirty(view: OverlayView, definition: IndexDefinition) -> BitMap:
    changes, element = view.changes, definition.element
    dirty = changes.dead[element]
    for key in definition.keys:
        dirty = dirty | BitMap(changes.patches.get((element, key), ()))
    for label in definition.labels if element is Element.NODE else ():
        for table in (changes.labels_added, changes.labels_removed):
            dirty = dirty | table.get(label, BitMap())
    return dirty & BitMap(range(changes.chunks(element).base))


def _add(view: OverlayView, index: Index, slots: IntArray) -> None:
    """Those of ``slots`` that are live and covered."""
    definition = index.definition
    live = slots.compress(~contained(slots, view.changes.dead[definition.element]))
    covered = np.zeros(len(live), np.bool_)
    if definition.element is Element.NODE:
        for label in definition.labels:
            covered |= view.has_label(live, label)
    elif len(live):
        types = view.relationship_type(live)
        covered = np.fromiter((type in definition.labels for type in types), np.bool_, len(types))
    live = live.compress(covered)
    if len(live):
        index.add(live, [view.property(definition.element, live, key) for key in definition.keys], 0)


def _untouched(view: OverlayView) -> bool:
    """Whether the snapshot's index tells everything."""
    changes = view.changes
    touched = changes.nodes or changes.relationships or changes.patches
    touched = touched or changes.labels_added or changes.labels_removed
    schema = changes.created_indexes or changes.dropped_indexes
    return not touched and not schema and not any(map(len, changes.dead.values()))


def _merged(known: IntArray, dirty: BitMap, own: IntArray) -> IntArray:
    return np.union1d(known.compress(~contained(known, dirty)), own)


def _clean(hits: Scored, dirty: BitMap) -> Scored:
    kept = np.flatnonzero(~contained(hits.slots, dirty))
    return Scored(hits.slots.take(kept), hits.scores.take(kept))


def _best(parts: Sequence[Scored], k: int | None) -> Scored:
    """The best ``k`` hits of all parts; ties by slot."""
    slots = np.concatenate([part.slots for part in parts])
    scores = np.concatenate([part.scores for part in parts])
    order = np.lexsort((slots, -scores))[: len(slots) if k is None else k]
    return Scored(slots.take(order), scores.take(order))
