"""References become values at the end, and only those that are returned."""

import sys
from pathlib import Path

import numpy as np

import memoradb
from memoradb.core.columns import ConstantColumn, ListColumn, PathColumn, lift, node_column
from memoradb.core.values import Node, NodeRef, PathRef, Relationship, RelationshipRef
from memoradb.memql.exec.expand import Expand
from memoradb.memql.exec.filter import Filter
from memoradb.memql.exec.limit import Limit
from memoradb.memql.exec.materialise import materialise
from memoradb.memql.exec.scan import ArgumentScan, NodeScan
from memoradb.memql.exec.sort import Sort
from memoradb.memql.plan.expr import Call, Literal, Property, Variable
from memoradb.memql.plan.nodes import SortKey
from memoradb.storage.view import Direction

sys.path.insert(0, str(Path(__file__).parent))
from simple_graph import SimpleGraph, run


class Watched(SimpleGraph):
    """Notes which keys are read, and of how many elements, and which elements are read whole."""

    def __init__(self, nodes, edges):
        super().__init__(nodes, edges)
        self.read: list[tuple[str, int]] = []
        self.whole: list[int] = []

    def property(self, element, slots, key):
        self.read.append((key, len(slots)))
        return super().property(element, slots, key)

    def properties(self, element, slot):
        self.whole.append(slot)
        return super().properties(element, slot)


def a_star(count: int = 6) -> Watched:
    return Watched([(("A",), {"k": i, "name": "n"}) for i in range(count)], [("T", 0, i) for i in range(1, count)])


def test_operators_carry_slots_and_read_only_the_keys_that_they_need():
    graph = a_star()
    hop = Expand(NodeScan(ArgumentScan(), "a"), "a", None, "b", (), Direction.OUT)
    plan = Limit(
        Sort(Filter(hop, Call(">", (Property(Variable("b"), "k"), Literal(3)))), (SortKey(Variable("b")),)), Literal(1)
    )
    assert run(plan, graph, "b") == [(0, NodeRef(4))]
    assert graph.read == [("k", 5)] and not graph.whole


def test_an_element_is_read_once_for_a_column():
    graph = a_star()
    found = materialise(node_column(np.array([2, 1, 2, 2]), np.array([False, False, False, True])), graph)  # pyright: ignore[reportArgumentType]
    assert [None if n is None else n.id for n in found] == [102, 101, 102, None]
    assert found[0] is found[2] and graph.whole == [2, 1]


def test_references_inside_lists_maps_and_paths_become_values():
    with memoradb.open(None) as database:
        database.execute("CREATE (:A {k: 1})-[:T {w: 2}]->(:B)")
        view = database.storage.snapshot()
        inside = materialise(ListColumn([[NodeRef(0), {"r": RelationshipRef(0)}], PathRef((0, 1), (0,)), 7]), view)
        node, held = inside[0]
        assert isinstance(node, Node) and node.properties == {"k": 1} and isinstance(held["r"], Relationship)
        assert [n.labels for n in inside[1].nodes] == [("A",), ("B",)] and inside[1].relationships[0].properties == {
            "w": 2
        }
        paths = PathColumn(np.array([0, 1]), np.array([0, 1]), np.array([0]))
        assert materialise(paths, view) == [inside[1]]
        assert materialise(ConstantColumn([NodeRef(1)], 2), view) == [[inside[1].nodes[1]]] * 2
        assert materialise(lift([1, None]), view) == [1, None]
