"""What a transaction has changed so far, and how to take a part of it back."""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter, sub
from typing import Final, Generic, Protocol, TypeVar

import msgspec
import numpy as np
from pyroaring import BitMap

from memoradb.core.columns import Column, IntArray
from memoradb.core.errors import EntityNotFound
from memoradb.core.values import Value

from ..view import Counters, Element, IndexDefinition

_NONE: Final = BitMap()
"""Sets of deleted elements are replaced, never changed: all begin with this one."""


class _Chunk(Protocol):
    @property
    def start(self) -> int: ...
    @property
    def first_id(self) -> int: ...
    @property
    def count(self) -> int: ...


class NodeChunk(msgspec.Struct, frozen=True):
    """Nodes that were created together: consecutive slots and ids, the same labels."""

    start: int
    first_id: int
    count: int
    labels: tuple[str, ...]
    properties: Mapping[str, Column]


class RelationshipChunk(msgspec.Struct, frozen=True):
    """Relationships that were created together: consecutive slots and ids, one type; ends by slot."""

    start: int
    first_id: int
    type: str
    sources: IntArray
    targets: IntArray
    properties: Mapping[str, Column]

    @property
    def count(self) -> int:
        """How many."""
        return len(self.sources)


C = TypeVar("C", bound=_Chunk)
K = TypeVar("K")
V = TypeVar("V")


class Chunks(Generic[C]):
    """All new elements of one kind, by ascending slot from ``base`` to ``top``."""

    __slots__ = ("_starts", "_what", "base", "items", "top")

    def __init__(self, base: int, what: str) -> None:
        self.base = base
        self.top = base
        self.items: list[C] = []
        self._starts: list[int] = []
        self._what = what

    def __bool__(self) -> bool:
        return bool(self.items)

    def append(self, chunk: C) -> None:
        """A chunk that begins at ``top``."""
        self.items.append(chunk)
        self._starts.append(chunk.start)
        self.top += chunk.count

    def cut(self, count: int) -> None:
        """Keep the first ``count`` chunks."""
        del self.items[count:], self._starts[count:]
        self.top = self.items[-1].start + self.items[-1].count if self.items else self.base

    def at(self, slot: int) -> C:
        """The chunk that holds ``slot``; EntityNotFound where there is none."""
        if not self.base <= slot < self.top:
            raise EntityNotFound(f"There is no such {self._what}.")
        return self.items[bisect.bisect_right(self._starts, slot) - 1]

    def only(self, slots: IntArray) -> C | None:
        """The chunk that holds all of ``slots``, which are not empty and all new; None where there are several."""
        chunk = self.at(int(slots.min()))
        return chunk if int(slots.max()) < chunk.start + chunk.count else None

    def ids(self, slots: IntArray) -> IntArray:
        """Ids of new elements."""
        if len(slots) < 64:
            chunks = ((slot, self.at(slot)) for slot in slots.tolist())
            return np.array([chunk.first_id + slot - chunk.start for slot, chunk in chunks], np.int64)
        starts = np.array(self._starts, np.int64)
        firsts = np.array([chunk.first_id for chunk in self.items], np.int64)
        place = np.searchsorted(starts, slots, "right") - 1
        return firsts.take(place) + slots - starts.take(place)

    def slots_of(self, ids: IntArray, otherwise: IntArray) -> IntArray:
        """Slots of new elements by id, ``otherwise`` for ids of others. Ids ascend with chunks, as slots do."""
        if not self.items:
            return otherwise
        firsts = np.array([chunk.first_id for chunk in self.items], np.int64)
        counts = np.array([chunk.count for chunk in self.items], np.int64)
        place = np.searchsorted(firsts, ids, "right") - 1
        offset = ids - firsts.take(place, mode="clip")
        mine = (place >= 0) & (offset < counts.take(place, mode="clip"))
        return np.where(mine, offset + np.array(self._starts, np.int64).take(place, mode="clip"), otherwise)


@dataclass(frozen=True, slots=True)
class Savepoint:
    """A moment to go back to."""

    journal: int
    node_chunks: int
    relationship_chunks: int
    counters: Counters
    written: int = 0
    """Bytes that were accounted for by then."""


class Changes:
    """All changes of one transaction. Once there is a savepoint, every change leaves its inverse in a journal."""

    def __init__(self, nodes_top: int, relationships_top: int) -> None:
        self.nodes: Chunks[NodeChunk] = Chunks(nodes_top, "node")
        self.relationships: Chunks[RelationshipChunk] = Chunks(relationships_top, "relationship")
        self.patches: dict[tuple[Element, str], dict[int, Value]] = {}
        """By kind and key: new values by slot, of old and new elements."""
        self._created_with: dict[str, BitMap] = {}
        self._labelled = 0
        """Chunks of new nodes that ``created_with`` knows."""
        self.labels_added: dict[str, BitMap] = {}
        self.labels_removed: dict[str, BitMap] = {}
        self.relabelled = _NONE
        """Nodes that labels were given to or taken from, be it in vain: so they are to be in the end."""
        self.dead: dict[Element, BitMap] = {Element.NODE: _NONE, Element.RELATIONSHIP: _NONE}
        self.undetached = _NONE
        """Nodes deleted in this statement without their relationships."""
        self.created_indexes: dict[str, IndexDefinition] = {}
        self.dropped_indexes: frozenset[str] = frozenset()
        self.notes: dict[str, Value] = {}
        """See ``GraphStore.notes``; null forgets one. Set by imports alone, which use no savepoints."""
        self.counters = Counters()
        self.versions: defaultdict[Hashable, int] = defaultdict(int)
        """How often a key, a label or the dead were changed, and how often something was taken back."""
        self._journal: list[Callable[[], None]] | None = None

    @property
    def created_with(self) -> dict[str, BitMap]:
        """By label: new nodes that were created with it."""
        found, items = self._created_with, self.nodes.items
        if self._labelled < len(items):
            for chunk in items[self._labelled :]:
                for label in chunk.labels:
                    known = found.get(label)
                    if known is None:
                        known = found[label] = BitMap()
                    known.add_range(chunk.start, chunk.start + chunk.count)
            self._labelled = len(items)
        return found

    @property
    def dead_nodes(self) -> BitMap:
        """Deleted nodes."""
        return self.dead[Element.NODE]

    @property
    def dead_relationships(self) -> BitMap:
        """Deleted relationships."""
        return self.dead[Element.RELATIONSHIP]

    def chunks(self, element: Element) -> Chunks[NodeChunk] | Chunks[RelationshipChunk]:
        """New elements of a kind."""
        return self.nodes if element is Element.NODE else self.relationships

    @property
    def only_adds(self) -> bool:
        """Whether there is nothing but new elements."""
        return not (
            self.patches
            or self.labels_added
            or self.labels_removed
            or self.created_indexes
            or self.dropped_indexes
            or self.notes
            or self.dead[Element.NODE]
            or self.dead[Element.RELATIONSHIP]
        )

    # --- changing

    def add_nodes(self, chunk: NodeChunk) -> None:
        """New nodes."""
        self.nodes.append(chunk)

    def add_relationships(self, chunk: RelationshipChunk) -> None:
        """New relationships."""
        self.relationships.append(chunk)

    def patch(self, element: Element, key: str, slots: Sequence[int], values: Sequence[Value]) -> None:
        """Values of one key."""
        patches = self.patches.setdefault((element, key), {})
        if self._journal is not None:
            before = {slot: patches[slot] for slot in slots if slot in patches}
            touched = tuple(slots)

            def take_back() -> None:
                for slot in touched:
                    patches.pop(slot, None)
                patches.update(before)

            self._journal.append(take_back)
        patches.update(zip(slots, values, strict=True))
        self.versions[element, key] += 1

    def put(self, table: dict[str, BitMap], label: str, nodes: BitMap) -> None:
        """Replace a set of ``labels_added`` or ``labels_removed``."""
        self._put(table, label, nodes)
        self.versions[label] += 1

    def bury(self, element: Element, slots: BitMap) -> None:
        """Replace the set of deleted elements of a kind."""
        self._put(self.dead, element, slots)
        self.versions[element] += 1

    def put_index(self, definition: IndexDefinition) -> None:
        """A new index."""
        self._put(self.created_indexes, definition.name, definition)

    def drop_index(self, name: str) -> None:
        """An index less, whether it is older than the transaction or not."""
        if name in self.created_indexes:
            self._put(self.created_indexes, name, None)
            return
        before = self.dropped_indexes
        if self._journal is not None:
            self._journal.append(lambda: setattr(self, "dropped_indexes", before))
        self.dropped_indexes = before | {name}

    def _put(self, table: dict[K, V], key: K, value: V | None) -> None:
        """``table[key] = value``, or without the key where ``value`` is None."""
        if self._journal is not None:
            before = table.get(key)
            self._journal.append(lambda: _assign(table, key, before))
        _assign(table, key, value)

    # --- savepoints

    def savepoint(self) -> Savepoint:
        """Now, as a moment to go back to."""
        if self._journal is None:
            self._journal = []
        return Savepoint(
            len(self._journal), len(self.nodes.items), len(self.relationships.items), copied(self.counters)
        )

    def roll_back(self, mark: Savepoint) -> None:
        """Take everything back since ``mark``."""
        assert self._journal is not None
        while len(self._journal) > mark.journal:
            self._journal.pop()()
        top = self.nodes.top
        self.nodes.cut(mark.node_chunks)
        self.relationships.cut(mark.relationship_chunks)
        for bitmap in self._created_with.values():
            bitmap.remove_range(self.nodes.top, top)
        self._labelled = min(self._labelled, mark.node_chunks)
        self.undetached = BitMap()
        self.counters = Counters(*_counts(mark.counters))
        self.versions["rollback"] += 1


def _assign(table: dict[K, V], key: K, value: V | None) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value


_COUNTS = tuple(field.name for field in fields(Counters))
_counts = attrgetter(*_COUNTS)
_NO_COUNTS = (0,) * len(_COUNTS)
_NOTHING_YET: Final = Counters()
"""What most statements begin with; never changed."""


def copied(counters: Counters, before: Counters | None = None) -> Counters:
    """The same counts in an object of their own, or what was added since ``before``."""
    counts = _counts(counters)
    if before is None:
        return _NOTHING_YET if counts == _NO_COUNTS else Counters(*counts)
    return Counters(*counts) if before is _NOTHING_YET else Counters(*map(sub, counts, _counts(before)))
