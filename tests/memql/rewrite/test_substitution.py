"""Which terms of an AND may go first, and in what order terms are tested."""

from memoradb.memql.cost.evaluation import cheap_first, evaluation_ns
from memoradb.memql.plan.expr import Call, Literal, PathOf, Property, Variable
from memoradb.memql.rewrite.substitution import below, parted

N = Variable("n")
SAFE = Call(">", (Property(N, "x"), Literal(1)))
TEXT = Call("CONTAINS", (Property(N, "s"), Literal("a")))
FAILING = Call(">", (Call("/", (Literal(1), Property(N, "x"))), Literal(0)))


def test_a_term_that_cannot_fail_overtakes_others_that_cannot():
    assert parted((TEXT, SAFE), lambda t: t if t is SAFE else None) == ((SAFE,), (TEXT,))


def test_no_term_overtakes_one_that_may_fail():
    assert parted((FAILING, SAFE), lambda t: t if t is SAFE else None) == ((), (FAILING, SAFE))


def test_a_term_that_may_fail_overtakes_none():
    assert parted((SAFE, FAILING), lambda t: t if t is FAILING else None) == ((), (SAFE, FAILING))


def test_cheap_terms_are_tested_first_between_those_that_may_fail():
    assert evaluation_ns(SAFE) < evaluation_ns(TEXT)
    assert cheap_first((TEXT, SAFE, FAILING, TEXT, SAFE)) == [SAFE, TEXT, FAILING, SAFE, TEXT]


def test_a_name_is_said_below_only_where_nothing_names_it():
    made = {"x": Property(N, "x"), "y": Call("+", (N, Literal(1))), "q": N}
    assert below(Call("=", (Variable("x"), Literal(1))), made) == Call("=", (Property(N, "x"), Literal(1)))
    assert below(Call("=", (Variable("y"), Literal(1))), made) is None
    assert below(PathOf(("q",)), made) is None
    assert below(PathOf(("n",)), made) == PathOf(("n",))
