"""Intersecting neighbours gives what following one relationship and testing the others gives."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memoradb.core.values import NodeRef
from memoradb.memql.exec import between
from memoradb.memql.exec.between import ranked
from memoradb.memql.exec.expand import Expand, ExpandInto
from memoradb.memql.exec.intersect import Intersect, Leg
from memoradb.memql.exec.scan import ArgumentScan, NodeScan
from memoradb.storage.view import Direction

sys.path.insert(0, str(Path(__file__).parent))
from simple_graph import SimpleGraph, a_context, a_frame, same_at_every_bound

NODES = 5
nodes = st.lists(st.sampled_from([(), ("A",), ("A", "B"), ("B",)]), min_size=NODES, max_size=NODES)
edges = st.lists(st.tuples(st.sampled_from("TU"), st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=12)
graphs = st.builds(lambda n, e: SimpleGraph([(labels, {}) for labels in n], e), nodes, edges)
directions = st.sampled_from(list(Direction))
some_types = st.sampled_from([(), ("T",), ("T", "U")])
labels = st.sampled_from([(), ("A",), ("A", "B")])


@pytest.fixture(params=["as it is", "by marks", "by search", "many tables"])
def look_up(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which way pairs are looked up."""
    if request.param == "by marks":
        monkeypatch.setattr(between, "SORT_NS", 1_000_000)
    elif request.param == "by search":
        monkeypatch.setattr(between, "TABLE_NS", 1_000_000_000)
    elif request.param == "many tables":
        monkeypatch.setattr(between, "SORT_NS", 1_000_000)
        monkeypatch.setattr(between, "CELLS", 7)
    return request.param


def pairs() -> NodeScan:
    return NodeScan(NodeScan(ArgumentScan(), "a"), "b")


@pytest.mark.usefixtures("look_up")
@settings(max_examples=25)
@given(graphs, some_types, some_types, directions, directions, labels)
def test_two_legs_meet_where_a_hop_and_a_test_do(graph, first, second, one, other, wanted):
    def intersected():
        legs = (Leg("a", "r", first, one, True), Leg("b", "s", second, other, True))
        return Intersect(pairs(), "c", legs, wanted)

    def followed():
        return ExpandInto(Expand(pairs(), "a", "r", "c", first, one, wanted), "b", "s", "c", second, other)

    names = ("a", "b", "c", "r", "s")
    assert same_at_every_bound(intersected, graph, *names) == same_at_every_bound(followed, graph, *names)


@pytest.mark.usefixtures("look_up")
@settings(max_examples=25)
@given(graphs, directions, directions, directions)
def test_three_legs_with_relationships_that_differ(graph, one, other, third):
    def intersected():
        legs = (
            Leg("a", "r", (), one, True, ("q",)),
            Leg("b", "s", (), other, True, ("q", "r")),
            Leg("a", "t", (), third, True, ("r", "s")),
        )
        return Intersect(Expand(NodeScan(ArgumentScan(), "a"), "a", "q", "b", (), Direction.OUT), "c", legs)

    def followed():
        start = Expand(NodeScan(ArgumentScan(), "a"), "a", "q", "b", (), Direction.OUT)
        hop = Expand(start, "a", "r", "c", (), one, (), ("q",))
        return ExpandInto(ExpandInto(hop, "b", "s", "c", (), other, ("q", "r")), "a", "t", "c", (), third, ("r", "s"))

    names = ("a", "b", "c", "q", "r", "s", "t")
    assert same_at_every_bound(intersected, graph, *names) == same_at_every_bound(followed, graph, *names)


@pytest.mark.usefixtures("look_up")
@settings(max_examples=25)
@given(graphs, some_types, directions, st.booleans(), st.booleans())
def test_what_nothing_reads_is_a_weight_or_a_row_less(graph, types, direction, node, relationship):
    def intersected(target, shown):
        legs = (Leg("a", "r", types, direction, shown), Leg("b", "s", types, Direction.OUT))
        return lambda: Intersect(pairs(), target, legs)

    dead = same_at_every_bound(intersected("c" if node else None, relationship), graph, "a", "b")
    assert dead == same_at_every_bound(intersected("c", True), graph, "a", "b")


@given(graphs, st.lists(st.one_of(st.none(), st.integers(0, NODES - 1)), min_size=1, max_size=4))
def test_null_leads_nowhere_and_argument_rows_stay_apart(graph, starts):
    def frame():
        return a_frame(a=[None if i is None else NodeRef(i) for i in starts], b=[NodeRef(i or 0) for i in starts])

    def intersected():
        legs = (Leg("a", "r", (), Direction.OUT), Leg("b", "s", (), Direction.BOTH))
        return Intersect(ArgumentScan(("a", "b")), "c", legs)

    expected = [
        (row, NodeRef(c))
        for row, a in enumerate(starts)
        if a is not None
        for _, c in graph.steps(a, None, Direction.OUT)
        for _, x in graph.steps(a, None, Direction.BOTH)
        if x == c
    ]
    assert same_at_every_bound(intersected, graph, "c", frame=frame) == sorted(expected, key=repr)


@pytest.mark.usefixtures("look_up")
@settings(max_examples=25)
@given(
    graphs,
    st.lists(st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=12),
    some_types,
    directions,
)
def test_each_pair_has_its_relationships(graph, asked, types, direction):
    starts, ends = (np.array([pair[i] for pair in asked], np.int64) for i in (0, 1))
    found = between.between(starts, ends, types, direction, a_context(graph))
    got = sorted(
        (int(p), int(r)) for positions, relationships in found for p, r in zip(positions, relationships, strict=True)
    )
    steps = [list(graph.steps(start, types or None, direction)) for start, _ in asked]
    assert got == sorted((i, r) for i, (_, end) in enumerate(asked) for r, node in steps[i] if node == end)


@given(st.lists(st.integers(0, 50)), st.booleans())
def test_places_among_the_different_values(values, spread):
    array = np.array(values, np.int64) * (1_000_000 if spread else 1)
    different, place = ranked(array)
    assert different.tolist() == sorted(set(array.tolist()))
    assert different.take(place).tolist() == array.tolist()
