"""What a transaction has read, kept so that its commit can ask whether any of it has changed since.

An explicit serializable transaction reads through an ``overlay.recorder.Recorder``, which notes here what every answer
rested on before it asks the overlay. At commit ``validation`` holds the notes against what commits since the
transaction's snapshot wrote: precision locking (Jordan, Banerjee and Batman 1981), as HyPer does it over undo (Neumann,
Mühlbauer and Kemper 2015). Everything is by slot of the snapshot and as narrow as is cheap: which elements by property
key, label and direction; for what is *not* there (phantoms) the label, the relationship type or the place in an index
that was searched. Statistics are not noted: they choose plans, and no answer rests on them.

A new method of ``GraphView`` that answers from what commits may change needs its twin in ``Recorder``, which calls:

    ``property``, ``whole``, ``existence``     of elements that are known
    ``label``, ``labels_of``                   likewise: one label of them, or all
    ``label_scan``, ``node_scan``, ``relationship_scan``   who is there
    ``expansion``                              the relationships of nodes
    ``index_keys``, ``index_test``, ``index_scan``   places in an index: some keys, what passes a test, all of it
    ``schema``, ``names``                      which indexes there are; which labels, types or keys
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from pyroaring import BitMap

from memoradb.core.arrays import is_run
from memoradb.core.columns import IntArray
from memoradb.core.semantics import equivalence_key
from memoradb.core.values import Value

from .graph.bitmaps import bitmap_of
from .view import Direction, Element, Fact, IndexDefinition

Place: TypeAlias = tuple[Element, tuple[str, ...], tuple[str, ...]]
"""Where an index looks: the kind of element, its labels (or relationship types) and its keys."""

Test: TypeAlias = Callable[[Sequence[Value]], bool]
"""Whether an element with these values, by key, belongs to what was searched for. Null is among them."""

Names: TypeAlias = Literal["labels", "relationship_types", "property_keys"]

RUN_ROWS_MIN: Final = 1_024
"""From so many slots on it is asked whether they follow each other, as those of a scan do: such a run is one range."""

TESTS_MAX: Final = 256
"""Ranges and prefixes noted of one index; a transaction that searched for more has read all of it."""


PENDING_ROWS_MAX: Final = 1 << 20
"""Rows that are kept as they were read: 8 MB."""

PENDING_PARTS_MAX: Final = 1_024
"""Likewise batches, for transactions of many small statements."""


@dataclass(slots=True)
class IndexReads:
    """What was searched for in one index."""

    keys: set[Any] = field(default_factory=set)
    """Equivalence keys of values, or tuples of them where the index has several keys."""
    tests: list[Test] = field(default_factory=list)
    everything: bool = False


class SlotSet:
    """Slots as they were read; made a set only when somebody asks, for a transaction that meets no other never."""

    __slots__ = ("_parts", "_rows", "_set")

    def __init__(self) -> None:
        self._parts: list[IntArray] = []
        self._rows = 0
        self._set = BitMap()

    def add(self, slots: IntArray) -> None:
        """Some more, in any order."""
        if len(slots) >= RUN_ROWS_MIN and is_run(slots):
            self._set.add_range(int(slots[0]), int(slots[-1]) + 1)
            return
        self._parts.append(slots)
        self._rows += len(slots)
        if self._rows > PENDING_ROWS_MAX or len(self._parts) > PENDING_PARTS_MAX:
            self._fold()

    def meets(self, slots: BitMap) -> bool:
        """Whether any of ``slots`` was read."""
        if not slots:
            return False
        self._fold()
        return self._set.intersect(slots)

    def _fold(self) -> None:
        if self._parts:
            self._set |= bitmap_of(np.concatenate(self._parts))
            self._parts, self._rows = [], 0


class Reads:
    """Notes of one transaction. Its own new elements may be among them: validation asks for older ones only."""

    def __init__(self) -> None:
        self.properties: defaultdict[tuple[Element, str], SlotSet] = defaultdict(SlotSet)
        self.elements: dict[Element, BitMap] = {Element.NODE: BitMap(), Element.RELATIONSHIP: BitMap()}
        """All properties of these, and whether there are any."""
        self.seen: dict[Element, BitMap] = {Element.NODE: BitMap(), Element.RELATIONSHIP: BitMap()}
        """Whether these exist, and nothing else."""
        self.absent: dict[Element, set[int]] = {Element.NODE: set(), Element.RELATIONSHIP: set()}
        """Ids that stood for nothing."""
        self.labels: defaultdict[str, SlotSet] = defaultdict(SlotSet)
        """By label: nodes that were tested for it."""
        self.all_labels = BitMap()
        """Nodes of which every label was read."""
        self.scanned_labels: set[str] = set()
        self.scanned_types: set[str | None] = set()
        """Relationship types of which every relationship was read; None is all types."""
        self.all_nodes = False
        self.expanded: defaultdict[tuple[str | None, bool], SlotSet] = defaultdict(SlotSet)
        """By type (None: any) and whether going out: nodes whose relationships were read."""
        self.indexes: dict[Place, IndexReads] = {}
        self.facts: set[Fact] = set()
        self.names: set[Names] = set()
        self.schema_read = False

    # --- elements that are known

    def property(self, element: Element, slots: IntArray, key: str) -> None:
        """One property of these was read, be it null."""
        self.properties[element, key].add(slots)

    def whole(self, element: Element, slot: int) -> None:
        """All properties of an element."""
        self.elements[element].add(slot)

    def existence(self, element: Element, slots: IntArray) -> None:
        """That these are there."""
        self.seen[element] |= bitmap_of(slots)

    def missing(self, element: Element, ids: IntArray) -> None:
        """These ids stand for no element."""
        self.absent[element].update(ids.tolist())

    def label(self, slots: IntArray, label: str) -> None:
        """Whether these nodes have one label."""
        self.labels[label].add(slots)

    def labels_of(self, slot: int) -> None:
        """All labels of a node."""
        self.all_labels.add(slot)

    # --- who is there

    def node_scan(self) -> None:
        """All nodes."""
        self.all_nodes = True

    def label_scan(self, label: str) -> None:
        """All nodes with a label."""
        self.scanned_labels.add(label)

    def relationship_scan(self, types: Sequence[str] | None) -> None:
        """All relationships of these types; None is any."""
        self.scanned_types.update((None,) if types is None else types)

    def expansion(self, sources: IntArray, types: Sequence[str] | None, direction: Direction) -> None:
        """All relationships of these nodes, of these types (None: any)."""
        for type in (None,) if types is None else types:
            for outgoing in (True, False):
                if direction is not (Direction.IN if outgoing else Direction.OUT):
                    self.expanded[type, outgoing].add(sources)

    # --- indexes

    def index_keys(self, definition: IndexDefinition, keys: Sequence[Value]) -> None:
        """Elements whose value is one of ``keys``: a list of values for each where the index has several keys."""
        reads = self._index(definition)
        for value in keys:
            try:
                key = index_key(value if len(definition.keys) > 1 else (value,))
                if key is not None:
                    reads.keys.add(key)
            except TypeError:
                continue  # a value that cannot be stored is nowhere, and never will be

    def index_test(self, definition: IndexDefinition, test: Test) -> None:
        """Elements whose values pass ``test``: a range, a prefix, whatever an index can look for."""
        reads = self._index(definition)
        if len(reads.tests) < TESTS_MAX:
            reads.tests.append(test)
        else:
            reads.everything = True

    def index_scan(self, definition: IndexDefinition) -> None:
        """What any element in the index may change: the answer of a ranked search."""
        self._index(definition).everything = True

    def _index(self, definition: IndexDefinition) -> IndexReads:
        return self.indexes.setdefault((definition.element, definition.labels, definition.keys), IndexReads())

    # --- the graph as such

    def fact(self, fact: Fact) -> None:
        """A plan left out checks since ``fact`` holds."""
        self.facts.add(fact)

    def names_of(self, what: Names) -> None:
        """The names in use of one kind."""
        self.names.add(what)

    def schema(self) -> None:
        """Which indexes there are."""
        self.schema_read = True


def index_key(values: Sequence[Value]) -> Any:
    """What equal values of an index have in common; None where an index does not hold them.

    >>> index_key([1]) == index_key([1.0]), index_key([None])
    (True, None)
    """
    if any(value is None or value != value for value in values):
        return None
    return equivalence_key(values[0]) if len(values) == 1 else tuple(map(equivalence_key, values))
