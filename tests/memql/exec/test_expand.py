"""Expansion against a walk over lists, on graphs with self-loops, parallel relationships and short cycles."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.errors import ArithmeticOverflow, TypeMismatch
from memoradb.core.values import NodeRef, RelationshipRef
from memoradb.memql.exec.adjacent import degree_slices, multiplied
from memoradb.memql.exec.expand import Expand, ExpandInto, ProjectEndpoints
from memoradb.memql.exec.relationship_scan import RelationshipById, RelationshipScan
from memoradb.memql.exec.scan import ArgumentScan, NodeScan
from memoradb.memql.exec.shortest_path import ShortestPath
from memoradb.memql.exec.var_expand import VarLengthExpand
from memoradb.memql.plan.expr import Literal
from memoradb.storage.view import Direction

sys.path.insert(0, str(Path(__file__).parent))
from simple_graph import SimpleGraph, a_frame, run, same_at_every_bound

NODES = 5
nodes = st.lists(st.sampled_from([(), ("A",), ("A", "B"), ("B",)]), min_size=NODES, max_size=NODES)
edges = st.lists(st.tuples(st.sampled_from("TU"), st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=9)
graphs = st.builds(lambda n, e: SimpleGraph([(labels, {}) for labels in n], e), nodes, edges)
directions = st.sampled_from(list(Direction))
some_types = st.sampled_from([(), ("T",), ("T", "U"), ("Absent",)])


def scan(variable: str = "a") -> NodeScan:
    return NodeScan(ArgumentScan(), variable)


def walked(graph: SimpleGraph, types: tuple[str, ...], direction: Direction) -> list[tuple[int, int, int]]:
    return [(a, r, b) for a in range(NODES) for r, b in graph.steps(a, types or None, direction)]


@given(graphs, some_types, directions, st.sampled_from([(), ("A",), ("A", "B")]))
def test_expand_gives_one_row_for_each_relationship(graph, types, direction, labels):
    found = same_at_every_bound(lambda: Expand(scan(), "a", "r", "b", types, direction, labels), graph, "a", "r", "b")
    expected = [
        (0, NodeRef(a), RelationshipRef(r), NodeRef(b))
        for a, r, b in walked(graph, types, direction)
        if set(labels) <= set(graph.node_list[b][0])
    ]
    assert found == sorted(expected, key=repr)


@given(graphs, some_types, directions, st.sampled_from([(), ("A",), ("A", "B")]))
def test_a_dead_expand_weighs_what_a_live_one_would_make(graph, types, direction, labels):
    dead = same_at_every_bound(lambda: Expand(scan(), "a", None, None, types, direction, labels), graph, "a")
    live = same_at_every_bound(lambda: Expand(scan(), "a", "r", "b", types, direction, labels), graph, "a")
    assert dead == live


@given(graphs, directions, directions)
def test_a_unique_relationship_is_none_of_those_before(graph, first, second):
    def plan():
        hop = Expand(scan(), "a", "r", "b", (), first)
        return Expand(hop, "b", "s", "c", (), second, (), ("r",))

    found = same_at_every_bound(plan, graph, "r", "s", "c")
    expected = [
        (0, RelationshipRef(r), RelationshipRef(s), NodeRef(c))
        for _, r, b in walked(graph, (), first)
        for s, c in graph.steps(b, None, second)
        if r != s
    ]
    assert found == sorted(expected, key=repr)


@given(graphs, some_types, directions, directions, st.sampled_from([(), ("A",)]))
def test_a_dead_unique_hop_weighs_what_a_live_one_would_make(graph, types, first, last, labels):
    def plan(relationship, target):
        # r and q may be one relationship: it must be taken off once.
        hops = Expand(Expand(scan(), "a", "r", "b", (), first), "b", "q", "c", (), first)
        return lambda: Expand(hops, "c", relationship, target, types, last, labels, ("q", "r"))

    dead = same_at_every_bound(plan(None, None), graph, "r", "q")
    assert dead == same_at_every_bound(plan("s", "d"), graph, "r", "q")


@given(graphs, some_types, directions, st.sampled_from(["r", None]))
def test_expand_into_finds_exactly_what_expand_and_compare_would(graph, types, direction, relationship):
    names = ("a", "b") if relationship is None else ("a", "r", "b")
    found = same_at_every_bound(
        lambda: ExpandInto(NodeScan(scan(), "b"), "a", relationship, "b", types, direction), graph, *names
    )
    rows = [(0, NodeRef(a), RelationshipRef(r), NodeRef(b)) for a, r, b in walked(graph, types, direction)]
    expected = rows if relationship else [(row, a, b) for row, a, _, b in rows]
    assert found == sorted(expected, key=repr)


def trails(graph, start, types, direction, low, high):
    stack: list[tuple] = [(start, ())]
    while stack:
        node, path = stack.pop()
        if low <= len(path):
            yield node, path
        if high is None or len(path) < high:
            stack.extend((b, (*path, r)) for r, b in graph.steps(node, types or None, direction) if r not in path)


@given(graphs, some_types, directions, st.integers(0, 2), st.sampled_from([0, 1, 2, 3]), st.booleans(), st.booleans())
def test_variable_length_gives_every_trail_once(graph, types, direction, low, high, into, backwards):
    def plan():
        source = NodeScan(scan(), "b") if into else scan()
        return VarLengthExpand(source, "a", "r", "b", types, direction, low, high, into=into, backwards=backwards)

    found = same_at_every_bound(plan, graph, "a", "r", "b")
    expected = [
        (0, NodeRef(a), [RelationshipRef(r) for r in (reversed(path) if backwards else path)], NodeRef(b))
        for a in range(NODES)
        for b, path in trails(graph, a, types, direction, low, high)
    ]
    assert found == sorted(expected, key=repr)


@given(graphs, directions, st.integers(0, 1), st.sampled_from([1, 2, 3]))
def test_dead_trails_weigh_what_live_ones_would_make(graph, direction, low, high):
    def plan(r, b):
        return lambda: VarLengthExpand(scan(), "a", r, b, (), direction, low, high, target_labels=("A",))

    dead = same_at_every_bound(plan(None, None), graph, "a")
    assert dead == same_at_every_bound(plan("r", "b"), graph, "a")


def test_unbounded_trails_end_when_relationships_run_out():
    ring = SimpleGraph([((), {})] * 3, [("T", 0, 1), ("T", 1, 2), ("T", 2, 0)])
    operator = VarLengthExpand(scan(), "a", "r", "b", (), Direction.OUT, 1, None)
    assert sorted(len(r) for _, r in run(operator, ring, "r")) == [1, 1, 1, 2, 2, 2, 3, 3, 3]


@given(graphs, directions, st.booleans())
def test_shortest_paths_are_the_shortest_trails(graph, direction, every):
    def plan():
        pairs = NodeScan(scan(), "b")
        return ShortestPath(pairs, "a", "b", "r", (), direction, 1, 4, every)

    found = run(plan(), graph, "a", "b", "r")
    expected: dict[tuple[int, int], list[tuple[int, ...]]] = {}
    for a in range(NODES):
        for b, path in trails(graph, a, (), direction, 1, 4):
            if a != b:
                expected.setdefault((a, b), []).append(path)
    shortest = {pair: {p for p in paths if len(p) == min(map(len, paths))} for pair, paths in expected.items()}
    got: dict[tuple[int, int], set[tuple[int, ...]]] = {}
    for _, a, b, path in found:
        got.setdefault((a.slot, b.slot), set()).add(tuple(r.slot for r in path))
    assert got.keys() == shortest.keys()
    for pair, paths in got.items():
        assert paths == shortest[pair] if every else (len(paths) == 1 and paths <= shortest[pair])


@given(graphs, some_types, directions)
def test_a_relationship_scan_is_an_expand_from_every_node(graph, types, direction):
    scanned = same_at_every_bound(
        lambda: RelationshipScan(ArgumentScan(), "r", "a", "b", types, direction), graph, "a", "r", "b"
    )
    expanded = same_at_every_bound(lambda: Expand(scan(), "a", "r", "b", types, direction), graph, "a", "r", "b")
    assert scanned == expanded


def test_a_relationship_is_found_by_id_with_its_ends():
    graph = SimpleGraph([((), {})] * 2, [("T", 0, 1), ("U", 1, 1)])
    one = RelationshipById(ArgumentScan(), "r", "a", "b", Literal(100), direction=Direction.BOTH)
    assert run(one, graph, "a", "b") == [(0, NodeRef(0), NodeRef(1)), (0, NodeRef(1), NodeRef(0))]
    many = RelationshipById(ArgumentScan(), "r", "a", "b", Literal([101, 101.0, 999, "x"]), True, ("U",))
    assert run(many, graph, "r") == [(0, RelationshipRef(1))]
    assert run(RelationshipById(ArgumentScan(), "r", "a", "b", Literal(101), False, ("T",)), graph) == []


def test_a_null_source_gives_no_rows_and_a_number_is_an_error():
    graph = SimpleGraph([((), {})] * 2, [("T", 0, 1)])
    frame = a_frame(a=[None, NodeRef(0), None])
    assert run(Expand(ArgumentScan(("a",)), "a", "r", "b", (), Direction.OUT), graph, "b", frame=frame) == [
        (1, NodeRef(1))
    ]
    with pytest.raises(TypeMismatch):
        run(Expand(ArgumentScan(("a",)), "a", "r", "b", (), Direction.OUT), graph, frame=a_frame(a=[1]))


def test_bound_relationships_give_their_ends_and_lists_their_walks():
    graph = SimpleGraph([((), {})] * 3, [("T", 0, 1), ("T", 1, 2)])
    one = a_frame(r=[RelationshipRef(0), None])
    operator = ProjectEndpoints(ArgumentScan(("r",)), "r", "a", "b", ("T",), Direction.BOTH)
    assert run(operator, graph, "a", "b", frame=one) == [(0, NodeRef(0), NodeRef(1)), (0, NodeRef(1), NodeRef(0))]
    lists = a_frame(r=[[RelationshipRef(0), RelationshipRef(1)], [RelationshipRef(0), RelationshipRef(0)]])
    walks = ProjectEndpoints(ArgumentScan(("r",)), "r", "a", "b", (), Direction.OUT, True)
    assert run(walks, graph, "a", "b", frame=lists) == [(0, NodeRef(0), NodeRef(2))]


def test_weights_that_leave_64_bits_are_an_error():
    with pytest.raises(ArithmeticOverflow):
        multiplied(np.array([1 << 40]), np.array([1 << 40]))


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(1, 12))
def test_degree_slices_cover_all_sources_and_keep_the_bound(degrees, bound):
    slices = list(degree_slices(np.array(degrees, np.int64), bound))
    assert [i for a, b in slices for i in range(a, b)] == list(range(len(degrees)))
    assert all(b - a == 1 or sum(degrees[a:b]) <= bound for a, b in slices)
