"""Selectivities and degrees: exact where counts are, by sample or guess where not, and never out of bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import memoradb
from memoradb.memql.cost.cardinality import degree, label_rows
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
from memoradb.storage.view import Direction


@pytest.fixture(scope="module")
def statistics():
    with memoradb.open(None) as database:
        database.execute("UNWIND range(1, 100) AS i CREATE (:A {k: i, g: i % 4})-[:T]->(:B:C {k: i % 10})")
        database.execute("UNWIND range(1, 50) AS i CREATE (:B)")
        yield database.storage.snapshot().statistics


K, G, P = Property(Variable("a"), "k"), Property(Variable("a"), "g"), Parameter("p")


def share(statistics, predicate: Expr) -> float:
    return Selectivity(statistics, {"a": ("A",), "b": ("B",)}).of(predicate)


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
        (And((Call("=", (G, P)), Call("=", (K, P)))), 0.0025),
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
    assert label_rows(statistics, ("B", "C")) == pytest.approx(100 * 150 / 250)
    assert label_rows(statistics, ("Absent",)) == 0
    assert degree(statistics, ("A",), ("T",), ("B",), Direction.OUT) == 1.0
    assert degree(statistics, ("B",), ("T",), (), Direction.IN) == pytest.approx(100 / 150)
    assert degree(statistics, (), (), (), Direction.BOTH) == pytest.approx(200 / 250)
    assert degree(statistics, ("A",), ("Absent",), (), Direction.OUT) == 0.0
    assert degree(statistics, ("Absent",), ("T",), (), Direction.OUT) == 0.0


def test_literals_and_parameters_are_the_same_on_every_row():
    assert is_row_independent(P) and is_row_independent(Literal(1)) and not is_row_independent(K)
    assert constant(Literal(None)) == (True, None) and constant(P) == (False, None)
