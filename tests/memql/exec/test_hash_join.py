"""Joining halves gives what nested loops over them give: on graphs with self-loops, parallel edges and short cycles."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memoradb
from memoradb.core.batch import Batch
from memoradb.core.columns import ListColumn, RaggedColumn, relationship_column
from memoradb.core.errors import Cancelled, QueryMemoryExceeded
from memoradb.core.semantics import equals
from memoradb.core.values import NodeRef, RelationshipRef
from memoradb.memql.exec import hash_join
from memoradb.memql.exec.context import Cancellation
from memoradb.memql.exec.expand import Expand
from memoradb.memql.exec.hash_join import HashJoin, Table, relationships_apart
from memoradb.memql.exec.operator import Demand, Frame
from memoradb.memql.exec.scan import ArgumentScan, NodeScan
from memoradb.memql.exec.spill import SystemTemporaryFiles
from memoradb.memql.exec.var_expand import VarLengthExpand
from memoradb.memql.plan.expr import Property, Variable
from memoradb.memql.session import Options
from memoradb.storage.view import Direction

sys.path.insert(0, str(Path(__file__).parent))
from simple_graph import SimpleGraph, a_context, a_frame, rows_of, run, same_at_every_bound

NODES = 5
nodes = st.lists(st.sampled_from([(), ("A",), ("A", "B"), ("B",)]), min_size=NODES, max_size=NODES)
edges = st.lists(st.tuples(st.sampled_from("TU"), st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=9)
graphs = st.builds(lambda n, e: SimpleGraph([(labels, {}) for labels in n], e), nodes, edges)
directions = st.sampled_from(list(Direction))
some_types = st.sampled_from([(), ("T",), ("T", "U")])


@pytest.fixture(params=["by slot", "by hash"])
def table(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Graphs here are small: without this no table would be one by hash."""
    if request.param == "by hash":
        monkeypatch.setattr(hash_join, "DENSE_FACTOR", 0)
        monkeypatch.setattr(hash_join, "DENSE_PLACES", 0)
    return request.param


def hop(source: str, relationship: str | None, target: str, types, direction) -> Expand:
    return Expand(NodeScan(ArgumentScan(), source), source, relationship, target, types, direction)


@pytest.mark.usefixtures("table")
@settings(max_examples=30)
@given(graphs, some_types, some_types, directions, directions)
def test_halves_that_meet_in_a_node_are_two_hops(graph, first, second, one, other):
    def joined():
        return HashJoin(hop("a", "r", "m", first, one), hop("c", "s", "m", second, other), ("m",), ("c", "s"))

    def nested():
        return Expand(hop("a", "r", "m", first, one), "m", "s", "c", second, other.reversed)

    found = same_at_every_bound(joined, graph, "a", "r", "m", "s", "c")
    assert found == same_at_every_bound(nested, graph, "a", "r", "m", "s", "c")


@pytest.mark.usefixtures("table")
@settings(max_examples=30)
@given(graphs, directions, directions)
def test_relationships_of_the_halves_that_must_differ_do(graph, one, other):
    def joined():
        left, right = hop("a", "r", "m", (), one), hop("c", "s", "m", (), other)
        return HashJoin(left, right, ("m",), ("c", "s"), (("r", "s"),))

    def nested():
        return Expand(hop("a", "r", "m", (), one), "m", "s", "c", (), other.reversed, (), ("r",))

    found = same_at_every_bound(joined, graph, "a", "m", "s", "c")
    assert found == same_at_every_bound(nested, graph, "a", "m", "s", "c")


@pytest.mark.usefixtures("table")
@settings(max_examples=12)
@given(graphs, directions)
def test_lists_of_relationships_share_none(graph, direction):
    def half(name: str, hops: str):
        return VarLengthExpand(NodeScan(ArgumentScan(), name), name, hops, "m", (), direction, 1, 2)

    def joined(apart: bool):
        pairs = (("r", "s"),) if apart else ()
        return lambda: HashJoin(half("a", "r"), half("c", "s"), ("m",), ("c", "s"), pairs)

    def shares(row) -> bool:
        return any(r in row[5] for r in row[2])

    every = same_at_every_bound(joined(False), graph, "a", "r", "m", "c", "s")
    apart = same_at_every_bound(joined(True), graph, "a", "r", "m", "c", "s")
    assert apart == [row for row in every if not shares(row)]


@pytest.mark.usefixtures("table")
@settings(max_examples=30)
@given(graphs, some_types)
def test_what_nothing_reads_of_the_right_is_a_weight(graph, types):
    def joined(shown):
        right = Expand(hop("c", None, "m", types, Direction.OUT), "c", None, None, (), Direction.BOTH)
        return lambda: HashJoin(hop("a", None, "m", types, Direction.OUT), right, ("m",), shown)

    assert same_at_every_bound(joined(()), graph, "a", "m") == same_at_every_bound(joined(("c",)), graph, "a", "m")


@pytest.mark.usefixtures("table")
@settings(max_examples=30)
@given(graphs)
def test_two_shared_nodes_close_a_cycle(graph):
    def wedge(middle: str) -> Expand:
        return Expand(hop(middle, None, "b", (), Direction.IN), middle, None, "d", (), Direction.OUT)

    def joined():
        return HashJoin(wedge("a"), wedge("c"), ("b", "d"), ("c",))

    expected = [
        (0, NodeRef(a), NodeRef(b), NodeRef(c), NodeRef(d))
        for a in range(NODES)
        for _, b in graph.steps(a, None, Direction.IN)
        for _, d in graph.steps(a, None, Direction.OUT)
        for c in range(NODES)
        for _, x in graph.steps(c, None, Direction.IN)
        for _, y in graph.steps(c, None, Direction.OUT)
        if (b, d) == (x, y)
    ]
    assert same_at_every_bound(joined, graph, "a", "b", "c", "d") == sorted(expected, key=repr)


@given(graphs)
def test_halves_that_share_nothing_meet_each_with_each(graph):
    joined = same_at_every_bound(
        lambda: HashJoin(NodeScan(ArgumentScan(), "a"), NodeScan(ArgumentScan(), "b"), (), ("b",)), graph, "a", "b"
    )
    assert len(joined) == NODES * NODES


@pytest.mark.usefixtures("table")
@settings(max_examples=30)
@given(graphs, st.lists(st.integers(0, NODES - 1), min_size=1, max_size=4), st.booleans())
def test_argument_rows_stay_apart(graph, starts, correlated):
    def frame() -> Frame:
        return a_frame(a=[NodeRef(i) for i in starts], b=[NodeRef((i * 2) % NODES) for i in starts])

    def joined():
        left = Expand(ArgumentScan(("a",)), "a", None, "m", (), Direction.OUT)
        if correlated:
            right = Expand(ArgumentScan(("b",)), "b", "s", "m", (), Direction.OUT)
            return HashJoin(left, right, ("m",), ("s",), (), True)
        return HashJoin(left, hop("b", "s", "m", (), Direction.OUT), ("m",), ("b", "s"))

    expected = [
        (row, NodeRef(a), NodeRef(m), RelationshipRef(s))
        for row, a in enumerate(starts)
        for _, m in graph.steps(a, None, Direction.OUT)
        for b in ([(a * 2) % NODES] if correlated else range(NODES))
        for s, x in graph.steps(b, None, Direction.OUT)
        if x == m
    ]
    found = same_at_every_bound(joined, graph, "a", "m", "s", frame=frame)
    assert found == sorted(expected, key=repr)


def test_the_right_half_is_not_made_where_there_is_no_left_row():
    class Never(ArgumentScan):
        def run(self, frame, context):
            raise AssertionError("asked in vain")

    graph = SimpleGraph([((), {})])
    left = NodeScan(ArgumentScan(), "a", ("Absent",))
    assert run(HashJoin(left, Never(), ("a",)), graph, "a") == []


def test_an_early_stop_is_passed_on_to_the_left_half():
    graph = SimpleGraph([((), {})] * 4, [("T", i, 0) for i in range(4)])
    joined = HashJoin(NodeScan(ArgumentScan(), "a"), hop("b", None, "a", (), Direction.IN), ("a",), ("b",))
    frame = Frame.top().asked(1)
    assert isinstance(frame.demand, Demand)
    first = next(joined.run(frame, a_context(graph)))
    assert first.length == 1


def test_what_the_right_half_holds_counts():
    graph = SimpleGraph([((), {})] * 100)
    joined = HashJoin(NodeScan(ArgumentScan(), "a"), NodeScan(ArgumentScan(), "a"), ("a",))
    context = a_context(graph, memory_bytes_max=1_000)
    with pytest.raises(QueryMemoryExceeded):
        rows_of(joined.run(Frame.top(), context), "a")
    context = a_context(graph)
    assert len(rows_of(joined.run(Frame.top(), context), "a")) == 100
    assert context.held_bytes == 0


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.0, -0.0, 1.0, 2.0, 2.5, float("nan"), float(2**53), 2**53, 2**53 + 1, "a", "b", ""]),
    st.lists(st.one_of(st.none(), st.integers(0, 1), st.sampled_from([0.0, 1.0, "a"])), max_size=2),
)


@pytest.mark.parametrize("kernels", ["auto", "always", "never"])
@settings(max_examples=60)
@given(st.lists(scalars, max_size=6), st.lists(scalars, max_size=6))
def test_equal_values_meet(kernels, mine, its):
    graph = SimpleGraph([((), {"x": x}) for x in mine] + [(("B",), {"y": y}) for y in its])
    left, right = NodeScan(ArgumentScan(), "a"), NodeScan(ArgumentScan(), "b", ("B",))
    pair = (Property(Variable("a"), "x"), Property(Variable("b"), "y"))
    for bound in (None, 1, 2, 3):
        context = a_context(graph, bound, kernels=kernels)
        joined = HashJoin(left, right, (), ("b",), (), False, (pair,))
        found = set(rows_of(joined.run(Frame.top(), context), "a", "b"))
        for i, x in enumerate(mine):
            for j, y in enumerate(its):
                row = (0, NodeRef(i), NodeRef(len(mine) + j))
                # A hash may be the same by chance, never different for what is equal.
                assert row in found or equals(x, y) is not True
                assert row not in found or (x is not None and y is not None)


def test_dates_that_are_equal_meet_whatever_their_zone():
    database = memoradb.open(None)
    database.execute(
        "CREATE (:A {t: datetime('2024-01-01T12:00+02:00'), d: duration('P1D')}), "
        "(:B {t: datetime('2024-01-01T10:00Z'), d: duration('PT24H')}), (:B {t: datetime('2024-01-01T12:00+02:00')})"
    )
    for text in ("a.t = b.t", "a.d = b.d"):
        query = f"MATCH (a:A), (b:B) WHERE {text} RETURN count(*)"
        ways = (["expand_halves"], ["hash_join"])
        assert len({database.execute(query, options=Options(disabled_rules=way)).rows[0] for way in ways}) == 1
    database.close()


class CountedFiles(SystemTemporaryFiles):
    """Temporary files that are counted."""

    created = 0

    def create(self):
        type(self).created += 1
        return super().create()


@pytest.mark.parametrize("correlated", [False, True])
def test_what_does_not_fit_into_memory_is_joined_part_by_part(correlated, monkeypatch):
    monkeypatch.setattr(hash_join, "DENSE_PLACES", 0)  # what a table takes at least is much here
    count = 60
    graph = SimpleGraph([((), {})] * count, [("T", i, i * 7 % 20) for i in range(count)] * 3)

    def joined() -> HashJoin:
        if correlated:
            left = Expand(ArgumentScan(("a",)), "a", "r", "m", (), Direction.OUT)
            right = Expand(
                Expand(ArgumentScan(("b",)), "b", None, "x", (), Direction.OUT), "x", "s", "m", (), Direction.IN
            )
            return HashJoin(left, right, ("m",), ("s",), (("r", "s"),), True)
        return HashJoin(
            hop("a", "r", "m", (), Direction.OUT), hop("c", "s", "m", (), Direction.OUT), ("m",), ("c", "s")
        )

    def frame() -> Frame:
        nodes = [NodeRef(i) for i in range(count)]
        return a_frame(a=nodes, b=[*nodes[7:], *nodes[:7]]) if correlated else Frame.top()

    names = ("a", "m", "r", "s")
    expected = sorted(rows_of(joined().run(frame(), a_context(graph)), *names), key=repr)
    files, before = CountedFiles(), CountedFiles.created
    context = a_context(graph, 3, memory_bytes_max=24_000, temporary_files=files)
    found = rows_of(joined().run(frame(), context), *names)
    assert sorted(found, key=repr) == expected
    assert files.created == before + 1, "nothing was written: the test shows nothing"
    assert context.held_bytes == 0
    assert context.disk_bytes == 0


def test_a_join_stops_when_it_is_cancelled():
    graph = SimpleGraph([((), {})] * 8)
    joined = HashJoin(NodeScan(ArgumentScan(), "a"), NodeScan(ArgumentScan(), "b"), (), ("b",))
    context = a_context(graph, 1)
    context.cancellation = Cancellation(context.clock)
    batches = joined.run(Frame.top(), context)
    next(batches)
    context.cancellation.cancel()
    with pytest.raises(Cancelled):
        list(batches)


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, 1 << 31), st.integers(0, 6), st.integers(0, 1 << 31)), max_size=20),
    st.lists(st.tuples(st.integers(0, 1 << 31), st.integers(0, 6), st.integers(0, 1 << 31)), max_size=20),
    st.integers(1, 3),
)
def test_a_table_finds_equal_keys_and_no_others(built, asked, width):
    asked = asked + built[:3]

    def parts(rows):
        return [np.array([row[i] for row in rows], np.int64) for i in range(width)]

    if not built or not asked:
        return
    table = Table(parts(built), a_context(SimpleGraph([])))
    starts, counts = table.find(parts(asked))
    for i, row in enumerate(asked):
        candidates = table.order[starts[i] : starts[i] + counts[i]]
        same = table.equal(parts(asked), np.full(len(candidates), i), candidates)
        found = candidates.tolist() if same is None else candidates.compress(same).tolist()
        assert found == [j for j, other in enumerate(built) if other[:width] == row[:width]]


def test_a_table_is_filled_run_by_run(monkeypatch: pytest.MonkeyPatch):
    keys = np.arange(1000) * 7 % 13
    whole = Table([keys], a_context(SimpleGraph([]))).order
    monkeypatch.setattr(hash_join, "RUN_ROWS", 3)
    assert Table([keys], a_context(SimpleGraph([]))).order.tolist() == whole.tolist()


def test_columns_of_any_form_are_held_against_each_other():
    one = relationship_column(np.array([1, 2, 3]))
    lists = RaggedColumn(np.array([0, 2, 2, 3]), relationship_column(np.array([1, 5, 3])))
    values = ListColumn([[RelationshipRef(1), RelationshipRef(5)], [], [RelationshipRef(3)]])
    every = np.arange(3)
    for other in (lists, values):
        assert relationships_apart(one, other, every, every).tolist() == [False, True, False]
        assert relationships_apart(other, one, every, every).tolist() == [False, True, False]
        assert relationships_apart(other, lists, every, every).tolist() == [False, True, False]
        assert relationships_apart(other, lists, every, np.array([2, 0, 1])).tolist() == [True, True, True]
    assert Batch({"r": one}, 3).length == 3
