"""Reachability against trails: the ends are the same set, on graphs with self-loops, parallels and short cycles."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from memoradb.core.clock import ManualClock
from memoradb.core.errors import Cancelled
from memoradb.core.values import NodeRef
from memoradb.memql.exec import reach
from memoradb.memql.exec.context import Cancellation
from memoradb.memql.exec.frontier import Marks
from memoradb.memql.exec.operator import Frame
from memoradb.memql.exec.reach import MARK_BYTES, Looks, Reach, is_reachability
from memoradb.memql.exec.scan import ArgumentScan, NodeScan
from memoradb.memql.exec.var_expand import VarLengthExpand
from memoradb.memql.plan.expr import Call, Literal, Variable
from memoradb.storage.view import Direction

sys.path.insert(0, str(Path(__file__).parent))
from simple_graph import SimpleGraph, a_context, a_frame, rows_of, run, same_at_every_bound

few = settings(max_examples=40)
NODES = 6
nodes = st.lists(st.sampled_from([(), ("A",), ("A", "B"), ("B",)]), min_size=NODES, max_size=NODES)
edges = st.lists(st.tuples(st.sampled_from("TU"), st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=10)
graphs = st.builds(lambda n, e: SimpleGraph([(labels, {}) for labels in n], e), nodes, edges)
directions = st.sampled_from(list(Direction))
some_types = st.sampled_from([(), ("T",), ("T", "U"), ("Absent",)])
lows = st.integers(0, 1)
highs = st.sampled_from([1, 2, 3, None])
some_labels = st.sampled_from([(), ("A",), ("A", "B")])


@pytest.fixture(autouse=True)
def usual_sizes(monkeypatch):
    monkeypatch.setattr(reach, "TWO_SIDED_NODES_MIN", reach.TWO_SIDED_NODES_MIN)


def scan(variable: str = "a") -> NodeScan:
    return NodeScan(ArgumentScan(), variable)


@few
@given(graphs, some_types, directions, lows, highs, some_labels)
def test_the_ends_are_those_of_trails_each_once(graph, types, direction, low, high, labels):
    ends = same_at_every_bound(
        lambda: Reach(scan(), "a", "b", types, direction, low, high, target_labels=labels), graph, "a", "b"
    )
    trails = VarLengthExpand(scan(), "a", None, "b", types, direction, low, high, target_labels=labels)
    assert ends == sorted(set(run(trails, graph, "a", "b")), key=repr)


@pytest.mark.parametrize("nodes_min", [0, 1_000])
@few
@given(graph=graphs, types=some_types, direction=directions, low=lows, high=highs)
def test_a_bound_end_is_found_where_a_trail_leads_to_it(nodes_min, graph, types, direction, low, high):
    reach.TWO_SIDED_NODES_MIN = nodes_min  # searched for from both sides, or from one
    pairs = NodeScan(scan(), "b")
    ends = same_at_every_bound(lambda: Reach(pairs, "a", "b", types, direction, low, high, into=True), graph, "a", "b")
    trails = VarLengthExpand(pairs, "a", None, "b", types, direction, low, high, into=True)
    assert ends == sorted(set(run(trails, graph, "a", "b")), key=repr)


@few
@given(graphs, directions, lows, highs, some_labels)
def test_an_end_that_nothing_reads_leaves_one_row_where_there_is_any(graph, direction, low, high, labels):
    ends = same_at_every_bound(
        lambda: Reach(scan(), "a", None, (), direction, low, high, target_labels=labels), graph, "a"
    )
    trails = VarLengthExpand(scan(), "a", None, None, (), direction, low, high, target_labels=labels)
    assert ends == sorted(set(run(trails, graph, "a")), key=repr)


@few
@given(graphs, directions, lows, highs, some_labels, st.integers(0, 30))
def test_whether_a_label_lies_within_reach_is_the_same_by_a_set_of_sources(graph, direction, low, high, labels, paid):
    plan = Reach(scan(), "a", None, ("T",), direction, low, high, target_labels=labels)
    context = a_context(graph, 2, unchanging=True)
    context.kept(plan, Looks).relationships = paid  # from one more than there are on the set is made
    by_set = sorted(rows_of(plan.run(Frame.top(), context), "a", bound=2), key=repr)
    assert by_set == sorted(run(plan, graph, "a"), key=repr)
    assert by_set == sorted(
        set(
            run(
                VarLengthExpand(scan(), "a", None, None, ("T",), direction, low, high, target_labels=labels), graph, "a"
            )
        ),
        key=repr,
    )


@few
@given(graphs, directions, lows, highs, st.integers(0, 9))
def test_a_hop_that_a_predicate_forbids_is_not_there(graph, direction, low, high, forbidden):
    def forbids(operator, target):
        hop = Call("<>", (Call("id", (Variable("hop"),)), Literal(100 + forbidden)))
        return lambda: operator(target, hop)

    def ends_of(target, hop):
        return Reach(scan(), "a", target, (), direction, low, high, "hop", hop)

    def trails(target, hop):
        return VarLengthExpand(scan(), "a", None, target, (), direction, low, high, "hop", hop)

    ends = same_at_every_bound(forbids(ends_of, "b"), graph, "a", "b")
    assert ends == sorted(set(run(forbids(trails, "b")(), graph, "a", "b")), key=repr)
    assert {row[:2] for row in ends} == set(same_at_every_bound(forbids(ends_of, None), graph, "a"))
    for reach.TWO_SIDED_NODES_MIN in (0, 1_000):
        hop = Call("<>", (Call("id", (Variable("hop"),)), Literal(100 + forbidden)))
        pairs = Reach(NodeScan(scan(), "b"), "a", "b", (), direction, low, high, "hop", hop, into=True)
        assert ends == same_at_every_bound(lambda pairs=pairs: pairs, graph, "a", "b")


@few
@given(graphs, directions, lows, highs)
def test_rows_with_one_source_share_a_search_and_keep_their_own_row(graph, direction, low, high):
    def frame():
        return a_frame(a=[NodeRef(2), NodeRef(0), NodeRef(2)])

    def plan():
        return Reach(ArgumentScan(("a",)), "a", "b", (), direction, low, high)

    found = same_at_every_bound(plan, graph, "b", frame=frame)
    alone = [run(plan(), graph, "b", frame=a_frame(a=[NodeRef(slot)])) for slot in (2, 0, 2)]
    assert found == sorted(((row, b) for row, rows in enumerate(alone) for _, b in rows), key=repr)


@few
@given(graphs, directions, highs)
def test_who_wants_only_one_row_gets_at_least_that(graph, direction, high):
    plan = Reach(ArgumentScan(("a",)), "a", "b", (), direction, 1, high)
    frame = a_frame(a=[NodeRef(slot) for slot in range(NODES)]).asked(1)
    assert frame.demand is not None
    satisfied = set()
    for batch in plan.run(frame, a_context(graph, 2)):
        satisfied |= set(batch.rows().tolist())
        frame.demand.satisfied[batch.rows()] = True
    everything = run(plan, graph, frame=a_frame(a=[NodeRef(slot) for slot in range(NODES)]))
    assert satisfied == {row[0] for row in everything}


def test_the_law_holds_for_no_fewest_hops_of_two():
    # a-b back and forth is a walk of two and three hops, of which no trail is one.
    graph = SimpleGraph([((), {}), ((), {})], [("T", 0, 1), ("T", 1, 0)])
    trails = VarLengthExpand(scan(), "a", None, "b", (), Direction.OUT, 3, 3)
    assert run(trails, graph, "a", "b") == []
    assert not is_reachability(2, 3, list_is_read=False, apart=False)
    assert not is_reachability(1, 3, list_is_read=True, apart=False)
    assert not is_reachability(1, 3, list_is_read=False, apart=True)
    assert not is_reachability(1, 0, list_is_read=False, apart=False)
    assert is_reachability(0, 0, list_is_read=False, apart=False)
    assert is_reachability(1, None, list_is_read=False, apart=False)


class Watching(SimpleGraph):
    """Notes how many relationships each step took."""

    sizes: list[int]

    def far_ends(self, sources, types, direction):
        found = super().far_ends(sources, types, direction)
        self.sizes.append(len(found))
        return found


def test_a_step_takes_a_bounded_number_of_relationships_and_can_be_cancelled():
    # A binary tree of 2,000 nodes: levels of up to a thousand.
    graph = Watching([((), {})] * 2_000, [("T", (i - 1) // 2, i) for i in range(1, 2_000)])
    graph.sizes = []
    plan = Reach(ArgumentScan(("a",)), "a", "b", ("T",), Direction.OUT, 1, None)
    frame = Frame(a_frame(a=[NodeRef(0)]).argument, 1)
    assert len(rows_of(plan.run(frame, a_context(graph, 16)), "b", bound=16)) == 1_999
    assert max(graph.sizes) <= 16
    cancellation = Cancellation(ManualClock())
    batches = plan.run(frame, a_context(graph, 16, cancellation=cancellation))
    next(batches)
    cancellation.cancel()
    with pytest.raises(Cancelled):
        list(batches)


@few
@given(st.integers(1, 5_000), st.lists(st.lists(st.integers(0, 4_999), max_size=300), max_size=5))
def test_marks_give_each_new_key_once(size, steps):
    marks, seen = Marks(size), BitMap()
    for step in steps:
        keys = [k % size for k in step]
        fresh = marks.add(np.array(keys, np.int64))
        assert fresh.tolist() == sorted(set(keys) - set(seen))
        seen |= BitMap(keys)
    everything = np.arange(size)
    assert np.flatnonzero(marks.seen(everything)).tolist() == list(seen)
    marks.forget(everything)
    assert not marks.seen(everything).any()
    assert marks.bytes == size < MARK_BYTES
