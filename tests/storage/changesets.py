"""Changesets that follow one another: what transactions on one graph may leave in a log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

from memoradb.core.columns import Column, ListColumn, lift
from memoradb.core.temporal import Date
from memoradb.core.values import Value
from memoradb.storage.changeset import Changeset, NewNodes, NewRelationships, SetLabels, SetProperties
from memoradb.storage.view import Element, IndexDefinition, IndexKind

LABELS = ("A", "B", "C")
TYPES = ("R", "S")
KEYS = ("x", "y", "t")
VALUES = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.sampled_from([0.5, -1.0, float("nan")]),
    st.booleans(),
    st.sampled_from(["", "a", "b c", "ü", "a b"]),
    st.sampled_from([Date(3), [1.0, 2.0], [], ["a"], b"raw"]),
)
INDEXES = (
    IndexDefinition("by_x", IndexKind.RANGE, Element.NODE, ("A",), ("x",)),
    IndexDefinition("words", IndexKind.FULLTEXT, Element.NODE, ("A", "B"), ("t",), (("analyzer", "simple"),)),
    IndexDefinition("rel", IndexKind.RANGE, Element.RELATIONSHIP, ("R",), ("x",)),
)


def ids(*items: int) -> np.ndarray:
    return np.array(items, np.int64)


@dataclass
class Graph:
    """Which elements there are, to draw from."""

    nodes: list[int] = field(default_factory=list)
    relationships: dict[int, tuple[int, int]] = field(default_factory=dict)
    next_node: int = 0
    next_relationship: int = 0
    indexes: list[str] = field(default_factory=list)


def _properties(draw: Callable[..., object], count: int = 1) -> dict[str, Column]:
    keys = draw(st.lists(st.sampled_from(KEYS), unique=True, max_size=2))
    assert isinstance(keys, list)
    found: dict[str, Column] = {}
    for key in keys:
        values: list[Value] = [draw(VALUES) for _ in range(count)]
        found[key] = lift(values) if draw(st.booleans()) else ListColumn(values)
    return found


@st.composite
def histories(draw: st.DrawFn, most: int = 25, schema: bool = True) -> list[Changeset]:
    """Consecutive changesets, most of them small; each is possible after the ones before it."""
    graph = Graph()
    count = draw(st.integers(1, most))
    return [_changeset(draw, graph, schema) for _ in range(count)]


def _changeset(draw: st.DrawFn, graph: Graph, schema: bool) -> Changeset:
    kinds = ["node", "node", "relationship", "set", "set", "label", "delete", "drop", "many", "mixed"]
    kind = draw(st.sampled_from([*kinds, "schema", "note"] if schema else kinds))
    if kind == "schema":
        definition = draw(st.sampled_from(INDEXES))
        if definition.name in graph.indexes:
            graph.indexes.remove(definition.name)
            return Changeset(drop_indexes=(definition.name,))
        graph.indexes.append(definition.name)
        return Changeset(create_indexes=(definition,))
    if kind == "note":
        return Changeset(notes=(("n", draw(st.integers(0, 3))),))
    nodes: list[NewNodes] = []
    relationships: list[NewRelationships] = []
    properties: list[SetProperties] = []
    labels: list[SetLabels] = []
    deleted: list[int] = []
    dropped: list[int] = []
    if kind in ("node", "many", "mixed") or not graph.nodes:
        for _ in range(draw(st.integers(1, 2))):
            count = draw(st.integers(2, 4)) if kind == "many" else 1
            graph.next_node += draw(st.integers(0, 1))  # ids that were reserved and never used
            named = tuple(draw(st.lists(st.sampled_from(LABELS), unique=True, max_size=2)))
            nodes.append(NewNodes(graph.next_node, count, named, _properties(draw, count)))
            graph.nodes += range(graph.next_node, graph.next_node + count)
            graph.next_node += count
    if kind in ("relationship", "mixed"):
        for _ in range(draw(st.integers(1, 2))):
            count = draw(st.sampled_from([1, 1, 3]))
            node = st.sampled_from(graph.nodes)
            ends = [(draw(node), draw(node)) for _ in range(count)]
            sources, targets = zip(*ends, strict=True)
            type, first = draw(st.sampled_from(TYPES)), graph.next_relationship
            relationships.append(NewRelationships(first, type, ids(*sources), ids(*targets), _properties(draw, count)))
            graph.relationships |= dict(enumerate(ends, first))
            graph.next_relationship += count
    if kind in ("set", "mixed"):
        for _ in range(draw(st.integers(1, 2))):
            element = draw(st.sampled_from(Element))
            known = graph.nodes if element is Element.NODE else list(graph.relationships)
            if known:
                key = draw(st.sampled_from(KEYS))
                some = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True))
                if not any((p.element, p.key) == (element, key) for p in properties):
                    values: list[Value] = [draw(VALUES) for _ in some]
                    properties.append(SetProperties(element, key, ids(*some), ListColumn(values)))
    if kind in ("label", "mixed"):
        some = draw(st.lists(st.sampled_from(graph.nodes), min_size=1, max_size=3, unique=True))
        labels.append(SetLabels(draw(st.sampled_from(LABELS)), ids(*some), draw(st.booleans())))
    if kind == "delete" and graph.relationships:
        deleted.append(draw(st.sampled_from(sorted(graph.relationships))))
    if kind == "drop":
        dropped.append(draw(st.sampled_from(graph.nodes)))
        deleted += [r for r, ends in graph.relationships.items() if dropped[0] in ends]
        graph.nodes.remove(dropped[0])
    for relationship in deleted:
        del graph.relationships[relationship]
    return Changeset(
        (),
        tuple(nodes),
        tuple(relationships),
        tuple(properties),
        tuple(labels),
        ids(*deleted),
        ids(*dropped),
    )
