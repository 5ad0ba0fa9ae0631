"""The judgement: legal differences are told from wrong answers."""

import pytest

from memoradb.fuzz.oracles.agreement import Comparison, Verdict
from memoradb.fuzz.oracles.engine import Bench, Prepared
from memoradb.fuzz.oracles.outcomes import Outcome
from memoradb.fuzz.strategies.queries import Query


@pytest.fixture
def bench():
    found = Bench("CREATE (a {x: 1}), (b {x: 2}), (c {x: 3}), (d {x: 1.0})")
    yield found
    found.close()


def judged(bench, text, rows, columns=("x",)):
    comparison = Comparison(bench, Prepared.of(Query(text)))
    shown = [(row,) for row in rows]
    forms = [tuple(map(bench.known.form, row)) for row in shown]
    return comparison.judge(Outcome(None, columns, forms, None, None, shown))


def test_a_right_answer_agrees(bench):
    assert judged(bench, "MATCH (n) RETURN n.x AS x", [3, 2, 1, 1.0]) is Verdict.AGREED


def test_a_wrong_answer_is_wrong(bench):
    assert judged(bench, "MATCH (n) RETURN n.x AS x", [3, 2, 1]) is Verdict.WRONG
    assert judged(bench, "MATCH (n) RETURN n.x AS x ORDER BY x", [3, 2, 1, 1.0]) is Verdict.WRONG
    assert judged(bench, "MATCH (n) RETURN count(*) AS x", [5]) is Verdict.WRONG


def test_which_rows_an_unordered_limit_keeps_is_open(bench):
    assert judged(bench, "MATCH (n) RETURN n.x AS x LIMIT 1", [2]) is Verdict.SOME_ORDER
    assert judged(bench, "MATCH (n) RETURN n.x AS x LIMIT 1", [7]) is Verdict.UNDECIDED


def test_the_order_inside_collect_is_open(bench):
    assert judged(bench, "MATCH (n) RETURN collect(n.x) AS x", [[3, 1.0, 2, 1]]) in (
        Verdict.SOME_ORDER,
        Verdict.AGREED,
    )


def test_which_of_two_equivalent_values_stands_for_a_group_is_open(bench):
    for one in (1, 1.0):
        verdict = judged(bench, "MATCH (n) RETURN DISTINCT n.x AS x", [one, 2, 3])
        assert verdict in (Verdict.AGREED, Verdict.SOME_ORDER)


def test_errors_are_compared_by_class():
    bench = Bench("")
    comparison = Comparison(bench, Prepared.of(Query("RETURN 1 / 0 AS x")))
    assert comparison.judge(Outcome("DivisionByZero at runtime")) is Verdict.AGREED
    assert comparison.judge(Outcome("TypeMismatch at runtime")) is Verdict.WRONG
    bench.close()


def test_what_nothing_reads_may_be_computed_or_not(bench):
    query = "WITH 1 / 0 AS dead, 2 AS x RETURN x"
    assert judged(bench, query, [2]) is Verdict.AGREED
    comparison = Comparison(bench, Prepared.of(Query(query)))
    assert comparison.judge(Outcome("DivisionByZero at runtime")) is Verdict.EAGER
    assert comparison.judge(Outcome("TypeMismatch at runtime")) is Verdict.WRONG


def test_a_rare_order_inside_collect_is_open():
    bench = Bench("UNWIND range(1, 40) AS i CREATE ({x: 1}) WITH count(*) AS c CREATE ({x: 2})")
    assert judged(bench, "MATCH (n) RETURN collect(DISTINCT n.x) AS x", [[2, 1]]) is Verdict.SOME_ORDER
    bench.close()


def test_what_the_last_digits_of_a_sum_decide_in_order_by_is_open(bench):
    text = "UNWIND [[1.0, 'b'], [1.0000000000000002, 'a'], [2.0, 'c']] AS r RETURN r[1] AS x ORDER BY r[0], x"
    assert judged(bench, text, ["b", "a", "c"]) is Verdict.AGREED
    assert judged(bench, text, ["a", "b", "c"]) is Verdict.AGREED
    assert judged(bench, text, ["a", "c", "b"]) is Verdict.WRONG
