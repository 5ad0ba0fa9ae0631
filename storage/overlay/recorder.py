"""An overlay that notes what is read through it: the view of an explicit serializable transaction.

Every answer rests on something that another transaction might change: that is noted in ``Reads`` before the overlay
answers. What never changes (a relationship's type and ends, an element's id) and what only chooses plans (statistics)
is not. Writes go straight to the overlay, which reads for its own purposes without a note: an element that is written
is checked at the commit anyhow. Only what was not written, for it was so already, or could not be, is a read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from memoradb.core.columns import BoolArray, Column, IntArray
from memoradb.core.values import Value

from ..index.condition import Condition, between
from ..reads import Reads
from ..statistics import ViewStatistics
from ..vector.vector_index import VectorIndex
from ..view import (
    Counters,
    Direction,
    Element,
    Fact,
    IndexDefinition,
    Neighbours,
    Number,
    RangeBound,
    Scored,
    Statistics,
)
from .overlay import Overlay

SCORE_MARGIN: Final = 1e-6
"""Scores of one vector differ by so much at most, with the others that it is scored together with."""


class Recorder:
    """Implements ``GraphWriter``."""

    def __init__(self, overlay: Overlay, reads: Reads) -> None:
        self._overlay = overlay
        self._reads = reads
        self._definitions: dict[str, IndexDefinition] = {}
        self._definitions_of = 0
        # Writing, and what never changes or answers nothing: the overlay's own methods.
        self.create_nodes = overlay.create_nodes
        self.create_relationships = overlay.create_relationships
        self.set_property = overlay.set_property
        self.replace_properties = overlay.replace_properties
        self.add_labels = overlay.add_labels
        self.remove_labels = overlay.remove_labels
        self.delete_relationships = overlay.delete_relationships
        self.check_deletes = overlay.check_deletes
        self.put_note = overlay.put_note
        self.statement_counters = overlay.statement_counters
        self.savepoint = overlay.savepoint
        self.rollback_to = overlay.rollback_to
        self.relationship_type = overlay.relationship_type
        self.endpoints = overlay.endpoints
        self.ids = overlay.ids
        self.element_id = overlay.element_id
        self.index_state = overlay.index_state
        self.index_size = overlay.index_size

    @property
    def counters(self) -> Counters:
        return self._overlay.counters

    @property
    def schema_version(self) -> int:
        return self._overlay.schema_version

    @property
    def generation(self) -> int:
        return self._overlay.generation

    @property
    def statistics(self) -> Statistics:
        return self._overlay.statistics

    def measured(self) -> Statistics:
        return ViewStatistics(self)

    # --- writes that may come to nothing

    def delete_nodes(self, slots: IntArray, detach: bool) -> None:
        self._reads.expansion(slots, None, Direction.BOTH)  # with relationships it may be an error
        self._overlay.delete_nodes(slots, detach)

    def create_index(self, definition: IndexDefinition, if_not_exists: bool = False) -> bool:
        self._reads.schema()
        return self._overlay.create_index(definition, if_not_exists)

    def drop_index(self, name: str, if_exists: bool = False) -> bool:
        self._reads.schema()
        return self._overlay.drop_index(name, if_exists)

    # --- names

    def labels(self) -> Sequence[str]:
        self._reads.names_of("labels")
        return self._overlay.labels()

    def relationship_types(self) -> Sequence[str]:
        self._reads.names_of("relationship_types")
        return self._overlay.relationship_types()

    def property_keys(self) -> Sequence[str]:
        self._reads.names_of("property_keys")
        return self._overlay.property_keys()

    # --- nodes

    @property
    def nodes_top(self) -> int:
        return self._overlay.nodes_top

    def node_count(self) -> int:
        self._reads.node_scan()
        return self._overlay.node_count()

    def nodes(self) -> BitMap:
        self._reads.node_scan()
        return self._overlay.nodes()

    def nodes_with_label(self, label: str) -> BitMap:
        self._reads.label_scan(label)
        return self._overlay.nodes_with_label(label)

    def has_label(self, slots: IntArray, label: str) -> BoolArray:
        self._reads.label(slots, label)
        return self._overlay.has_label(slots, label)

    def node_labels(self, slot: int) -> tuple[str, ...]:
        self._reads.labels_of(slot)
        return self._overlay.node_labels(slot)

    def node_is_live(self, slot: int) -> bool:
        self._reads.existence(Element.NODE, np.array([slot], np.int64))
        return self._overlay.node_is_live(slot)

    # --- relationships

    def relationship_count(self) -> int:
        self._reads.relationship_scan(None)
        return self._overlay.relationship_count()

    def relationships(self, types: Sequence[str] | None = None) -> IntArray:
        self._reads.relationship_scan(types)
        return self._overlay.relationships(types)

    def relationship_is_live(self, slot: int) -> bool:
        self._reads.existence(Element.RELATIONSHIP, np.array([slot], np.int64))
        return self._overlay.relationship_is_live(slot)

    # --- adjacency

    def expand(self, sources: IntArray, types: Sequence[str] | None, direction: Direction) -> Neighbours:
        self._reads.expansion(sources, types, direction)
        return self._overlay.expand(sources, types, direction)

    def far_ends(self, sources: IntArray, types: Sequence[str] | None, direction: Direction) -> IntArray:
        self._reads.expansion(sources, types, direction)
        return self._overlay.far_ends(sources, types, direction)

    def expand_part(
        self, sources: IntArray, types: Sequence[str] | None, direction: Direction, first: int, stop: int
    ) -> Neighbours:
        self._reads.expansion(sources, types, direction)
        return self._overlay.expand_part(sources, types, direction, first, stop)

    def degrees(self, sources: IntArray, types: Sequence[str] | None, direction: Direction) -> IntArray:
        self._reads.expansion(sources, types, direction)
        return self._overlay.degrees(sources, types, direction)

    def neighbours(self, slot: int, types: Sequence[str] | None, direction: Direction) -> BitMap:
        self._reads.expansion(np.array([slot], np.int64), types, direction)
        return self._overlay.neighbours(slot, types, direction)

    def neighbour_sums(
        self, sources: IntArray, values: NDArray[Number], types: Sequence[str] | None, direction: Direction
    ) -> NDArray[Number]:
        self._reads.expansion(sources, types, direction)
        return self._overlay.neighbour_sums(sources, values, types, direction)

    def fact(self, fact: Fact) -> bool:
        holds = self._overlay.fact(fact)
        if holds:  # the plan leaves out checks; where it does not hold it makes them, and they are noted
            self._reads.fact(fact)
        return holds

    # --- properties

    def property(self, element: Element, slots: IntArray, key: str) -> Column:
        self._reads.property(element, slots, key)
        return self._overlay.property(element, slots, key)

    def item(self, element: Element, slot: int, key: str) -> Value:
        self._reads.property(element, np.array([slot], np.int64), key)
        return self._overlay.item(element, slot, key)

    def all_properties(self, element: Element, slots: IntArray) -> dict[str, Column]:
        for slot in slots.tolist():
            self._reads.whole(element, slot)
        return self._overlay.all_properties(element, slots)

    def labels_of(self, slots: IntArray) -> list[tuple[str, ...]]:
        for slot in slots.tolist():
            self._reads.labels_of(slot)
        return self._overlay.labels_of(slots)

    def properties(self, element: Element, slot: int) -> dict[str, Value]:
        self._reads.whole(element, slot)
        return self._overlay.properties(element, slot)

    # --- identity

    def slots_of_ids(self, element: Element, ids: IntArray) -> IntArray:
        slots = self._overlay.slots_of_ids(element, ids)
        absent = slots < 0
        if absent.any():
            self._reads.missing(element, ids.compress(absent))
        self._reads.existence(element, slots.compress(~absent))
        return slots

    # --- indexes

    def indexes(self) -> Sequence[IndexDefinition]:
        self._reads.schema()
        return self._overlay.indexes()

    def _definition(self, name: str) -> IndexDefinition | None:
        """The index called ``name``; None where there is none, as the overlay will say."""
        version = self._overlay.schema_version
        if not self._definitions or version != self._definitions_of:
            self._definitions = {definition.name: definition for definition in self._overlay.indexes()}
            self._definitions_of = version
        return self._definitions.get(name)

    def index_seek(self, name: str, values: Sequence[Value]) -> tuple[IntArray, IntArray]:
        definition = self._definition(name)
        if definition is not None:
            self._reads.index_keys(definition, values)
        return self._overlay.index_seek(name, values)

    def index_find(self, name: str, value: Value) -> Sequence[int]:
        definition = self._definition(name)
        if definition is not None:
            self._reads.index_keys(definition, (value,))
        return self._overlay.index_find(name, value)

    def index_range(self, name: str, low: RangeBound | None, high: RangeBound | None) -> IntArray:
        definition = self._definition(name)
        if definition is not None:
            self._reads.index_test(definition, lambda values: values[0] is not None and between(values[0], low, high))
        return self._overlay.index_range(name, low, high)

    def index_prefix(self, name: str, prefix: str) -> IntArray:
        definition = self._definition(name)
        if definition is not None:
            self._reads.index_test(definition, lambda values: type(values[0]) is str and values[0].startswith(prefix))
        return self._overlay.index_prefix(name, prefix)

    def index_search(self, name: str, condition: Condition) -> IntArray:
        definition = self._definition(name)
        if definition is not None:
            self._reads.index_test(definition, condition.holds)
        return self._overlay.index_search(name, condition)

    def vector_search(self, name: str, query: Sequence[float], k: int, candidates: BitMap | None = None) -> Scored:
        found = self._overlay.vector_search(name, query, k, candidates)
        definition = self._definition(name)
        if definition is not None and len(found.slots) == k > 0:
            # Whatever is less similar than the last hit changes nothing.
            score, least = VectorIndex(definition).scorer(query), float(found.scores[-1]) - SCORE_MARGIN
            self._reads.index_test(definition, lambda values: (got := score(values[0])) is not None and got >= least)
        else:
            self._index_scan(name)
        return found

    def text_search(self, name: str, query: str, k: int | None = None, candidates: BitMap | None = None) -> Scored:
        self._index_scan(name)
        return self._overlay.text_search(name, query, k, candidates)

    def _index_scan(self, name: str) -> None:
        definition = self._definition(name)
        if definition is not None:
            self._reads.index_scan(definition)
