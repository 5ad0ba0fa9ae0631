"""What the engine sees of the graph: a view to read, and a view to write.

``GraphView`` is one consistent state: a ``Snapshot`` (committed, at a log position) or a writer's ``Overlay`` (the
same plus its own uncommitted changes). Everything is by batch and by slot; names of labels, types and keys are
strings, and one that the graph does not know behaves as empty. ``GraphWriter`` is the overlay's other half; nothing
else changes a graph, and what it did becomes one changeset at commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from memoradb.core.columns import BoolArray, Column, FloatArray, IntArray
from memoradb.core.values import Value

from .summary import DegreeSummary, ValueSummary

if TYPE_CHECKING:
    from .index.condition import Condition

Number = TypeVar("Number", np.int64, np.float64)
"""What may be added up over neighbours."""


class Direction(IntEnum):
    """Which way a relationship is followed from its source row."""

    OUT = 0
    IN = 1
    BOTH = 2

    @property
    def reversed(self) -> Direction:
        """The same as seen from the other end."""
        return (Direction.IN, Direction.OUT, Direction.BOTH)[self]


class Element(Enum):
    """What a property or an index belongs to."""

    NODE = "NODE"
    RELATIONSHIP = "RELATIONSHIP"

    __hash__ = object.__hash__  # members are unique; Enum's own hash is a call in Python for every look-up


class IndexKind(Enum):
    """The kinds of index, by their names in SHOW INDEXES."""

    RANGE = "RANGE"
    UNIQUE = "UNIQUE"  # the range index that enforces a uniqueness constraint
    KEY = "KEY"  # the range index that enforces a key constraint: unique, and every key is there
    TEXT = "TEXT"
    POINT = "POINT"
    FULLTEXT = "FULLTEXT"
    VECTOR = "VECTOR"
    LOOKUP = "LOOKUP"  # label and type look-ups, which need no structure of their own
    EXISTENCE = "EXISTENCE"  # a constraint without an index: the property is there
    TYPE = "TYPE"  # a constraint without an index: the property, if there, has a type

    def __init__(self, name: str) -> None:
        self.is_constraint = name in ("UNIQUE", "KEY", "EXISTENCE", "TYPE")
        """Whether it says what data must be like."""
        self.is_index = name not in ("EXISTENCE", "TYPE")
        """Whether it can find elements: SHOW INDEXES lists it."""
        self.is_ordered = name in ("RANGE", "UNIQUE", "KEY")
        """Whether it is a range index, by itself or for a constraint."""
        self.is_unique = name in ("UNIQUE", "KEY")
        """Whether no two elements may have the same values."""


@dataclass(frozen=True, slots=True)
class IndexState:
    """How far an index is: only one that is ``ONLINE`` answers; ``percent`` of the elements are in it.

    ``POPULATING`` is one that is being built; where an error ended that it is ``FAILED``, and ``failure`` says why.
    """

    name: str = "ONLINE"
    percent: float = 100.0
    failure: str = ""

    @property
    def is_online(self) -> bool:
        """Whether it can be asked."""
        return self.name == "ONLINE"


ONLINE = IndexState()


@dataclass(frozen=True, slots=True)
class IndexDefinition:
    """An index or a constraint as declared. ``labels`` are relationship types where ``element`` says so.

    RANGE, UNIQUE and KEY have one label and one or several keys; TEXT, POINT, VECTOR, EXISTENCE and TYPE one of each;
    FULLTEXT one or more of each; LOOKUP none. ``options``: for VECTOR ``dimensions`` (int) and ``similarity``
    (``cosine`` | ``euclidean``), ``m``, ``ef_construction``; for FULLTEXT ``analyzer``; for TYPE ``type``, as
    ``core.property_type`` reads it.
    """

    name: str
    kind: IndexKind
    element: Element
    labels: tuple[str, ...]
    keys: tuple[str, ...]
    options: tuple[tuple[str, Value], ...] = ()


def definition_to_value(definition: IndexDefinition) -> Value:
    """An index definition as a plain value, for the log and for checkpoints."""
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


@dataclass(frozen=True, slots=True)
class Neighbours:
    """An expansion: row ``source_position[i]`` of the input reaches ``node[i]`` by ``relationship[i]``.

    Non-decreasing in ``source_position``; within one source in relationship-slot order.
    """

    source_position: IntArray
    node: IntArray
    relationship: IntArray


@dataclass(frozen=True, slots=True)
class NeverNull:
    """Every node with ``label`` has property ``key``."""

    label: str
    key: str


@dataclass(frozen=True, slots=True)
class EndsLabelled:
    """Every relationship of ``type`` ends (``outgoing``) or starts at a node with ``label``."""

    type: str
    outgoing: bool
    label: str


@dataclass(frozen=True, slots=True)
class LoopFree:
    """No relationship of ``type`` starts and ends at one node."""

    type: str


Fact: TypeAlias = NeverNull | EndsLabelled | LoopFree
"""What may spare a query checks; ``storage.facts`` decides it."""


def part_of(neighbours: Neighbours, first: int, stop: int) -> Neighbours:
    """Of each source's relationships those from ``first`` to ``stop``: the slow twin of ``expand_part``."""
    positions = neighbours.source_position
    starts = np.flatnonzero(np.diff(positions, prepend=-1))
    number = np.arange(len(positions)) - np.repeat(starts, np.diff(starts, append=len(positions)))
    kept = np.flatnonzero((number >= first) & (number < stop))
    return Neighbours(positions.take(kept), neighbours.node.take(kept), neighbours.relationship.take(kept))


def sums_of(neighbours: Neighbours, values: NDArray[Number], count: int) -> NDArray[Number]:
    """For each of ``count`` sources the sum of ``values`` over its neighbours: the slow twin of ``neighbour_sums``.

    A neighbour beyond the values adds nothing: a deleted node that its relationships still name.
    """
    sums = np.zeros(count, values.dtype)
    known = np.flatnonzero(neighbours.node < len(values))
    np.add.at(sums, neighbours.source_position.take(known), values.take(neighbours.node.take(known)))
    return sums


@dataclass(frozen=True, slots=True)
class Scored:
    """Search hits, best first: element slots and scores."""

    slots: IntArray
    scores: FloatArray


@dataclass(frozen=True, slots=True)
class RangeBound:
    """One end of a range look-up."""

    value: Value
    inclusive: bool


@dataclass(frozen=True, slots=True)
class Follows:
    """Relationships as seen from a node: of these types (none named: of any), in this direction."""

    types: tuple[str, ...]
    direction: Direction

    @staticmethod
    def of(type: str | None, direction: Direction) -> Follows:
        """Those of one type, None: of any."""
        return Follows(() if type is None else (type,), direction)


class Statistics(Protocol):
    """What is known of one state of the graph, for estimates. Unknown names are those of nothing.

    Counts are exact, but for very many relationships between two labels; ``DegreeSummary`` and ``ValueSummary`` say
    whether they are, and may be of a state a little older.
    """

    def labels(self) -> Sequence[str]:
        """Labels in use, sorted."""
        ...

    def nodes(self) -> int:
        """Live nodes."""
        ...

    def nodes_with_label(self, label: str) -> int:
        """Live nodes with the label."""
        ...

    def nodes_with_labels(self, labels: Sequence[str]) -> int:
        """Live nodes with all of these labels."""
        ...

    def relationships(self, type: str | None = None) -> int:
        """Live relationships, of one type or all."""
        ...

    def relationships_between(self, source: str | None, type: str | None, target: str | None) -> int:
        """Relationships (:source)-[:type]->(:target); None is any."""
        ...

    def degrees(self, label: str | None, type: str | None, direction: Direction) -> DegreeSummary:
        """How many relationships of one type (None: of any) the nodes with a label (None: all nodes) have."""
        ...

    def degree_after(self, labels: Sequence[str], before: Follows, then: Follows) -> float:
        """Mean number of ``then`` relationships of a node with the labels that a ``before`` relationship belongs to.

        Both as seen from that node. A node of many relationships is met more often: where both are the same this is
        E[d²] / E[d], not E[d], and the mean alone hides hubs.
        """
        ...

    def values(
        self, label: str | None, key: str, element: Element = Element.NODE, met_by: Follows | None = None
    ) -> ValueSummary:
        """The values of a property over the nodes with a label, or the relationships of a type; None is all.

        ``met_by``: over nodes as such relationships (as seen from the node, of one type) meet them: each as often as
        it has some.
        """
        ...

    def has_loops(self, type: str) -> bool:
        """Whether a relationship of the type leads from a node to itself."""
        ...

    def has_parallels(self, type: str) -> bool | None:
        """Whether two relationships of the type have the same start and the same end. Looks at all of them, once."""
        ...

    def generation(self) -> int:
        """Grows when the counts have changed enough that plans should be made again."""
        ...


class GraphView(Protocol):
    """One consistent state of the graph."""

    @property
    def schema_version(self) -> int:
        """Grows with every index created or dropped (cached plans ask)."""
        ...

    @property
    def generation(self) -> int:
        """That of its statistics, which need not be made to tell it."""
        ...

    @property
    def statistics(self) -> Statistics:
        """Of what is committed, for plans: no answer rests on them, so asking them is no read."""
        ...

    def measured(self) -> Statistics:
        """Of this very view, with a transaction's own changes; what they read is read like anything else."""
        ...

    # --- names
    def labels(self) -> Sequence[str]:
        """Labels in use or once used, sorted."""
        ...

    def relationship_types(self) -> Sequence[str]:
        """Likewise."""
        ...

    def property_keys(self) -> Sequence[str]:
        """Likewise."""
        ...

    # --- nodes
    def node_count(self) -> int: ...

    @property
    def nodes_top(self) -> int:
        """One above the highest slot of any node, of deleted ones too: the size of an array by node."""
        ...

    def nodes(self) -> BitMap:
        """Slots of all nodes. Read only."""
        ...

    def nodes_with_label(self, label: str) -> BitMap:
        """Slots of the nodes with the label. Read only."""
        ...

    def has_label(self, slots: IntArray, label: str) -> BoolArray:
        """Whether each node has the label."""
        ...

    def node_labels(self, slot: int) -> tuple[str, ...]:
        """The node's labels, in the order in which the graph first saw them."""
        ...

    def node_is_live(self, slot: int) -> bool:
        """False once this view deleted it."""
        ...

    # --- relationships
    def relationship_count(self) -> int: ...

    def relationships(self, types: Sequence[str] | None = None) -> IntArray:
        """Slots of all relationships of these types (None: all), ascending."""
        ...

    def relationship_type(self, slots: IntArray) -> list[str]:
        """The type of each."""
        ...

    def endpoints(self, slots: IntArray) -> tuple[IntArray, IntArray]:
        """Start and end node slots of each."""
        ...

    def relationship_is_live(self, slot: int) -> bool:
        """False once this view deleted it."""
        ...

    # --- adjacency
    def expand(self, sources: IntArray, types: Sequence[str] | None, direction: Direction) -> Neighbours:
        """Every relationship of each source (None: any type). BOTH yields a self-loop once."""
        ...

    def far_ends(self, sources: IntArray, types: Sequence[str] | None, direction: Direction) -> IntArray:
        """Where the relationships of the sources lead, in no order and as often as they do: a step of a frontier."""
        ...

    def expand_part(
        self, sources: IntArray, types: Sequence[str] | None, direction: Direction, first: int, stop: int
    ) -> Neighbours:
        """The relationships ``first`` to ``stop`` (excluded) of each source, in the order that ``expand`` has."""
        ...

    def degrees(self, sources: IntArray, types: Sequence[str] | None, direction: Direction) -> IntArray:
        """How many relationships ``expand`` would yield for each source."""
        ...

    def neighbours(self, slot: int, types: Sequence[str] | None, direction: Direction) -> BitMap:
        """The distinct neighbours of one node, as a set; lazily built and kept. Read only."""
        ...

    def neighbour_sums(
        self, sources: IntArray, values: NDArray[Number], types: Sequence[str] | None, direction: Direction
    ) -> NDArray[Number]:
        """For each source the sum of ``values``, by node slot, over what ``expand`` would yield for it.

        Integers wrap around beyond 64 bits: who may get there looks before.
        """
        ...

    def fact(self, fact: Fact) -> bool:
        """Whether a fact is true of this view; False also where that is not cheap to say."""
        ...

    # --- properties
    def property(self, element: Element, slots: IntArray, key: str) -> Column:
        """The values of one key; null where missing. Elements that are not live raise EntityNotFound."""
        ...

    def item(self, element: Element, slot: int, key: str) -> Value:
        """One value of one element: what ``property`` has of it."""
        ...

    def all_properties(self, element: Element, slots: IntArray) -> dict[str, Column]:
        """Every key that any of these has, in the order in which the graph first saw the keys."""
        ...

    def labels_of(self, slots: IntArray) -> list[tuple[str, ...]]:
        """``node_labels`` of each."""
        ...

    def properties(self, element: Element, slot: int) -> dict[str, Value]:
        """All of one element, in the order in which the graph first saw the keys."""
        ...

    # --- identity
    def ids(self, element: Element, slots: IntArray) -> IntArray:
        """Ids of slots."""
        ...

    def slots_of_ids(self, element: Element, ids: IntArray) -> IntArray:
        """Slots of ids, -1 where this view has no such live element."""
        ...

    def element_id(self, element: Element, slot: int) -> str:
        """``"<kind>:<graph uuid>:<id>"``."""
        ...

    # --- indexes
    def indexes(self) -> Sequence[IndexDefinition]:
        """All indexes, by name."""
        ...

    def index_seek(self, name: str, values: Sequence[Value]) -> tuple[IntArray, IntArray]:
        """Equality look-ups in a RANGE or UNIQUE index: (position in ``values``, slot) pairs, by position, then slot.

        ``1`` finds ``1.0``; null and NaN find nothing.
        """
        ...

    def index_find(self, name: str, value: Value) -> Sequence[int]:
        """The slots that ``index_seek`` finds for one value. Read only."""
        ...

    def index_range(self, name: str, low: RangeBound | None, high: RangeBound | None) -> IntArray:
        """Slots whose value lies in the range, comparable with the bound, ascending by slot."""
        ...

    def index_prefix(self, name: str, prefix: str) -> IntArray:
        """Slots whose string value starts with ``prefix``, ascending by slot."""
        ...

    def index_search(self, name: str, condition: Condition) -> IntArray:
        """Slots whose values meet the condition, ascending: of indexes on several keys, TEXT and POINT indexes."""
        ...

    def index_state(self, name: str) -> IndexState:
        """Whether the index can be asked, or how far its building is."""
        ...

    def index_size(self, name: str) -> tuple[int, int]:
        """(elements, distinct values) of a RANGE, UNIQUE or KEY index, roughly: for estimates."""
        ...

    def vector_search(self, name: str, query: Sequence[float], k: int, candidates: BitMap | None = None) -> Scored:
        """The ``k`` most similar elements. Scores as Neo4j: cosine (1+cos)/2, euclidean 1/(1+d^2)."""
        ...

    def text_search(self, name: str, query: str, k: int | None = None, candidates: BitMap | None = None) -> Scored:
        """BM25 hits for a query in the small Lucene-like syntax of ``storage.text.query_syntax``."""
        ...


class GraphWriter(GraphView, Protocol):
    """A view that can be changed; reads see the changes at once."""

    def create_nodes(self, count: int, labels: Sequence[str], properties: Mapping[str, Column]) -> IntArray:
        """New nodes; null property values are left out. Returns their (provisional) slots."""
        ...

    def create_relationships(
        self, type: str, sources: IntArray, targets: IntArray, properties: Mapping[str, Column]
    ) -> IntArray:
        """New relationships. Both ends must be live: EntityNotFound otherwise."""
        ...

    def set_property(self, element: Element, slots: IntArray, key: str, values: Column) -> None:
        """Set one key, in order (the last wins); null removes. Values must be storable: TypeMismatch otherwise."""
        ...

    def replace_properties(self, element: Element, slot: int, properties: Mapping[str, Value]) -> None:
        """SET n = map."""
        ...

    def add_labels(self, slots: IntArray, labels: Sequence[str]) -> None: ...

    def remove_labels(self, slots: IntArray, labels: Sequence[str]) -> None: ...

    def delete_relationships(self, slots: IntArray) -> None:
        """Deleting twice is no error."""
        ...

    def delete_nodes(self, slots: IntArray, detach: bool) -> None:
        """Deleting twice is no error. Without ``detach`` connected nodes are an error at ``check_deletes``."""
        ...

    def check_deletes(self) -> None:
        """At the end of a statement: DeleteConnectedNode where a deleted node still has relationships."""
        ...

    def create_index(self, definition: IndexDefinition, if_not_exists: bool = False) -> bool:
        """Whether it was created. SchemaError where the name or the same index exists."""
        ...

    def drop_index(self, name: str, if_exists: bool = False) -> bool: ...

    def put_note(self, name: str, note: Value) -> None:
        """A fact about the graph itself, committed with everything else; None forgets it."""
        ...

    def statement_counters(self, before: Counters | None = None) -> Counters:
        """What was changed so far, or since ``before``."""
        ...

    def savepoint(self) -> object:
        """A mark for ``rollback_to``."""
        ...

    def rollback_to(self, mark: object) -> None:
        """Forget what was changed since ``mark``."""
        ...

    @property
    def counters(self) -> Counters: ...


@dataclass(slots=True)
class Counters:
    """What a statement changed, as a result's summary reports it."""

    nodes_created: int = 0
    nodes_deleted: int = 0
    relationships_created: int = 0
    relationships_deleted: int = 0
    properties_set: int = 0
    labels_added: int = 0
    labels_removed: int = 0
    indexes_added: int = 0
    indexes_removed: int = 0
    constraints_added: int = 0
    constraints_removed: int = 0

    @property
    def contains_updates(self) -> bool:
        """Whether anything is not zero."""
        return any(getattr(self, name) for name in self.__slots__)
