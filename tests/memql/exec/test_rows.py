"""Operators over rows: windows, sorts, groups, distinct rows and barriers, each per argument row."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.batch import Batch
from memoradb.core.clock import ManualClock
from memoradb.core.columns import lift
from memoradb.core.errors import Cancelled, DivisionByZero, MemQLSyntaxError, QueryMemoryExceeded, TypeMismatch
from memoradb.core.values import INTEGER_MAX, NodeRef
from memoradb.memql.exec.aggregate import Aggregation
from memoradb.memql.exec.apply import Apply
from memoradb.memql.exec.context import Cancellation
from memoradb.memql.exec.distinct import Distinct
from memoradb.memql.exec.eager import Eager
from memoradb.memql.exec.filter import Filter
from memoradb.memql.exec.index_scan import NodeById, NodeIndexSeek
from memoradb.memql.exec.limit import Limit, Skip, Window
from memoradb.memql.exec.operator import Frame
from memoradb.memql.exec.profile import Profile
from memoradb.memql.exec.project import Project
from memoradb.memql.exec.scan import ArgumentScan, NodeScan
from memoradb.memql.exec.sort import Sort, Top
from memoradb.memql.exec.union import Union
from memoradb.memql.exec.unwind import Unwind
from memoradb.memql.plan.expr import Call, LabelOperator, LabelTest, Literal, Variable
from memoradb.memql.plan.nodes import Aggregate, ApplyKind, SortKey

sys.path.insert(0, str(Path(__file__).parent))
from simple_graph import BOUNDS, SimpleGraph, a_context, a_frame, rows_of, run, same_at_every_bound

EMPTY = SimpleGraph([])
X = Variable("x")
values = st.lists(st.one_of(st.integers(-3, 3), st.none()), max_size=12)
tables = st.lists(st.lists(st.integers(-3, 3), max_size=8), min_size=1, max_size=4)


def unwound() -> Unwind:
    return Unwind(ArgumentScan(("xs",)), Variable("xs"), "x")


def frame_of(table):
    return lambda: a_frame(xs=[list(xs) for xs in table])


def per_row(table, work):
    return sorted([(i, x) for i, xs in enumerate(table) for x in work(xs)], key=repr)


@given(tables, st.integers(0, 4), st.integers(0, 4))
def test_skip_and_limit_count_for_each_argument_row(table, skip, count):
    found = same_at_every_bound(
        lambda: Limit(Skip(unwound(), Literal(skip)), Literal(count)), EMPTY, "x", frame=frame_of(table)
    )
    assert found == per_row(table, lambda xs: xs[skip : skip + count])


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), min_size=1, max_size=10), st.integers(0, 5))
def test_a_window_splits_weights(rows, count):
    row = np.array([r for r, _ in rows], np.int64)
    weight = np.array([w for _, w in rows], np.int64)
    batch = Batch({"x": lift(list(range(len(rows))))}, len(rows), row, weight)
    out = Window(1, count, Frame(Batch({}, 3), 3)).take(batch)
    got = [] if out is None else rows_of(iter([out]), "x")
    copies = [(r, i) for i, (r, w) in enumerate(rows) for _ in range(w)]
    expected = [c for r in range(3) for c in [c for c in copies if c[0] == r][1 : 1 + count]]
    assert sorted(got) == sorted(expected)


def test_the_largest_limit_after_a_skip_bounds_nothing():
    frame = a_frame(xs=[[1, 2, 3]])
    top = Top(unwound(), (SortKey(X),), Literal(INTEGER_MAX), Literal(1))
    assert run(top, EMPTY, "x", frame=frame) == [(0, 2), (0, 3)]


@pytest.mark.parametrize("wrong", [-1, 1.5, "2", None])
def test_a_limit_that_is_no_count_is_an_error(wrong):
    with pytest.raises(MemQLSyntaxError):
        run(Limit(ArgumentScan(), Literal(wrong)), EMPTY)


@given(tables, st.booleans())
def test_sort_is_by_argument_row_and_top_is_its_beginning(table, descending):
    keys = (SortKey(X, descending),)
    for bound in BOUNDS:
        ordered = run(Sort(unwound(), keys), EMPTY, "x", frame=frame_of(table)(), bound=bound)
        for i, xs in enumerate(table):
            assert [x for r, x in ordered if r == i] == sorted(xs, reverse=descending)
        top = run(Top(unwound(), keys, Literal(2), Literal(1)), EMPTY, "x", frame=frame_of(table)(), bound=bound)
        assert top == [p for i in range(len(table)) for p in [q for q in ordered if q[0] == i][1:3]]


@given(tables)
def test_distinct_and_union_keep_one_of_each_for_each_argument_row(table):
    expected = per_row(table, lambda xs: dict.fromkeys(xs))
    distinct = same_at_every_bound(lambda: Distinct(unwound(), ("x",)), EMPTY, "x", frame=frame_of(table))
    union = same_at_every_bound(lambda: Union((unwound(), unwound()), ("x",), False), EMPTY, "x", frame=frame_of(table))
    both = same_at_every_bound(lambda: Union((unwound(), unwound()), ("x",), True), EMPTY, "x", frame=frame_of(table))
    assert distinct == union == expected
    assert both == per_row(table, lambda xs: xs * 2)


@given(tables)
def test_an_aggregation_without_keys_answers_for_every_argument_row(table):
    def plan():
        return Aggregation(unwound(), (), (Aggregate("n", "count", ()), Aggregate("s", "sum", (X,))))

    found = same_at_every_bound(plan, EMPTY, "n", "s", frame=frame_of(table))
    assert found == sorted([(i, len(xs), sum(xs)) for i, xs in enumerate(table)], key=repr)


@given(tables)
def test_groups_are_by_argument_row_and_key(table):
    def plan():
        return Aggregation(unwound(), (("k", X),), (Aggregate("n", "count", ()),))

    found = same_at_every_bound(plan, EMPTY, "k", "n", frame=frame_of(table))
    expected = [(i, k, xs.count(k)) for i, xs in enumerate(table) for k in dict.fromkeys(xs)]
    assert found == sorted(expected, key=repr)


def test_groups_by_node_go_on_when_the_column_changes_its_form():
    plan = Aggregation(unwound(), (("k", X),), (Aggregate("n", "count", ()),))
    frame = a_frame(xs=[[NodeRef(5), NodeRef(2), NodeRef(5), None, NodeRef(2), 1]])
    for bound in BOUNDS:
        found = run(plan, EMPTY, "k", "n", frame=frame, bound=bound)
        assert sorted(found, key=repr) == sorted(
            [(0, NodeRef(5), 2), (0, NodeRef(2), 2), (0, None, 1), (0, 1, 1)], key=repr
        )


@given(tables)
def test_applies_join_back_by_row(table):
    inner = Filter(unwound(), Call(">", (X, Literal(0))))

    def plan(kind):
        return lambda: Apply(ArgumentScan(("xs",)), inner, kind, ("x",), ("xs",))

    some = [any(x > 0 for x in xs) for xs in table]
    cross = same_at_every_bound(plan(ApplyKind.CROSS), EMPTY, "x", frame=frame_of(table))
    assert cross == per_row(table, lambda xs: [x for x in xs if x > 0])
    optional = same_at_every_bound(plan(ApplyKind.OPTIONAL), EMPTY, "x", frame=frame_of(table))
    assert optional == per_row(table, lambda xs: [x for x in xs if x > 0] or [None])
    semi = same_at_every_bound(plan(ApplyKind.SEMI), EMPTY, frame=frame_of(table))
    assert semi == [(i,) for i, hit in enumerate(some) if hit]
    anti = same_at_every_bound(plan(ApplyKind.ANTI), EMPTY, frame=frame_of(table))
    assert anti == [(i,) for i, hit in enumerate(some) if not hit]


def inverse(operator):
    return Project(operator, (("y", Call("/", (Literal(6), X))),))


def assert_fails_after(batches, values):
    """Exactly ``values`` come out as ``y``, then the error."""
    got = []

    def drain():
        for batch in batches:
            got.extend(batch.columns["y"].values())

    with pytest.raises(DivisionByZero):
        drain()
    assert got == values


@pytest.mark.parametrize("bound", BOUNDS)
def test_rows_before_an_error_come_out_first(bound):
    frame = a_frame(xs=[[1, 2, 3, 0, 6]])
    batches = inverse(unwound()).run(frame, a_context(EMPTY, bound))
    assert_fails_after(batches, [6, 3, 2])


@pytest.mark.parametrize("bound", BOUNDS)
def test_a_limit_stops_before_an_error_behind_it(bound):
    frame = a_frame(xs=[[1, 0]])
    assert run(Limit(inverse(unwound()), Literal(1)), EMPTY, "y", frame=frame, bound=bound) == [(0, 6)]


@pytest.mark.parametrize("bound", BOUNDS)
def test_an_apply_replays_so_that_rows_before_an_error_come_out_first(bound):
    frame = a_frame(xs=[[1], [2, 3], [0], [6]])
    plan = Apply(ArgumentScan(("xs",)), inverse(unwound()), ApplyKind.CROSS, ("y",), ("xs",))
    assert_fails_after(plan.run(frame, a_context(EMPTY, bound)), [6, 3, 2])


def test_scans_cross_every_input_row_with_every_node():
    graph = SimpleGraph([(("A",), {}), (("B",), {}), (("A", "B"), {})])
    found = same_at_every_bound(
        lambda: NodeScan(ArgumentScan(("x",)), "n", ("A",)), graph, "x", "n", frame=lambda: a_frame(x=[7, 8])
    )
    assert found == [(0, 7, NodeRef(0)), (0, 7, NodeRef(2)), (1, 8, NodeRef(0)), (1, 8, NodeRef(2))]
    not_b = LabelTest(LabelOperator.NOT, operands=(LabelTest(LabelOperator.NAME, "B"),))
    assert run(NodeScan(ArgumentScan(), "n", (), not_b), graph, "n") == [(0, NodeRef(0))]


def test_index_seeks_find_each_node_once_for_each_row():
    graph = SimpleGraph([(("A",), {"k": 1}), ((), {"k": 1}), (("A",), {"k": 2})])

    def seek(value, many=False, labels=()):
        return lambda: NodeIndexSeek(ArgumentScan(("v",)), "n", "k", value, many, labels)

    frame = lambda: a_frame(v=[1, None, 2.0])  # noqa: E731
    assert same_at_every_bound(seek(Variable("v")), graph, "n", frame=frame) == [
        (0, NodeRef(0)),
        (0, NodeRef(1)),
        (2, NodeRef(2)),
    ]
    constant = same_at_every_bound(seek(Literal([1, 1.0, 2]), True, ("A",)), graph, "n", frame=frame)
    assert constant == [(i, NodeRef(s)) for i in range(3) for s in (0, 2)]
    lists = lambda: a_frame(v=[[1, 1.0], [], None])  # noqa: E731
    assert same_at_every_bound(seek(Variable("v"), True), graph, "n", frame=lists) == [(0, NodeRef(0)), (0, NodeRef(1))]
    with pytest.raises(TypeMismatch):
        run(seek(Variable("v"), True)(), graph, frame=a_frame(v=[3]))


def test_a_node_is_found_by_its_id_and_by_nothing_else():
    graph = SimpleGraph([((), {}), ((), {})])
    frame = a_frame(v=[100, 101.0, 99, -1, True, "100", None, 1 << 63])
    assert run(NodeById(ArgumentScan(("v",)), "n", Variable("v")), graph, "n", frame=frame) == [
        (0, NodeRef(0)),
        (1, NodeRef(1)),
    ]


@pytest.mark.parametrize(
    "wrap",
    [
        Eager,
        lambda child: Sort(child, (SortKey(X),)),
        lambda child: Distinct(child, ("x",)),
        lambda child: Aggregation(child, (("x", X),), (Aggregate("n", "collect", (X,)),)),
    ],
)
def test_what_an_operator_holds_is_limited_and_given_back(wrap):
    frame = a_frame(xs=[list(range(1000))])
    context = a_context(EMPTY)
    list(wrap(unwound()).run(frame, context))
    assert context.held_bytes == 0
    tight = a_context(EMPTY, memory_bytes_max=1000)
    with pytest.raises(QueryMemoryExceeded):
        list(wrap(unwound()).run(frame, tight))
    assert tight.held_bytes == 0


def test_a_cancelled_statement_stops_at_its_next_batch():
    cancellation = Cancellation(ManualClock())
    context = a_context(EMPTY, 1, cancellation=cancellation)
    batches = context.batches(unwound(), a_frame(xs=[[1, 2, 3]]))
    next(batches)
    cancellation.cancel()
    with pytest.raises(Cancelled):
        next(batches)


def test_a_profile_counts_rows_with_their_weights_and_own_time():
    ticks = iter(range(1000))
    profile = Profile(lambda: next(ticks))
    child = unwound()
    plan = Distinct(child, ("x",))
    list(a_context(EMPTY, profile=profile).batches(plan, a_frame(xs=[[1, 1, 2]])))
    below, above = profile.measured(child), profile.measured(plan)
    assert below is not None and above is not None
    assert (below.rows, above.rows) == (3, 2)
