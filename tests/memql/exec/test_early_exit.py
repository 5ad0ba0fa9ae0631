"""Who stops at the first rows lets sources give few at a time: the same rows, and far fewer neighbours looked at."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import memoradb
from memoradb.memql.exec.adjacent import degree_slices, expansion_rounds
from memoradb.memql.exec.apply import Apply
from memoradb.memql.exec.expand import Expand
from memoradb.memql.exec.filter import Filter
from memoradb.memql.exec.limit import Limit, Skip
from memoradb.memql.exec.operator import Estimate
from memoradb.memql.exec.scan import ArgumentScan, NodeScan
from memoradb.memql.exec.slices import OutputSlices
from memoradb.memql.exec.var_expand import VarLengthExpand
from memoradb.memql.plan.expr import Call, Literal, Property, Subquery, Variable
from memoradb.memql.plan.nodes import ApplyKind
from memoradb.memql.syntax.ast_expr import SubqueryKind
from memoradb.storage.view import Direction, part_of

sys.path.insert(0, str(Path(__file__).parent))
from simple_graph import BOUNDS, SimpleGraph, a_context, rows_of, run, same_at_every_bound

NODES = 5
edges = st.lists(st.tuples(st.sampled_from("TU"), st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=14)
graphs = st.builds(
    lambda xs, e: SimpleGraph([(("A",) if x else (), {"x": x}) for x in xs], e),
    st.lists(st.integers(0, 2), min_size=NODES, max_size=NODES),
    edges,
)
directions = st.sampled_from(list(Direction))
SMALL = Call("<", (Property(Variable("b"), "x"), Literal(2)))


def inner(direction=Direction.OUT, high: int | None = None, labels=()):
    start = ArgumentScan(("a",))
    if high is not None:
        return Filter(VarLengthExpand(start, "a", None, "b", (), direction, 1, high), SMALL)
    return Filter(Expand(start, "a", None, "b", (), direction, labels), SMALL)


@given(graphs, directions, st.sampled_from([None, 2]), st.sampled_from([(), ("A",)]))
def test_exists_as_an_apply_and_as_a_value_is_whether_a_row_is_there(graph, direction, high, labels):
    labels = () if high else labels
    plan = inner(direction, high, labels)
    every = {a for _, a in run(plan_over_all(plan), graph, "a")}
    semi = same_at_every_bound(
        lambda: Apply(NodeScan(ArgumentScan(), "a"), plan, ApplyKind.SEMI, (), ("a",)), graph, "a"
    )
    assert {a for _, a in semi} == every
    anti = same_at_every_bound(
        lambda: Apply(NodeScan(ArgumentScan(), "a"), plan, ApplyKind.ANTI, (), ("a",)), graph, "a"
    )
    assert len(semi) + len(anti) == NODES
    value = Subquery(SubqueryKind.EXISTS, plan, ("a",))
    assert same_at_every_bound(lambda: Filter(NodeScan(ArgumentScan(), "a"), value), graph, "a") == semi


def plan_over_all(plan):
    """The rows that the inner plan has for every node."""
    return Apply(NodeScan(ArgumentScan(), "a"), plan, ApplyKind.CROSS, ("b",), ("a",))


@given(graphs, directions, st.integers(0, 3), st.integers(0, 2))
def test_a_limit_for_each_row_lets_through_so_many_of_its_rows(graph, direction, count, skip):
    every = [a for _, a in run(plan_over_all(inner(direction)), graph, "a")]
    for bound in BOUNDS:
        limited = Limit(Skip(inner(direction), Literal(skip)), Literal(count))
        found = [a for _, a in run(plan_over_all(limited), graph, "a", bound=bound)]
        assert {a: found.count(a) for a in set(every)} == {
            a: max(0, min(count, every.count(a) - skip)) for a in set(every)
        }


@given(graphs, directions, st.sampled_from([None, ("T",)]), st.integers(0, 4), st.integers(0, 5))
def test_a_part_of_an_expansion_is_that_part(graph, direction, types, first, more):
    sources = np.arange(NODES)
    whole = graph.expand(sources, types, direction)
    part = part_of(whole, first, first + more)
    for source in range(NODES):
        mine = whole.relationship[whole.source_position == source].tolist()
        assert part.relationship[part.source_position == source].tolist() == mine[first : first + more]


@given(st.lists(st.integers(0, 40), max_size=12), st.integers(1, 50), st.integers(0, 3))
def test_rounds_show_every_neighbour_once_to_those_that_go_on_wanting(degrees, rows_max, satisfied_after):
    shown: dict[int, list[tuple[int, int]]] = {}

    def wanting(positions):
        return np.array([p for p in positions.tolist() if len(shown.get(p, [])) <= satisfied_after], np.int64)

    for positions, first, stop in expansion_rounds(np.array(degrees, np.int64), wanting, rows_max):
        for p in positions.tolist():
            shown.setdefault(p, []).append((first, min(stop, degrees[p])))
    for p, degree in enumerate(degrees):
        spans = shown.get(p, [])
        assert [a for a, _ in spans] == [0, *(b for _, b in spans[:-1])][: len(spans)]
        if degree and len(spans) <= satisfied_after:
            assert spans[-1][1] == degree


class Counting(SimpleGraph):
    """Counts the neighbours that expansions look at."""

    def __init__(self, nodes, edges):
        super().__init__(nodes, edges)
        self.looked_at = 0

    def expand(self, sources, types, direction):
        found = super().expand(sources, types, direction)
        self.looked_at += len(found.node)
        return found

    def expand_part(self, sources, types, direction, first, stop):
        found = part_of(super().expand(sources, types, direction), first, stop)
        self.looked_at += len(found.node)
        return found


def hubs(count: int, degree: int) -> Counting:
    nodes = [((), {"x": 0})] * (count + degree)
    return Counting(nodes, [("T", a, count + b) for a in range(count) for b in range(degree)])


def test_exists_over_hubs_looks_at_few_neighbours():
    graph = hubs(10, 100)
    plan = Filter(NodeScan(ArgumentScan(), "a"), Subquery(SubqueryKind.EXISTS, inner(), ("a",)))
    assert len(run(plan, graph, "a")) == 10
    assert graph.looked_at <= 10 * 4


def test_a_limit_at_the_top_reads_few_rows():
    graph = hubs(1000, 3)
    context = a_context(graph)
    plan = Limit(Expand(NodeScan(ArgumentScan(), "a"), "a", None, "b", (), Direction.OUT), Literal(3))
    from memoradb.memql.exec.operator import Frame

    assert len(rows_of(context.batches(plan, Frame.top()), "b")) == 3
    assert graph.looked_at <= 9


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(1, 12), st.integers(1, 5))
def test_slices_that_begin_small_cover_all_sources_too(degrees, bound, first):
    slices = list(degree_slices(np.array(degrees, np.int64), bound, first))
    assert [i for a, b in slices for i in range(a, b)] == list(range(len(degrees)))


def test_outer_batches_are_cut_by_the_output_that_they_cause():
    scan = ArgumentScan(("a",))
    inner_plan = Expand(scan, "a", None, "b", (), Direction.OUT, estimate=Estimate(16.0))
    graph = hubs(1, 1)
    slices = OutputSlices(inner_plan, a_context(graph))
    from memoradb.core.batch import Batch

    outer = Batch({}, 10_000)
    sizes = []
    for piece in slices.of(outer):
        sizes.append(piece.length)
        slices.caused(piece.length, piece.length * (1000 if len(sizes) == 1 else 1))
    assert sizes[0] == 32_768 // 16
    assert sizes[1] == 32
    assert sizes[2] == 128, "grows by four at most: the next rows may be hubs again"
    assert sum(sizes) == 10_000


def test_what_gives_no_more_rows_than_it_is_asked_for_is_not_cut():
    slices = OutputSlices(ArgumentScan(estimate=Estimate(16.0)), a_context(hubs(1, 1)))
    from memoradb.core.batch import Batch

    assert [piece.length for piece in slices.of(Batch({}, 10_000))] == [10_000]


@pytest.mark.parametrize("query", ["MATCH (a:A)-->(b) RETURN b.i LIMIT 2", "MATCH (a:A), (b:A) RETURN a.i LIMIT 7"])
def test_limits_give_so_many_rows_at_every_batch_size(query):
    from memoradb.memql.session import Options

    with memoradb.open(None) as database:
        database.execute("UNWIND range(1, 50) AS i CREATE (:A {i: i})-[:T]->(:B {i: i})")
        counts = {len(database.execute(query, options=Options(batch_rows=b)).rows) for b in (1, 2, 3, None)}
        assert counts == {int(query.rsplit(" ", 1)[1])}
