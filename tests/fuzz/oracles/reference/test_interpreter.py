"""What the kit does not ask of the reference interpreter: its own interface, laziness, shuffling, giving up."""

import random

import pytest

from memoradb.core.errors import DeleteConnectedNode, DivisionByZero, EntityNotFound, ParameterMissing, SemanticError
from memoradb.fuzz.oracles.reference.interpreter import Reference
from memoradb.fuzz.oracles.reference.run import Exhausted


@pytest.fixture
def reference():
    found = Reference()
    found.execute("CREATE (a:A {x: 1})-[:R]->(b:B {x: 2})-[:R]->(c:A {x: 3}), (c)-[:S]->(c)")
    return found


def rows(reference, text, **parameters):
    return reference.execute(text, parameters).rows


def test_a_row_that_nothing_asks_for_is_never_made(reference):
    assert rows(reference, "UNWIND [1, 0] AS x RETURN 1 / x AS y LIMIT 1") == [(1,)]
    assert rows(reference, "UNWIND [0] AS x RETURN 1 / x AS y ORDER BY y LIMIT 0") == []


def test_a_statement_that_fails_changes_nothing(reference):
    with pytest.raises(DeleteConnectedNode):
        reference.execute("MATCH (n:B) CREATE (:New) DELETE n")
    assert rows(reference, "MATCH (n) RETURN count(*), count(n.x)") == [(3, 3)]
    assert rows(reference, "MATCH ()-[r]->() RETURN count(*)") == [(3,)]


def test_a_deleted_node_is_no_longer_read(reference):
    with pytest.raises(EntityNotFound):
        reference.execute("MATCH (n:B) DETACH DELETE n RETURN n.x")


def test_a_clause_that_limits_to_nothing_still_writes(reference):
    assert rows(reference, "CREATE (n:New) RETURN n LIMIT 0") == []
    assert rows(reference, "MATCH (n:New) RETURN count(*)") == [(1,)]


def test_a_missing_parameter_is_found_before_anything_runs(reference):
    with pytest.raises(ParameterMissing):
        reference.execute("CREATE (:New) RETURN $p")
    assert rows(reference, "MATCH (n:New) RETURN count(*)") == [(0,)]


def test_compile_time_errors_come_without_a_row():
    with pytest.raises(SemanticError):
        Reference().execute("MATCH (n) RETURN m")


def test_equal_sort_keys_are_told_from_different_ones(reference):
    answer = reference.execute("UNWIND [2, 1, 2] AS x RETURN x, 'a' AS y ORDER BY y, x DESC")
    assert [row[0] for row in answer.rows] == [2, 2, 1]
    assert answer.keys is not None
    assert answer.keys[0] == answer.keys[1] != answer.keys[2]


def test_shuffling_varies_what_is_open_and_nothing_else(reference):
    orders = set()
    for seed in range(20):
        answer = reference.execute("MATCH (n) RETURN n.x AS x", shuffle=random.Random(seed))
        assert sorted(row[0] for row in answer.rows) == [1, 2, 3]
        orders.add(tuple(answer.rows))
    assert len(orders) > 1


def test_too_much_to_try_is_given_up():
    small = Reference(steps_max=100)
    small.execute("UNWIND range(1, 30) AS i CREATE ()")
    with pytest.raises(Exhausted):
        small.execute("MATCH (a), (b), (c) RETURN count(*)")


def test_create_reads_what_it_made_before(reference):
    answer = reference.execute("CREATE (a {x: 5})-[r:R {x: a.x}]->(b), (c {x: r.x}) RETURN c.x")
    assert answer.rows == [(5,)]
    with pytest.raises(SemanticError):
        reference.execute("MERGE (a {x: 5})-[r:R {x: a.x}]->(b)")


def test_a_hop_may_ask_for_the_far_end(reference):
    reference.execute("MATCH (a {x: 1}), (b {x: 2}) CREATE (a)-[:T {x: 2}]->(b)")
    assert rows(reference, "MATCH (a)-[:T*1..2 {x: b.x}]->(b) RETURN a.x, b.x") == [(1, 2)]


def test_a_value_that_nothing_reads_is_never_computed(reference):
    assert rows(reference, "WITH 1 / 0 AS x, 2 AS y RETURN y") == [(2,)]
    assert rows(reference, "CALL { RETURN 1 / 0 AS x } RETURN 1 AS y") == [(1,)]
    with pytest.raises(DivisionByZero):
        reference.execute("WITH 1 / 0 AS x, 2 AS y WITH * RETURN *")
    with pytest.raises(DivisionByZero):
        reference.execute("WITH 1 / 0 AS x, 2 AS y RETURN y", eager=True)
    with pytest.raises(DivisionByZero):
        reference.execute("WITH DISTINCT 1 / 0 AS x RETURN 1 AS y")


def test_a_value_is_what_it_was_before_an_update(reference):
    assert rows(reference, "MATCH (n:B) WITH n, n.x AS x SET n.x = 9 RETURN x, n.x AS y") == [(2, 9)]
