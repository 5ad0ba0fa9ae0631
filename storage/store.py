"""The newest graph, in place: what ``apply`` changes and snapshots read.

Elements live at slots, dense positions in apply order. Reading at a log position takes the pinned bitmaps of a
``Snapshot``, the columns' undo, and slots as their own visibility: what is below the snapshot's count existed then.

The writer may be ahead of what is committed: ``apply`` changes the store as soon as a changeset has its place in the
log, so that the next writer builds on it and both share one sync, but readers get the *published* snapshot, which is
committed. The newest applied one is the *head*.
"""

from __future__ import annotations

import weakref
from collections import deque
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from pyroaring import BitMap

from memoradb.core.arrays import slots_of
from memoradb.core.columns import Column, ConstantColumn, IntArray
from memoradb.core.limits import DELTA_EDGES_MAX
from memoradb.core.values import Value

from .graph.adjacency import Adjacency, AdjacencyState
from .graph.bitmaps import mask_of
from .graph.slots import ElementTable, RelationshipTable
from .index.composite_index import CompositeIndex
from .index.declared import Declared
from .index.index import Index
from .index.point_index import PointIndex
from .index.range_index import RangeIndex
from .index.rebuilt import RebuiltIndex
from .index.text_index import TextIndex
from .properties.column import PropertyColumn
from .properties.pieced import decoded_cache
from .statistics import Measured
from .text.fulltext import FulltextIndex
from .undo import UndoLog
from .vector.vector_index import VectorIndex
from .view import Element, IndexDefinition, IndexKind

if TYPE_CHECKING:
    from .index.builder import IndexBuilder
    from .snapshot import Snapshot
    from .view import Statistics

PRUNE_CHANGES = 1_024
"""Changed elements between two looks for undo that can go."""


_Key = TypeVar("_Key")
_Item = TypeVar("_Item")


class PinnedDict(dict[_Key, _Item]):
    """A dictionary of which copies are taken often: one serves until it changes. One writer."""

    _copy: dict[_Key, _Item] | None = None

    def __setitem__(self, key: _Key, item: _Item) -> None:
        super().__setitem__(key, item)
        self._copy = None

    def pinned(self) -> dict[_Key, _Item]:
        """What it holds now; never changed."""
        found = self._copy
        if found is None:
            found = self._copy = dict(self)
        return found


@cache
def _snapshot_class() -> type[Snapshot]:
    from .snapshot import Snapshot

    return Snapshot


_NEWEST = 1 << 62
"""A position that no commit reaches: a changeset that is half applied is ahead of the store's own."""


class GraphStore:
    """All of one graph. One writer; readers go through snapshots."""

    def __init__(self, uuid: str) -> None:
        self.uuid = uuid
        self.position = 0
        """Log position of the newest changeset that was applied."""
        self.nodes = ElementTable()
        self.relationships = RelationshipTable()
        self.labels: PinnedDict[str, BitMap] = PinnedDict()
        self.live_nodes = BitMap()
        self.types: list[str] = []
        self.type_codes: dict[str, int] = {}
        self.adjacency: dict[str, Adjacency] = {}
        self.live_by_type: PinnedDict[str, int] = PinnedDict()
        self.undo = UndoLog()
        self.decoded = decoded_cache()
        """What was decoded of columns that are in files."""
        self.columns: dict[Element, dict[str, PropertyColumn]] = {Element.NODE: {}, Element.RELATIONSHIP: {}}
        self.indexes: dict[str, Index] = {}
        self.notes: dict[str, Value] = {}
        """Facts about the graph itself, by name, which commit with the data: how far an import has come. No query sees
        them. Replaced, never changed."""
        self.builder: IndexBuilder | None = None
        """Builds large indexes in the background; None: they are built at once."""
        self.schema_version = 0
        self.generation = 0
        self.folds_elsewhere = False
        """A thread folds deltas: the writer need not, unless that cannot keep up."""
        self._states: dict[str, AdjacencyState] | None = None
        self._changes = 0
        self._snapshots: list[weakref.ref[Snapshot]] = []
        """All that may still be read; those that nobody holds any more go now and then."""
        self._unpublished: deque[Snapshot] = deque()
        self._published: Snapshot | None = None
        self._head: Snapshot | None = None
        self._prune_due = PRUNE_CHANGES
        self._snapshots_due = 2 * PRUNE_CHANGES
        self.measured = Measured()
        """What was found out about its states, for their statistics."""

    @property
    def statistics(self) -> Statistics:
        """Of the newest applied state; called by the writer."""
        return self.pin().statistics

    # --- ids

    def table(self, element: Element) -> ElementTable:
        """Ids and slots of one kind of element."""
        return self.nodes if element is Element.NODE else self.relationships

    def reserve(self, element: Element, count: int) -> int:
        """The first of ``count`` new ids; never handed out again, used or not."""
        return self.table(element).reserve(count)

    # --- snapshots

    def snapshot(self) -> Snapshot:
        """The newest committed state; one object for as long as nothing is published."""
        if self._published is None:
            self._published = self.pin()
        return self._published

    def head(self) -> Snapshot:
        """The newest applied state, for the writer that goes on from it; it may not be committed yet."""
        return self._head or self.snapshot()

    def pin(self) -> Snapshot:
        """A snapshot of the newest applied state, of its own; called by the writer."""
        pinned = _snapshot_class()(self)
        self._snapshots.append(weakref.ref(pinned))
        if len(self._snapshots) > self._snapshots_due:
            self._living()
        return pinned

    def _living(self) -> list[Snapshot]:
        """The snapshots that somebody may read; by the writer."""
        living = [found for held in self._snapshots if (found := held()) is not None]
        self._snapshots = [weakref.ref(snapshot) for snapshot in living]
        self._snapshots_due = 2 * max(PRUNE_CHANGES, len(living))
        return living

    def applied(self, position: int, changed: int) -> None:
        """A changeset of so many elements is in place; called by the writer. Readers see it once it is published."""
        self.position = position
        self._changes += changed
        self._prune_due -= changed
        if self._changes * 5 > self.nodes.count + self.relationships.count + 100:
            self._changes = 0
            self.generation += 1
        self._head = self.pin()
        self._unpublished.append(self._head)

    def publish(self, position: int) -> None:
        """Everything up to ``position`` is committed: new readers see it. One caller at a time."""
        waiting = self._unpublished
        while waiting and waiting[0].position <= position:
            self._published = waiting.popleft()
        if self._published is not None:
            self.undo.published = self._published.position

    def adjacency_states(self) -> dict[str, AdjacencyState]:
        """The adjacency of every type; one object for as long as there is no other type and no other base."""
        found = self._states
        if found is None:
            found = self._states = {type: adjacency.state for type, adjacency in self.adjacency.items()}
        return found

    def refresh(self) -> None:
        """Let new readers see bases that were folded since; called by the writer, the graph is the same."""
        self._states = None
        if not self._unpublished:
            self._head = self._published = self.pin()

    def prune_if_due(self) -> None:
        """Now and then, drop undo that no snapshot can ask for; called by the writer before it writes."""
        if self._prune_due > 0:
            return
        oldest = min((snapshot.position for snapshot in self._living()), default=None)
        self.undo.prune(oldest)
        if oldest is not None:
            oldest = max(oldest, self.undo.horizon)  # who is older can read no more
        for index in self.indexes.values():
            index.prune(oldest)
        self._prune_due = max(PRUNE_CHANGES, len(self.undo))

    # --- relationships

    def add_relationships(self, type: str, ids: IntArray, sources: IntArray, targets: IntArray) -> IntArray:
        """New relationships of one type between slots; returns their slots."""
        slots = self.relationships.extend(ids, self.type_code(type), sources, targets)
        self.link(type, sources, targets, slots)
        return slots

    def add_relationship(self, type: str, id: int, source: int, target: int) -> None:
        """One new relationship between slots."""
        slot = self.relationships.extend_one(id, self.type_code(type), source, target)
        self.adjacency[type].append_one(source, target, slot)
        self._linked(type, 1)

    def type_code(self, type: str) -> int:
        """The code of a relationship type, given now if it has none."""
        code = self.type_codes.get(type)
        if code is None:
            code = len(self.types)
            self.types.append(type)
            self.type_codes[type] = code
            self.adjacency[type] = Adjacency()
            self.live_by_type[type] = 0
        return code

    def link(self, type: str, sources: IntArray, targets: IntArray, slots: IntArray) -> None:
        """Let new relationships of one type, which have their slots, be followed."""
        self.adjacency[type].append(sources, targets, slots, self.nodes.count)
        self._linked(type, len(slots))

    def _linked(self, type: str, count: int) -> None:
        adjacency = self.adjacency[type]
        self.live_by_type[type] += count
        if adjacency.is_due() and (not self.folds_elsewhere or adjacency.state.delta.count > 4 * DELTA_EDGES_MAX):
            adjacency.fold(self.nodes.count)
        if self._states is not None and self._states.get(type) is not adjacency.state:
            self._states = None

    def fold(self) -> None:
        """All deltas into their bases: after bulk loads and before checkpoints."""
        for adjacency in self.adjacency.values():
            adjacency.fold(self.nodes.count)
        self.refresh()

    # --- properties

    def column(self, element: Element, key: str) -> PropertyColumn:
        """The column of a key, made if there is none."""
        columns = self.columns[element]
        found = columns.get(key)
        if found is None:
            found = columns[key] = PropertyColumn(self.undo)
        return found

    # --- indexes

    def make_index(self, definition: IndexDefinition) -> Index:
        """An empty index of the definition's kind."""
        match definition.kind:
            case IndexKind.VECTOR:
                return VectorIndex(definition)
            case IndexKind.FULLTEXT:
                return FulltextIndex(definition)
            case IndexKind.TEXT:
                return TextIndex(definition)
            case IndexKind.POINT:
                return PointIndex(definition)
            case IndexKind.RANGE | IndexKind.UNIQUE | IndexKind.KEY:
                return RangeIndex(definition) if len(definition.keys) == 1 else CompositeIndex(definition)
            case IndexKind.LOOKUP | IndexKind.EXISTENCE | IndexKind.TYPE:
                return Declared(definition)

    def refill_later(self, definition: IndexDefinition) -> None:
        """A new index in the place of the one with that name, filled from the columns when it is first used.

        For indexes that checkpoints do not keep, and where nobody reads an older state.
        """
        index = self.make_index(definition)
        assert isinstance(index, RebuiltIndex)
        index.fill_later(lambda: self.indexed_values(definition))
        self.indexes = {**self.indexes, definition.name: index}

    def fill_index(self, index: Index, position: int) -> None:
        """All live elements that the definition covers into a new index."""
        slots, values = self.indexed_values(index.definition)
        if len(slots):
            index.add(slots, values, position)

    def covered_slots(self, definition: IndexDefinition) -> IntArray:
        """The live elements with any of an index's labels, or of its types, ascending."""
        if definition.element is Element.NODE:
            covered = BitMap()
            for label in definition.labels:
                covered = covered | self.labels.get(label, BitMap())
            return slots_of(covered)
        table = self.relationships
        codes = [self.type_codes[type] for type in definition.labels if type in self.type_codes]
        slots = np.flatnonzero(np.isin(table.type_code[: table.count], codes))
        return slots.compress(~mask_of(table.dead, table.count).take(slots)) if len(table.dead) else slots

    def indexed_values(self, definition: IndexDefinition) -> tuple[IntArray, list[Column]]:
        """The elements with any of an index's labels, and their newest values by key."""
        slots = self.covered_slots(definition)
        columns, null = self.columns[definition.element], ConstantColumn(None, len(slots))
        held = (columns.get(key) for key in definition.keys)
        return slots, [null if column is None else column.gather(slots, _NEWEST) for column in held]

    # --- state hash

    def state_hash(self) -> bytes:
        """A hash of what the graph holds, by id: equal on every machine for equal logs, whatever the layout."""
        return self.head().state_hash()
