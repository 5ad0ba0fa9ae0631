"""Later operands are evaluated on the rows that need them, and on no others; three truth values throughout."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import memoradb
from memoradb.core.batch import Batch
from memoradb.core.columns import lift
from memoradb.core.errors import DivisionByZero, TypeMismatch
from memoradb.memql.exec.context import KernelUse
from memoradb.memql.kernels.compile import compile_count, compile_expression, compile_predicate
from memoradb.memql.plan.expr import And, Call, Case, Coalesce, Expr, IsNull, Literal, Or, Variable

sys.path.insert(0, str(Path(__file__).parents[1] / "exec"))
from simple_graph import SimpleGraph, a_context  # pyright: ignore[reportMissingImports]

USES: tuple[KernelUse, ...] = ("auto", "always", "never")
truths = st.sampled_from([True, False, None])
tables = st.lists(st.tuples(truths, truths, truths), min_size=1, max_size=80)
A, B, C = Variable("a"), Variable("b"), Variable("c")


def evaluate(expr: Expr, kernels: KernelUse = "auto", **columns) -> list:
    lifted = {name: lift(items) for name, items in columns.items()}
    batch = Batch(lifted, len(next(iter(columns.values()))))
    return compile_expression(expr)(batch, a_context(SimpleGraph([]), kernels=kernels)).values()


def conjunction(values):
    return False if False in values else None if None in values else True


def disjunction(values):
    return True if True in values else None if None in values else False


@given(tables, st.sampled_from(USES))
def test_and_or_and_not_have_three_values(table, kernels):
    a, b, c = (list(column) for column in zip(*table, strict=True))
    rows = list(zip(a, b, c, strict=True))
    assert evaluate(And((A, B, C)), kernels, a=a, b=b, c=c) == [conjunction(r) for r in rows]
    assert evaluate(Or((A, B, C)), kernels, a=a, b=b, c=c) == [disjunction(r) for r in rows]
    mixed = Or((And((A, B)), Call("NOT", (C,))))
    expected = [disjunction((conjunction(r[:2]), None if r[2] is None else not r[2])) for r in rows]
    assert evaluate(mixed, kernels, a=a, b=b, c=c) == expected


@given(tables, st.sampled_from(USES))
def test_coalesce_and_case_take_the_first_that_serves(table, kernels):
    a, b, c = (list(column) for column in zip(*table, strict=True))
    first = [next((v for v in row if v is not None), None) for row in table]
    assert evaluate(Coalesce((A, B, C)), kernels, a=a, b=b, c=c) == first
    chosen = Case(((A, B), (IsNull(A), C)), Literal("else"))
    expected = [b if a is True else c if a is None else "else" for a, b, c in table]
    assert evaluate(chosen, kernels, a=a, b=b, c=c) == expected


numbers = st.one_of(st.none(), st.integers(-2, 2), st.integers(1 << 60, 1 << 62))


@given(st.lists(st.tuples(truths, numbers, numbers), min_size=1, max_size=90), st.sampled_from(USES), st.booleans())
def test_numbers_of_several_branches_are_those_of_the_rows_that_take_them(table, kernels, ends):
    a, b, c = (list(column) for column in zip(*table, strict=True))
    chosen = Case(((A, B), (IsNull(A), Literal(None))), C if ends else Literal(None))
    expected = [b if a is True else None if a is None or not ends else c for a, b, c in table]
    assert evaluate(chosen, kernels, a=a, b=b, c=c) == expected
    assert evaluate(Coalesce((B, C, Literal(7))), kernels, b=b, c=c) == [
        next(v for v in (b, c, 7) if v is not None) for _, b, c in table
    ]


@given(tables, st.sampled_from(USES))
def test_counting_rows_is_counting_their_positions(table, kernels):
    a, b, _ = (list(column) for column in zip(*table, strict=True))
    batch = Batch({"a": lift(a), "b": lift(b)}, len(a))
    context = a_context(SimpleGraph([]), kernels=kernels)
    for expr in (A, And((A, B)), Or((A, B)), Literal(True), Literal(None)):
        assert compile_count(expr)(batch, context) == len(compile_predicate(expr)(batch, context))


INVERSE = Call(">", (Call("/", (Literal(6), Variable("x"))), Literal(2)))
IS_ZERO = Call("=", (Variable("x"), Literal(0)))


@pytest.mark.parametrize("kernels", USES)
@pytest.mark.parametrize("rows", [1, 3, 100])
def test_what_is_decided_is_not_divided(kernels, rows):
    x = [0, 2, 3] * rows
    not_zero = Call("<>", (Variable("x"), Literal(0)))
    assert evaluate(And((not_zero, INVERSE)), kernels, x=x) == [False, True, False] * rows
    assert evaluate(Or((IS_ZERO, INVERSE)), kernels, x=x) == [True, True, False] * rows
    case = Case(((IS_ZERO, Literal(None)),), Call("/", (Literal(6), Variable("x"))))
    assert evaluate(case, kernels, x=x) == [None, 3, 2] * rows
    assert evaluate(Coalesce((Variable("x"), Call("/", (Literal(1), Literal(0))))), kernels, x=x) == x
    with pytest.raises(DivisionByZero):
        evaluate(And((IS_ZERO, INVERSE)), kernels, x=x)


@pytest.mark.parametrize("kernels", USES)
@pytest.mark.parametrize("rows", [2, 100])
def test_what_is_no_truth_value_is_an_error_where_it_decides(kernels, rows):
    with pytest.raises(TypeMismatch):
        evaluate(And((Variable("x"), Literal(True))), kernels, x=[True, 1] * rows)
    with pytest.raises(TypeMismatch):
        evaluate(Or((Variable("y"), Variable("x"))), kernels, x=[1, 1] * rows, y=[True, False] * rows)
    decided = evaluate(Or((Variable("y"), Variable("x"))), kernels, x=[1, 1] * rows, y=[True, True] * rows)
    assert decided == [True, True] * rows


@pytest.fixture(scope="module")
def db():
    with memoradb.open(None) as database:
        yield database


@pytest.mark.parametrize(
    "query",
    [
        "UNWIND [1, 0] AS x RETURN 1 / x LIMIT 1",
        "UNWIND [1, 0] AS x WITH 1 / x AS y RETURN y LIMIT 1",
        "UNWIND [1, 0] AS x WITH x WHERE 1 / x > 0 RETURN x LIMIT 1",
        "UNWIND [[1], [0]] AS xs UNWIND [x IN xs | 1 / x] AS y RETURN y LIMIT 1",
        "UNWIND [1, 0] AS x CALL { WITH x RETURN 1 / x AS y } RETURN y LIMIT 1",
        "UNWIND [1, 0] AS x WITH x WHERE EXISTS { UNWIND [x] AS z WITH 1 / z AS y RETURN y } RETURN x LIMIT 1",
        "RETURN any(x IN [1, 0] WHERE 1 / x = 1) AS x",
        "RETURN [x IN [1, 0] WHERE x <> 0 | 1 / x] AS x",
    ],
)
def test_a_row_before_an_error_comes_out_and_the_error_does_not(db, query):
    assert len(db.execute(query).rows) == 1


def test_lists_run_their_body_on_flattened_values(db):
    found = db.execute(
        """
        UNWIND [[1, 2], [], null, [3, null]] AS xs
        RETURN [x IN xs WHERE x > 1 | x * 10] AS a, all(x IN xs WHERE x > 0) AS b, any(x IN xs WHERE x > 2) AS c,
               none(x IN xs WHERE x > 5) AS d, single(x IN xs WHERE x > 1) AS e, reduce(s = 0, x IN xs | s + x) AS f,
               1 IN xs AS g
        """
    ).rows
    assert [tuple(r) for r in found] == [
        ([20], True, False, True, True, 3, True),
        ([], True, False, True, False, 0, False),
        (None, None, None, None, None, None, None),
        ([30], None, True, None, None, None, None),
    ]
