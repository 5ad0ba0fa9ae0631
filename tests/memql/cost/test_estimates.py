"""Selectivities and degrees: exact where counts are, by sample or guess where not, and never out of bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import memoradb
from memoradb.memql.cost.cardinality import (
    degree,
    distinct_rows,
    group_rows,
    label_rows,
    label_share,
    list_rows,
    trail_rows,
)
from memoradb.memql.cost.selectivity import EQUALITY_GUESS, RANGE_GUESS, Selectivity, constant, is_row_independent
from memoradb.memql.plan.expr import (
    And,
    Call,
    Expr,
    HasLabels,
    IsNull,
    LabelOperator,
    LabelTest,
    Literal,
    Or,
    Parameter,
    Property,
    Variable,
)
from memoradb.storage.view import Direction, Follows


@pytest.fixture(scope="module")
def statistics():
    with memoradb.open(None) as database:
        database.execute(
            "UNWIND range(1, 100) AS i CREATE (:A {k: i, g: i % 4})-[:T {w: i % 2 + 1}]->(:B:C {k: i % 10})"
        )
        database.execute("UNWIND range(1, 50) AS i CREATE (:B)")
        yield database.storage.snapshot().statistics


K, G, P = Property(Variable("a"), "k"), Property(Variable("a"), "g"), Parameter("p")


def share(statistics, predicate: Expr) -> float:
    labels, types = {"a": ("A",), "b": ("B",)}, {"r": ("T",)}
    return Selectivity(statistics, labels, types, {"ten": 10}).of(predicate)


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        (Literal(True), 1.0),
        (Literal(False), 0.0),
        (Call("=", (K, P)), 0.01),
        (Call("=", (P, G)), 0.25),
        (Call("<>", (G, P)), 0.75),
        (Call("<=", (K, Literal(30))), 0.3),
        (Call(">", (Literal(31), K)), 0.3),
        (Call("<", (K, P)), RANGE_GUESS),
        (Call("=", (P, P)), EQUALITY_GUESS),
        (IsNull(K), 0.0),
        (IsNull(Property(Variable("b"), "k"), True), 2 / 3),
        (And((Call("=", (G, P)), Call("=", (K, P)))), 0.005),
        (And((Call(">", (K, Literal(20))), Call("<=", (K, Literal(30))))), 0.1),
        (Call("=", (G, Literal(3))), 0.25),
        (Call("=", (K, Literal(1_000))), 0.0),
        (Call("IN", (G, Literal([1, 2, 7]))), 0.5),
        (Call("=", (Call("%", (K, Literal(10))), Literal(3))), 0.1),
        (Call(">", (K, Parameter("ten"))), 0.9),
        (Call("=", (Property(Variable("r"), "w"), Literal(2))), 0.5),
        (Call("=", (K, Property(Variable("b"), "k"))), 0.01),
        (Or((Call("=", (G, P)), Call("=", (G, P)))), 1 - 0.75**2),
        (Call("NOT", (Call("=", (G, P)),)), 0.75),
        (HasLabels(Variable("b"), LabelTest(LabelOperator.NAME, "C")), 2 / 3),
    ],
)
def test_a_predicate_keeps_the_share_that_counts_say(statistics, predicate, expected):
    assert share(statistics, predicate) == pytest.approx(expected, abs=0.03)


terms = st.sampled_from(
    [Call("=", (K, P)), Call("<", (K, Literal(7))), IsNull(G), Literal(True), Call("CONTAINS", (K, P)), P]
)
predicates = st.recursive(
    terms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda x: And(tuple(x))),
        st.lists(inner, min_size=1, max_size=3).map(lambda x: Or(tuple(x))),
        inner.map(lambda x: Call("NOT", (x,))),
    ),
    max_leaves=6,
)


@given(predicates)
def test_a_share_is_between_none_and_all(statistics, predicate):
    assert 0.0 <= share(statistics, predicate) <= 1.0


def test_labels_and_degrees_are_counted(statistics):
    assert label_rows(statistics, ()) == 250 and label_rows(statistics, ("A",)) == 100
    assert label_rows(statistics, ("B", "C")) == 100
    assert label_share(statistics, ("C",), ("B",)) == pytest.approx(2 / 3)
    assert label_rows(statistics, ("Absent",)) == 0
    assert degree(statistics, ("A",), ("T",), ("B",), Direction.OUT) == 1.0
    assert degree(statistics, ("B",), ("T",), (), Direction.IN) == pytest.approx(100 / 150)
    assert degree(statistics, (), (), (), Direction.BOTH) == pytest.approx(200 / 250)
    assert degree(statistics, ("A",), ("Absent",), (), Direction.OUT) == 0.0
    assert degree(statistics, ("Absent",), ("T",), (), Direction.OUT) == 0.0


def test_literals_and_parameters_are_the_same_on_every_row():
    assert is_row_independent(P) and is_row_independent(Literal(1)) and not is_row_independent(K)
    assert constant(Literal(None)) == (True, None) and constant(P) == (False, None)


def test_terms_about_one_node_count_less_and_less_and_those_about_two_whole(statistics):
    about = Selectivity(statistics, {"a": ("A",), "b": ("B",)})
    quarter, tenth = Call("=", (G, P)), Call("<=", (K, Literal(10)))
    far = Call("=", (Property(Variable("b"), "k"), Literal(3)))
    assert about.together((quarter, tenth)) == pytest.approx(0.1 * 0.25**0.5)
    assert about.together((quarter, far)) == pytest.approx(0.25 * about.of(far))
    assert about.given(quarter, (tenth,)) == pytest.approx(0.25**0.5)
    assert about.given(far, (tenth,)) == about.of(far)


def test_values_of_nodes_that_relationships_meet_count_as_often_as_they_are_met():
    with memoradb.open(None) as database:
        database.execute(
            "UNWIND range(1, 100) AS i CREATE (:C {name: CASE i WHEN 1 THEN 'big' WHEN 2 THEN 'small' END})"
        )
        database.execute("UNWIND range(1, 90) AS i MATCH (c:C {name: 'big'}) CREATE (:P)-[:IN]->(c)")
        database.execute("UNWIND range(1, 10) AS i MATCH (c:C {name: 'small'}) CREATE (:P)-[:IN]->(c)")
        plain = Selectivity(database.storage.snapshot().statistics, {"c": ("C",)})
        named = Call("=", (Property(Variable("c"), "name"), Literal("big")))
        assert plain.of(named) == pytest.approx(0.01)
        met = plain.where({"c": Follows(("IN",), Direction.IN)})
        assert met.of(named) == pytest.approx(0.9)
        plan = database.execute("EXPLAIN MATCH (p:P)-[:IN]->(c:C {name: 'big'}) RETURN p").summary.plan_tree
        assert plan is not None and plan["rows_estimated"] == pytest.approx(90, rel=0.05)


def test_distinct_rows_and_groups_are_bounded_by_rows_and_values():
    assert distinct_rows(10.0, 1_000_000.0) == pytest.approx(10.0, rel=0.01)
    assert distinct_rows(1_000_000.0, 10.0) == pytest.approx(10.0)
    assert distinct_rows(100.0, 100.0) == pytest.approx(63.4, rel=0.01)
    assert distinct_rows(0.0, 10.0) == 0.0 and distinct_rows(5.0, 1.0) == 1.0
    assert group_rows(1_000.0, [2.0, 3.0], 0.1) == pytest.approx(6.0)
    assert group_rows(1_000.0, [None, 3.0], 0.1) == pytest.approx(103.0)


def test_trails_follow_the_labels_that_relationships_lead_to(statistics):
    assert trail_rows(statistics, ("A",), ("T",), (), Direction.OUT, 1, 5)[0] == pytest.approx(1.0)
    assert trail_rows(statistics, ("A",), (), ("B",), Direction.OUT, 1, 1)[0] == pytest.approx(1.0)
    assert trail_rows(statistics, ("A",), ("T",), ("A",), Direction.OUT, 1, 3)[0] == 0.0
    assert trail_rows(statistics, ("A",), ("T",), ("A",), Direction.OUT, 0, 3)[0] == 1.0


def test_lists_to_unwind_have_their_length():
    assert list_rows(Call("range", (Literal(1), Literal(10))), {}) == 10
    assert list_rows(Call("range", (Literal(10), Literal(1), Literal(-2))), {}) == 5
    assert list_rows(P, {"p": [1, 2, 3]}) == 3 and list_rows(Literal(None), {}) == 0
