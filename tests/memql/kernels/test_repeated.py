"""Parts that an operator's expressions share: which they are, and that the law of selective evaluation stays."""

import pytest

import memoradb
from memoradb.memql.kernels.repeated import repeated
from memoradb.memql.plan.expr import Call, Literal, Property, Variable

N = Variable("n")


def test_equal_parts_are_found_wherever_they_stand():
    double = Call("*", (Property(N, "x"), Literal(2)))
    assert repr(double) in repeated([double, Call("+", (double, Literal(1)))])


def test_one_and_one_point_zero_are_not_the_same_part():
    one, other = Call("+", (N, Literal(1))), Call("+", (N, Literal(1.0)))
    assert one == other
    assert repr(one) not in repeated([one, other])


def test_what_is_drawn_is_drawn_each_time():
    assert not repeated([Call("rand", ()), Call("rand", ())])


def test_a_part_that_fails_is_evaluated_where_a_row_needs_it_and_nowhere_else():
    database = memoradb.open(None)
    query = (
        "UNWIND $items AS x RETURN CASE WHEN x = 0 THEN 0 ELSE 1 / x END AS a, CASE x WHEN 0 THEN 0 ELSE 1 / x END AS b"
    )
    assert [tuple(r) for r in database.execute(query, {"items": [0, 1]}).rows] == [(0, 0), (1, 1)]
    with pytest.raises(memoradb.MemoraDBError, match="zero"):
        database.execute("UNWIND $items AS x RETURN 1 / x AS a, 1 / x AS b", {"items": [1, 0]})


@pytest.mark.parametrize("batch_rows", [1, 2, 3, None])
def test_shared_parts_have_the_values_of_their_own_rows(batch_rows):
    from memoradb.memql.session import Options

    database = memoradb.open(None)
    query = "UNWIND range(1, 9) AS x RETURN x * x AS a, x * x + 1 AS b, sum(x * x) AS c, max(x * x) AS d"
    rows = database.execute(query, options=Options(batch_rows=batch_rows)).rows
    assert [tuple(r) for r in rows] == [(x * x, x * x + 1, x * x, x * x) for x in range(1, 10)]
