"""Many paths for a client: their elements read key by key, and made into objects when somebody looks at a path.

Paths share elements, and a query that returns thousands of paths is rarely read to the last property. So each different
node and relationship is read once, into columns that are copies (nothing that changes later shows), and a path is a
row number until it is asked for its elements. An object is made once, however many paths go through it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np

from memoradb.core.columns import Column, IntArray, PathColumn
from memoradb.core.values import Node, Path, Relationship, Value
from memoradb.storage.view import Element, GraphView

T = TypeVar("T")


def path_values(column: PathColumn, view: GraphView) -> list[Value]:
    """The paths of a column over a view that does not change, null where the column is."""
    if column.mask is None:
        return list(Path.each_of(_Paths(column, view), range(len(column))))
    live = np.flatnonzero(~column.mask)
    paths: list[Value] = [None] * len(column)
    if len(live):
        held = column.take(live)
        assert isinstance(held, PathColumn)
        for row, path in zip(live.tolist(), Path.each_of(_Paths(held, view), range(len(live))), strict=True):
            paths[row] = path
    return paths


class _Paths:
    """A ``core.values.PathSource``. Elements stand by their place among the different ones."""

    def __init__(self, column: PathColumn, view: GraphView) -> None:
        nodes, self._nodes_at = _different(column.nodes)
        relationships, self._relationships_at = _different(column.relationships)
        self._offsets = column.offsets
        self._nodes = _Made(_node_maker(nodes, view), len(nodes))
        self._relationships = _Made(_relationship_maker(relationships, view), len(relationships))

    def path_length(self, row: int) -> int:
        return int(self._offsets[row + 1] - self._offsets[row])

    def path_elements(self, row: int) -> tuple[tuple[Node, ...], tuple[Relationship, ...]]:
        start, stop = int(self._offsets[row]), int(self._offsets[row + 1])
        node_places = self._nodes_at[start + row : stop + row + 1].tolist()
        return self._nodes.at(node_places), self._relationships.at(self._relationships_at[start:stop].tolist())


class _Made(Generic[T]):
    """Objects by place, each made when first asked for."""

    def __init__(self, make: Callable[[int], T], count: int) -> None:
        self._make = make
        self._known: list[T | None] = [None] * count

    def at(self, places: Sequence[int]) -> tuple[T, ...]:
        return tuple(map(self._one, places))

    def _one(self, place: int) -> T:
        found = self._known[place]
        if found is None:
            found = self._known[place] = self._make(place)
        return found


def _different(slots: IntArray) -> tuple[IntArray, IntArray]:
    """Each slot once, ascending, and for each of ``slots`` its place among them."""
    if not len(slots):
        return slots, slots
    least = int(slots.min())
    spread = int(slots.max()) - least + 1
    if spread > 16 * len(slots) + (1 << 16):
        different, places = np.unique(slots, return_inverse=True)
        return different, places
    seen = np.zeros(spread, np.bool_)
    seen[slots - least] = True
    numbers = np.cumsum(seen) - 1
    return np.flatnonzero(seen) + least, numbers.take(slots - least)


def _prefix(element: Element, slots: IntArray, view: GraphView) -> str:
    """What the element ids of one kind begin with."""
    return view.element_id(element, int(slots[0])).rpartition(":")[0] + ":" if len(slots) else ""


def _properties_at(columns: dict[str, Column]) -> Callable[[int], dict[str, Value]]:
    items = tuple((key, column.item) for key, column in columns.items())

    def properties(place: int) -> dict[str, Value]:
        return {key: value for key, item in items if (value := item(place)) is not None}

    return properties


def _node_maker(slots: IntArray, view: GraphView) -> Callable[[int], Node]:
    ids = view.ids(Element.NODE, slots)
    labels = view.labels_of(slots)
    prefix = _prefix(Element.NODE, slots, view)
    properties = _properties_at(view.all_properties(Element.NODE, slots))

    def make(place: int) -> Node:
        identity = int(ids[place])
        return Node(identity, labels[place], properties(place), f"{prefix}{identity}")

    return make


def _relationship_maker(slots: IntArray, view: GraphView) -> Callable[[int], Relationship]:
    ids = view.ids(Element.RELATIONSHIP, slots)
    types = view.relationship_type(slots)
    starts, ends = (view.ids(Element.NODE, a) for a in view.endpoints(slots))
    prefix = _prefix(Element.RELATIONSHIP, slots, view)
    properties = _properties_at(view.all_properties(Element.RELATIONSHIP, slots))

    def make(place: int) -> Relationship:
        identity = int(ids[place])
        start, end = int(starts[place]), int(ends[place])
        return Relationship(identity, types[place], start, end, properties(place), f"{prefix}{identity}")

    return make
