"""What a write becomes: ids, labels, values, all resolved; nothing in it depends on a slot, a plan or a clock.

A changeset is what the log holds and what every reader of the log applies. It is columnar: a hundred thousand nodes are
one ``NewNodes`` with a column for each property.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from memoradb.core.columns import Column, IntArray
from memoradb.core.values import Value

from ..view import Element, IndexDefinition

_NO_IDS: Final = np.zeros(0, np.int64)


class NewNodes(msgspec.Struct, frozen=True):
    """Nodes with consecutive ids and the same labels."""

    first_id: int
    count: int
    labels: tuple[str, ...]
    properties: Mapping[str, Column]


class NewRelationships(msgspec.Struct, frozen=True):
    """Relationships with consecutive ids and one type; ends by node id."""

    first_id: int
    type: str
    sources: IntArray
    targets: IntArray
    properties: Mapping[str, Column]

    @property
    def count(self) -> int:
        """How many."""
        return len(self.sources)


class SetProperties(msgspec.Struct, frozen=True):
    """One key of elements by id; null removes."""

    element: Element
    key: str
    ids: IntArray
    values: Column


class SetLabels(msgspec.Struct, frozen=True):
    """A label added to, or removed from, nodes by id."""

    label: str
    ids: IntArray
    remove: bool


class Changeset(msgspec.Struct, frozen=True):
    """One transaction's effect; applied in the order of the fields."""

    drop_indexes: tuple[str, ...] = ()
    new_nodes: tuple[NewNodes, ...] = ()
    new_relationships: tuple[NewRelationships, ...] = ()
    properties: tuple[SetProperties, ...] = ()
    labels: tuple[SetLabels, ...] = ()
    delete_relationships: IntArray = _NO_IDS
    delete_nodes: IntArray = _NO_IDS
    create_indexes: tuple[IndexDefinition, ...] = ()
    notes: tuple[tuple[str, Value], ...] = ()
    """Facts about the graph itself, by name; null forgets one: see ``GraphStore.notes``."""

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing."""
        return not (
            self.drop_indexes
            or self.new_nodes
            or self.new_relationships
            or self.properties
            or self.labels
            or len(self.delete_relationships)
            or len(self.delete_nodes)
            or self.create_indexes
            or self.notes
        )

    @property
    def size(self) -> int:
        """How many elements it touches."""
        total = len(self.delete_nodes) + len(self.delete_relationships)
        for new in (*self.new_nodes, *self.new_relationships):
            total += new.count
        for change in (*self.properties, *self.labels):
            total += len(change.ids)
        return total
