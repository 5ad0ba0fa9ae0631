"""What a write becomes: ids, labels, values, all resolved; nothing in it depends on a slot, a plan or a clock.

A changeset is what the log holds and what every reader of the log applies. It is columnar: a hundred thousand nodes are
one ``NewNodes`` with a column for each property. ``encode`` is deterministic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from memoradb.core.columns import Column, IntArray
from memoradb.core.errors import CorruptionError
from memoradb.core.serde import decode as decode_value
from memoradb.core.serde import decode_column, encode_column
from memoradb.core.serde import encode as encode_value
from memoradb.core.values import Value

from .view import Element, IndexDefinition, definition_from_value, definition_to_value

FORMAT = 1


@dataclass(frozen=True, slots=True)
class NewNodes:
    """Nodes with consecutive ids and the same labels."""

    first_id: int
    count: int
    labels: tuple[str, ...]
    properties: Mapping[str, Column]


@dataclass(frozen=True, slots=True)
class NewRelationships:
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


@dataclass(frozen=True, slots=True)
class SetProperties:
    """One key of elements by id; null removes."""

    element: Element
    key: str
    ids: IntArray
    values: Column


@dataclass(frozen=True, slots=True)
class SetLabels:
    """A label added to, or removed from, nodes by id."""

    label: str
    ids: IntArray
    remove: bool


@dataclass(frozen=True, slots=True)
class Changeset:
    """One transaction's effect; applied in the order of the fields."""

    drop_indexes: tuple[str, ...] = ()
    new_nodes: tuple[NewNodes, ...] = ()
    new_relationships: tuple[NewRelationships, ...] = ()
    properties: tuple[SetProperties, ...] = ()
    labels: tuple[SetLabels, ...] = ()
    delete_relationships: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    delete_nodes: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    create_indexes: tuple[IndexDefinition, ...] = ()

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
        )

    @property
    def size(self) -> int:
        """How many elements it touches."""
        return (
            sum(n.count for n in self.new_nodes)
            + sum(r.count for r in self.new_relationships)
            + sum(len(p.ids) for p in self.properties)
            + sum(len(x.ids) for x in self.labels)
            + len(self.delete_nodes)
            + len(self.delete_relationships)
        )


def _ids(ids: IntArray) -> bytes:
    return np.ascontiguousarray(ids, "<i8").tobytes()


def _columns(columns: Mapping[str, Column]) -> Value:
    return {key: encode_column(column) for key, column in columns.items()}


def encode(changeset: Changeset) -> bytes:
    """The changeset as bytes."""
    return encode_value(
        [
            FORMAT,
            list(changeset.drop_indexes),
            [[n.first_id, n.count, list(n.labels), _columns(n.properties)] for n in changeset.new_nodes],
            [
                [r.first_id, r.type, _ids(r.sources), _ids(r.targets), _columns(r.properties)]
                for r in changeset.new_relationships
            ],
            [[p.element.value, p.key, _ids(p.ids), encode_column(p.values)] for p in changeset.properties],
            [[x.label, _ids(x.ids), x.remove] for x in changeset.labels],
            _ids(changeset.delete_relationships),
            _ids(changeset.delete_nodes),
            [definition_to_value(d) for d in changeset.create_indexes],
        ]
    )


def _read_ids(data: Value) -> IntArray:
    if not isinstance(data, bytes) or len(data) % 8:
        raise CorruptionError("A changeset's ids are cut off.")
    return np.frombuffer(data, "<i8").astype(np.int64)


def _read_columns(value: Value) -> dict[str, Column]:
    return {key: decode_column(data) for key, data in value.items()}


def decode(data: bytes) -> Changeset:
    """The changeset that ``data`` is; CorruptionError for anything else."""
    value = decode_value(data)
    try:
        version, dropped, nodes, relationships, properties, labels, dead_r, dead_n, created = value
        if version != FORMAT:
            raise CorruptionError(f"A changeset has format {version}; this version reads {FORMAT}.")
        return Changeset(
            tuple(dropped),
            tuple(NewNodes(i, c, tuple(names), _read_columns(p)) for i, c, names, p in nodes),
            tuple(
                NewRelationships(i, t, _read_ids(s), _read_ids(e), _read_columns(p)) for i, t, s, e, p in relationships
            ),
            tuple(SetProperties(Element(e), k, _read_ids(i), decode_column(v)) for e, k, i, v in properties),
            tuple(SetLabels(n, _read_ids(i), bool(r)) for n, i, r in labels),
            _read_ids(dead_r),
            _read_ids(dead_n),
            tuple(map(definition_from_value, created)),
        )
    except (TypeError, ValueError, AttributeError) as error:
        raise CorruptionError(f"A changeset has an unknown shape: {error}.") from error
