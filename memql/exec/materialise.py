"""References become values: the last step of a query, done only for what is returned."""

from __future__ import annotations

from typing import Final

import numpy as np

from memoradb.core.columns import Column, ConstantColumn, Kind, PathColumn, StringColumn, TypedColumn
from memoradb.core.temporal_columns import TemporalColumn
from memoradb.core.values import Node, NodeRef, Path, PathRef, Relationship, RelationshipRef, Value
from memoradb.storage.view import Element, GraphView

SHOWN_ROWS_MIN: Final = 1_024
"""Columns that are as long as that are kept as arrays until their values are asked for."""

PATHS_MIN: Final = 16
"""Paths from which on their elements are read key by key; nothing can be deleted of a snapshot's."""

_PLAIN = frozenset((type(None), bool, int, float, str, bytes))


def node_value(slot: int, view: GraphView) -> Node:
    """The node at ``slot``; one that was deleted keeps only its id."""
    slots = np.array([slot], np.int64)
    identity = int(view.ids(Element.NODE, slots)[0])
    element_id = view.element_id(Element.NODE, slot)
    if not view.node_is_live(slot):
        return Node(identity, (), {}, element_id)
    return Node(identity, tuple(view.node_labels(slot)), view.properties(Element.NODE, slot), element_id)


def relationship_value(slot: int, view: GraphView) -> Relationship:
    """The relationship at ``slot``; one that was deleted keeps its type and ends."""
    slots = np.array([slot], np.int64)
    starts, ends = view.endpoints(slots)
    live = view.relationship_is_live(slot)
    return Relationship(
        int(view.ids(Element.RELATIONSHIP, slots)[0]),
        view.relationship_type(slots)[0],
        int(view.ids(Element.NODE, starts)[0]),
        int(view.ids(Element.NODE, ends)[0]),
        view.properties(Element.RELATIONSHIP, slot) if live else {},
        view.element_id(Element.RELATIONSHIP, slot),
    )


def value_of(value: Value, view: GraphView) -> Value:
    """One value with every reference inside replaced."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is list:
        return [value_of(v, view) for v in value]
    if kind is dict:
        return {k: value_of(v, view) for k, v in value.items()}
    if kind is NodeRef:
        return node_value(value.slot, view)
    if kind is RelationshipRef:
        return relationship_value(value.slot, view)
    if kind is PathRef:
        return Path(
            tuple(node_value(n, view) for n in value.nodes),
            tuple(relationship_value(r, view) for r in value.relationships),
        )
    return value


def materialise(column: Column, view: GraphView) -> list[Value]:
    """A column's values for a client. The same element is read once for the whole column."""
    if isinstance(column, TypedColumn):
        if column.kind not in (Kind.NODE, Kind.RELATIONSHIP):
            return column.values()
        read = node_value if column.kind == Kind.NODE else relationship_value
        known: dict[int, Value] = {}
        out: list[Value] = []
        for slot in column.data.tolist():
            value = known.get(slot)
            if value is None:
                value = known[slot] = read(slot, view)
            out.append(value)
        if column.mask is not None:
            for i in np.flatnonzero(column.mask).tolist():
                out[i] = None
        return out
    if isinstance(column, (StringColumn, TemporalColumn)):
        return column.values()
    if isinstance(column, PathColumn) and len(column) >= PATHS_MIN and not hasattr(view, "create_nodes"):
        from .path_values import path_values

        return path_values(column, view)
    if isinstance(column, ConstantColumn):
        return [value_of(column.value, view)] * column.length
    return [v if type(v) in _PLAIN else value_of(v, view) for v in column.values()]


def shown(column: Column, view: GraphView) -> Column | list[Value]:
    """What a client sees of a column: itself, where its values are plain and rest on nothing that may change."""
    if len(column) >= SHOWN_ROWS_MIN:
        if isinstance(column, TypedColumn) and column.kind not in (Kind.NODE, Kind.RELATIONSHIP):
            return column
        if isinstance(column, StringColumn) and isinstance(column.dictionary.strings(), list):
            return column
    return materialise(column, view)
