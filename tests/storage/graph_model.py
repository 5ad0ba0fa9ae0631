"""The graph as plain dictionaries: what a store must be equal to, whatever it does inside."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import numpy as np

from memoradb.core.semantics import equals
from memoradb.core.values import Value
from memoradb.storage.view import Direction, Element, GraphView, RangeBound


@dataclass
class Node:
    labels: set[str]
    properties: dict[str, Value]


@dataclass
class Relationship:
    type: str
    source: int
    target: int
    properties: dict[str, Value]


@dataclass
class Model:
    """Elements by id."""

    nodes: dict[int, Node] = field(default_factory=dict)
    relationships: dict[int, Relationship] = field(default_factory=dict)

    def copy(self) -> Model:
        return copy.deepcopy(self)

    def labelled(self, label: str) -> list[int]:
        return sorted(i for i, node in self.nodes.items() if label in node.labels)


LABELS = ("A", "B", "C")
TYPES = ("R", "S")
KEYS = ("p", "q", "unique")

Row = tuple[int, int, int, str]
"""(source, target, relationship, type) by id."""


def check(view: GraphView, model: Model) -> None:
    """Every question of the view interface, asked of both."""
    slots = np.asarray(view.nodes().to_array(), np.int64)
    ids = view.ids(Element.NODE, slots).tolist()
    assert sorted(ids) == sorted(model.nodes) and view.node_count() == len(ids)
    by_slot = dict(zip(slots.tolist(), ids, strict=True))
    assert view.slots_of_ids(Element.NODE, np.array(ids, np.int64)).tolist() == slots.tolist()
    assert set(view.labels()) == {label for node in model.nodes.values() for label in node.labels}
    for label in LABELS:
        held = [by_slot[s] for s in view.nodes_with_label(label)]
        assert sorted(held) == model.labelled(label)
        has = view.has_label(slots, label).tolist()
        assert [i for i, h in zip(ids, has, strict=True) if h] == [i for i in ids if label in model.nodes[i].labels]
    for slot, identity in by_slot.items():
        node = model.nodes[identity]
        assert set(view.node_labels(slot)) == node.labels
        assert same(view.properties(Element.NODE, slot), node.properties)
    for key in KEYS:
        values = view.property(Element.NODE, slots, key).values()
        assert same(values, [model.nodes[i].properties.get(key) for i in ids])
    check_relationships(view, model, slots, by_slot)
    check_indexes(view, model, by_slot)


def check_relationships(view: GraphView, model: Model, slots: np.ndarray, by_slot: dict[int, int]) -> None:
    found = view.relationships()
    ids = view.ids(Element.RELATIONSHIP, found).tolist()
    assert sorted(ids) == sorted(model.relationships) and view.relationship_count() == len(ids)
    sources, targets = view.endpoints(found)
    rows = zip(ids, view.relationship_type(found), sources.tolist(), targets.tolist(), found.tolist(), strict=True)
    for identity, type, source, target, slot in rows:
        expected = model.relationships[identity]
        assert (type, by_slot[source], by_slot[target]) == (expected.type, expected.source, expected.target)
        assert same(view.properties(Element.RELATIONSHIP, slot), expected.properties)
    for types in (None, ("R",), ("S", "R"), ("none",)):
        kept = {i: r for i, r in model.relationships.items() if types is None or r.type in types}
        for direction in Direction:
            expected_rows = sorted(ends(kept, direction))
            neighbours = view.expand(slots, types, direction)
            order = neighbours.source_position * (1 << 32) + neighbours.relationship
            assert (np.diff(order) > 0).all()
            got = zip(
                [by_slot[int(slots[p])] for p in neighbours.source_position.tolist()],
                [by_slot[n] for n in neighbours.node.tolist()],
                view.ids(Element.RELATIONSHIP, neighbours.relationship).tolist(),
                strict=True,
            )
            assert sorted(got) == expected_rows
            degrees = view.degrees(slots, types, direction).tolist()
            assert degrees == [sum(row[0] == by_slot[s] for row in expected_rows) for s in slots.tolist()]
            for slot in slots.tolist()[:6]:
                near = {by_slot[n] for n in view.neighbours(slot, types, direction)}
                assert near == {row[1] for row in expected_rows if row[0] == by_slot[slot]}


def ends(relationships: dict[int, Relationship], direction: Direction) -> list[tuple[int, int, int]]:
    found: list[tuple[int, int, int]] = []
    for identity, r in relationships.items():
        if direction is not Direction.IN:
            found.append((r.source, r.target, identity))
        if direction is not Direction.OUT and not (direction is Direction.BOTH and r.source == r.target):
            found.append((r.target, r.source, identity))
    return found


PROBES: tuple[Value, ...] = (0, 1, 1.0, 2.5, "a", "ab", True, None, float("nan"), [1])


def check_indexes(view: GraphView, model: Model, by_slot: dict[int, int]) -> None:
    for definition in view.indexes():
        if definition.kind.value not in ("RANGE", "UNIQUE"):
            continue
        (label,), (key,) = definition.labels, definition.keys
        held = {i: model.nodes[i].properties.get(key) for i in model.labelled(label)}
        positions, slots = view.index_seek(definition.name, PROBES)
        got = sorted((p, by_slot[s]) for p, s in zip(positions.tolist(), slots.tolist(), strict=True))
        assert got == sorted(
            (p, i) for p, probe in enumerate(PROBES) for i, v in held.items() if equals(v, probe) is True
        )
        numbers = {i: v for i, v in held.items() if type(v) in (int, float) and v == v}
        low, high = RangeBound(0, False), RangeBound(2, True)
        for bounds, test in (
            ((low, None), lambda v: v > 0),
            ((None, high), lambda v: v <= 2),
            ((low, high), lambda v: 0 < v <= 2),
        ):
            found = view.index_range(definition.name, *bounds).tolist()
            assert sorted(by_slot[s] for s in found) == sorted(i for i, v in numbers.items() if test(v))
        found = view.index_prefix(definition.name, "a").tolist()
        assert sorted(by_slot[s] for s in found) == sorted(
            i for i, v in held.items() if type(v) is str and v[:1] == "a"
        )


def same(one: object, other: object) -> bool:
    """Equal and of one type, NaN included; maps in any order."""
    if isinstance(one, dict) and isinstance(other, dict):
        one, other = sorted(one.items()), sorted(other.items())
    return repr(one) == repr(other)
