"""Which clauses conflict, and which with themselves."""

import pytest

import memoradb
from memoradb.memql.optimize.eager import (
    SelfConflict,
    merge_conflict,
    place_barriers,
    reads_what_it_writes,
    update_conflict,
)
from memoradb.memql.plan import nodes
from memoradb.memql.plan.transform import children


@pytest.fixture(scope="module")
def db():
    with memoradb.open(None) as database:
        yield database


def find(db, text, kind):
    """The first node of a kind in a statement's plan."""
    waiting = [db.query_engine.prepare(text, db.storage.snapshot()).plan.rewritten]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, kind):
            return node
        waiting.extend(children(node))
    raise AssertionError(text)


@pytest.mark.parametrize(
    ("text", "conflict"),
    [
        ("MATCH (a) SET a.x = 1", SelfConflict()),
        ("MATCH (a), (b) SET a.x = b.y", SelfConflict()),
        ("MATCH (a), (b) SET a.x = b.x", SelfConflict(subjects=frozenset("b"))),
        ("UNWIND $rows AS r MATCH (a) SET a.x = r.x", SelfConflict(subjects=frozenset("r"))),
        ("MATCH (a), (b) SET a.x = 1, b.x = 2", SelfConflict(True)),
        ("MATCH (a), (b) SET a.x = 1, b.y = 2", SelfConflict()),
        ("MATCH (a), (b) SET a = b", SelfConflict(subjects=frozenset("b"))),
        ("MATCH (a) SET a += $map", SelfConflict()),
        ("MATCH (a) SET a += {x: a.y}", SelfConflict(subjects=frozenset("a"))),
        ("MATCH (a) SET a.x = 1, a += $map", SelfConflict(True)),
        ("MATCH (a) SET a.x = keys(a)", SelfConflict(True)),
        ("MATCH (a) SET a.x = labels(a)", SelfConflict()),
        ("MATCH (a) SET a:B, a.x = labels(a)", SelfConflict(True)),
        ("MATCH (a), (b) SET a.x = b:C, b:C", SelfConflict(True)),
        ("MATCH (a), (b) SET a.x = b:C", SelfConflict()),
        ("MATCH (a) SET a.x = COUNT { ({x: 1}) }", SelfConflict(True)),
        ("MATCH (a) SET a.x = COUNT { ({y: 1}) }", SelfConflict()),
        ("MATCH (a) SET a.x = a['x']", SelfConflict(True)),
    ],
)
def test_a_set_conflicts_with_itself_where_it_reads_or_writes_twice_what_it_writes(db, text, conflict):
    assert update_conflict(find(db, text, nodes.Update).items) == conflict


@pytest.mark.parametrize(
    ("text", "conflict"),
    [
        ("UNWIND [1] AS x MERGE (n:A {k: x})", SelfConflict()),
        ("UNWIND [1] AS x MERGE (n:A {k: x}) ON CREATE SET n.c = 1 ON MATCH SET n.c = n.c + 1", SelfConflict()),
        ("UNWIND $rows AS r MERGE (n:A {k: r.k}) ON CREATE SET n.v = r.v", SelfConflict(subjects=frozenset("r"))),
        ("UNWIND [1] AS x MERGE (n:A {k: x}) ON MATCH SET n.k = 2", SelfConflict(True)),
        ("UNWIND [1] AS x MERGE (n:A {k: x}) ON MATCH SET n:B", SelfConflict()),
        ("UNWIND [1] AS x MERGE (n:A {k: x}) ON MATCH SET n:A", SelfConflict(True)),
        ("UNWIND [1] AS x MERGE (n:A {k: COUNT { (:A) }})", SelfConflict(True)),
        ("UNWIND [1] AS x MERGE (n:A {k: COUNT { (:B) }})", SelfConflict()),
        ("MATCH (a), (b) MERGE (a)-[:T]->(b)", SelfConflict()),
        ("MATCH (a), (b) MERGE (a)-[:T]-(b)", SelfConflict(True)),
        ("MATCH (a) MERGE (a)-[:T]->(:B)", SelfConflict(True)),
        ("MATCH (a), (b) MERGE (a)-[:T]->(b)-[:T]->(a)", SelfConflict(True)),
        ("MATCH (a), (b) MERGE (a)-[:T]->(b) ON CREATE SET a.x = 1", SelfConflict(True)),
    ],
)
def test_a_merge_is_batched_where_nothing_it_sets_or_reads_is_what_it_matches(db, text, conflict):
    assert merge_conflict(find(db, text, nodes.Merge)) == conflict


@pytest.mark.parametrize(
    ("text", "conflict"),
    [
        ("CREATE (:A {c: COUNT { (:A) }})", True),
        ("CREATE (:A {c: COUNT { (:B) }})", False),
        ("MATCH (b) CREATE (a:A {c: b.c})", False),
        ("MATCH (b) CREATE (b)-[:T {c: COUNT { (b)-[:T]->() }}]->(b)", True),
        ("MATCH (b) CREATE (b)-[:T {c: COUNT { (b)-[:U]->() }}]->(b)", False),
    ],
)
def test_a_create_may_read_what_it_creates(db, text, conflict):
    assert reads_what_it_writes(find(db, text, nodes.Create)) is conflict


def test_a_plan_that_needs_no_barrier_is_the_same_object(db):
    plan = find(db, "MATCH (a:A) SET a.x = 1", nodes.ProduceResults)
    assert place_barriers(plan) is plan


def test_what_a_later_create_reads_is_not_joined_with_an_earlier_one(db):
    text = "UNWIND [1, 2] AS x CREATE (:A) CREATE (b:B {c: COUNT { (:A) }}) RETURN b.c AS c"
    with memoradb.open(None) as fresh:
        assert fresh.execute(text).rows == [(2,), (2,)]


def test_a_procedure_that_writes_is_a_barrier_and_runs_row_by_row_inside_a_subquery():
    with memoradb.open(None) as database:
        database.query_engine.procedures.register("my.write", [], [("x", "INTEGER")], lambda: [{"x": 1}], mode="WRITE")
        text = "MATCH (a:A) CALL my.write() YIELD x RETURN a.k, x"
        call = find(database, text, nodes.ProcedureCall)
        assert call.writes and isinstance(call.input, nodes.Eager)
        assert database.execute("EXPLAIN " + text).summary.query_type == "rw"
        inner = "MATCH (a:A) CALL { CALL my.write() YIELD x RETURN x } RETURN x"
        assert "row by row" in (database.execute("EXPLAIN " + inner).summary.plan or "")
        read = find(database, "CALL db.labels() YIELD label RETURN label", nodes.ProcedureCall)
        assert not read.writes
