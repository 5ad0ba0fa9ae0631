"""Folding counts exactly what expanding makes: on graphs with self-loops, parallel relationships and short cycles."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import memoradb
from memoradb.core.errors import ArithmeticOverflow, DivisionByZero
from memoradb.memql.exec import fold
from memoradb.memql.exec.expand import Expand
from memoradb.memql.exec.fold import Fold, product, summed
from memoradb.memql.exec.scan import ArgumentScan, NodeScan
from memoradb.memql.plan.explain import physical_lines
from memoradb.memql.plan.expr import Call, Literal, Property, Variable
from memoradb.memql.plan.fold import Branches, FoldEdge, FoldNode
from memoradb.storage.view import Direction

sys.path.insert(0, str(Path(__file__).parent))
from simple_graph import SimpleGraph, same_at_every_bound

NODES = 4
labels = st.sampled_from([(), ("A",), ("A", "B"), ("B",)])
nodes = st.lists(
    st.tuples(labels, st.fixed_dictionaries({"x": st.sampled_from([0, 1, 2, None])})), min_size=NODES, max_size=NODES
)
edges = st.lists(st.tuples(st.sampled_from("TU"), st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=9)
graphs = st.builds(SimpleGraph, nodes, edges)
directions = st.sampled_from(list(Direction))
types = st.sampled_from([(), ("T",), ("T", "U")])
small = Call("<", (Property(Variable("b"), "x"), Literal(2)))


def scan():
    return NodeScan(ArgumentScan(), "a")


@pytest.fixture(scope="module", params=[fold.SPARSE_SHARE, 0], ids=["as it is", "nothing remembered"], autouse=True)
def sparse_share(request: pytest.FixtureRequest) -> Iterator[None]:
    """Graphs here are small: without this no node would be counted without being remembered."""
    before, fold.SPARSE_SHARE = fold.SPARSE_SHARE, request.param
    yield
    fold.SPARSE_SHARE = before


@given(graphs, types, directions, labels, st.booleans())
def test_a_folded_hop_weighs_what_its_matches_are(graph, types, direction, wanted, filtered):
    from memoradb.memql.exec.filter import Filter

    def expanded():
        hop = Expand(scan(), "a", "r", "b", types, direction, wanted)
        return Filter(hop, small) if filtered else hop

    node = FoldNode(wanted, small if filtered else None, "b")
    folded = same_at_every_bound(
        lambda: Fold(scan(), "a", Branches((FoldEdge("r", types, direction, node),))), graph, "a"
    )
    assert folded == same_at_every_bound(expanded, graph, "a")


@given(graphs, types, types, directions, directions, labels, labels)
def test_two_branches_that_must_differ_are_corrected(graph, first, second, one, other, near, far):
    def expanded():
        hop = Expand(scan(), "a", "r", "b", first, one, near)
        return Expand(hop, "a", "s", "c", second, other, far, ("r",))

    branches = Branches(
        (FoldEdge("r", first, one, FoldNode(near, None, "b")), FoldEdge("s", second, other, FoldNode(far, None, "c"))),
        ((0, 1),),
    )
    assume(not first or not second or set(first) & set(second))
    folded = same_at_every_bound(lambda: Fold(scan(), "a", branches), graph, "a")
    assert folded == same_at_every_bound(expanded, graph, "a")


@given(graphs, directions, directions, labels)
def test_a_branch_of_two_hops_passes_numbers_on(graph, one, other, wanted):
    def expanded():
        return Expand(Expand(scan(), "a", "r", "b", ("T",), one), "b", "s", "c", ("U",), other, wanted)

    leaf = FoldEdge("s", ("U",), other, FoldNode(wanted, None, "c"))
    branches = Branches((FoldEdge("r", ("T",), one, FoldNode((), None, "b", Branches((leaf,)))),))
    folded = same_at_every_bound(lambda: Fold(scan(), "a", branches), graph, "a")
    assert folded == same_at_every_bound(expanded, graph, "a")


# --- whole patterns through the planner ---------------------------------------------------------


@st.composite
def patterns(draw):
    """(MATCH text, its variables): a tree or cycle of up to three hops over four nodes."""
    hops, read = [], set()
    names = ["a", "b", "c", "d"]
    for number in range(draw(st.integers(1, 3))):
        source = draw(st.sampled_from(names[: number + 1]))
        target = draw(st.sampled_from([names[number + 1], names[number + 1], names[number + 1], "a"]))
        left, right = draw(st.sampled_from([("-", "->"), ("<-", "-"), ("-", "-")]))
        kind = draw(st.sampled_from(["", ":T", ":U", ":T|U"]))
        hops.append(f"({source}){left}[r{number}{kind}]{right}({target})")
        read |= {source, target, f"r{number}"}
    text = "MATCH " + ", ".join(hops)
    conditions = []
    for name in sorted(read & set(names)):
        conditions += draw(st.sampled_from([[], [], [f"{name}:A"], [f"{name}.x < 2"], [f"{name}.x IS NULL"]]))
    if len(read & set(names)) > 1:
        conditions += draw(st.sampled_from([[], [], ["a.x = b.x"] if "b" in read else []]))
    if conditions:
        text += " WHERE " + " AND ".join(conditions)
    return text, sorted(read)


def loaded(graph: SimpleGraph) -> memoradb.Database:
    database = memoradb.open(None)
    ids = [database.import_nodes(list(ls), {k: [v] for k, v in p.items()})[0] for ls, p in graph.node_list]
    for type, start, end in graph.edges:
        database.import_relationships(type, [ids[start]], [ids[end]])
    return database


@settings(max_examples=80)
@given(graphs, patterns(), st.sampled_from(["", "a.x AS k, ", "a AS k, "]))
def test_a_count_is_the_number_of_rows_whatever_is_folded(graph, pattern, key):
    text, variables = pattern
    with loaded(graph) as database:
        every = database.execute(f"{text} RETURN {', '.join(f'id({v}) AS {v}' for v in variables)}").rows
        assert database.execute(f"{text} RETURN count(*) AS n").rows == [(len(every),)]
        assert database.execute(f"{text} RETURN count({variables[-1]}) AS n").rows == [(len(every),)]
        groups: dict[object, int] = {}
        for row in database.execute(f"{text} RETURN {key}1 AS one").rows:
            groups[repr(row[0])] = groups.get(repr(row[0]), 0) + 1
        counted = database.execute(f"{text} RETURN {key}count(*) AS n").rows if key else []
        assert not key or {repr(k): n for k, n in counted} == groups
        found = database.execute(f"{text} RETURN count(*) > 0 AS any, sum(a.x) AS s").rows[0][1]
        assert found == sum(x or 0 for (x,) in database.execute(f"{text} RETURN a.x").rows)


def test_what_is_read_or_must_differ_elsewhere_stays():
    with memoradb.open(None) as database:
        database.execute("CREATE (a:A)-[:T]->(b:A), (b)-[:T]->(a), (a)-[:U]->(a)")
        view = database.storage.snapshot()

        def operators(text: str) -> list[str]:
            return [line.name for line in physical_lines(database.query_engine.prepare(text, view).plan.root)]

        assert "Fold" in operators("MATCH (a)-[:T]->(b)-[:U]->(c) RETURN count(*)")
        assert "Fold" not in operators("MATCH (a)-[r:T]->(b) RETURN r, b")
        assert "Fold" not in operators("MATCH (a)-[:T]->(b)-[:T]->(c)-[:T]->(d) RETURN b, c")
        assert "Fold" not in operators("MATCH (a)-[:T*1..2]->(b) RETURN count(*)")
        assert "Fold" not in operators("MATCH (a) WHERE EXISTS { (a)-[:T]->(b:A) } RETURN a")


def test_numbers_of_matches_that_leave_64_bits_are_an_error():
    with pytest.raises(ArithmeticOverflow):
        product(np.array([1 << 40]), np.array([1 << 40]))
    assert product(np.array([1 << 40, 1]), np.array([1, 1 << 40])).tolist() == [1 << 40, 1 << 40]
    with pytest.raises(ArithmeticOverflow):
        summed(np.array([1 << 62, 1 << 62]), np.array([0, 0]), 1)
    assert summed(np.array([1 << 62, 1 << 62]), np.array([0, 2]), 3).tolist() == [1 << 62, 0, 1 << 62]


def test_a_condition_that_may_fail_is_asked_only_of_rows_that_come_to_it():
    with memoradb.open(None) as database:
        database.execute("CREATE (a:A)-[:T]->({x: 2}), (a)-[:T]->({x: 0})")
        assert len(database.execute("MATCH (a:A)-[:T]->(b) WHERE 4 / b.x > 1 RETURN a LIMIT 1").rows) == 1
        with pytest.raises(DivisionByZero):
            database.execute("MATCH (a:A)-[:T]->(b) WHERE 4 / b.x > 1 RETURN count(*)")
