"""Plans that rest on facts: right on every view, since they give way where a fact is not true."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memoradb
from memoradb.memql.optimize.planner import plan
from memoradb.memql.optimize.planning import PlanningCatalog
from memoradb.storage.view import Direction, EndsLabelled, LoopFree, NeverNull

QUERIES = [
    "MATCH (:A)-[f:T]->(:B) RETURN count(f)",
    "MATCH (a:A)-[:T]->(b:B) RETURN a.id, count(b.id)",
    "MATCH (a:A)-[:T]->(b:B)-[:T]->(c) RETURN count(*)",
    "MATCH (a:A)-[:T]-(b:A) RETURN a.id, b.id",
    "MATCH (a:A)<-[:T*1..2]-(b:B) RETURN a.id, b.id",
    "MATCH (a:A) RETURN a.id, a.name, count(*)",
]
CHANGES = [
    "CREATE (:A {id: 100 + COUNT { (:A) }})-[:T]->(:C)",
    "MATCH (b:B) WITH b LIMIT 1 REMOVE b:B",
    "MATCH (a:A) WITH a LIMIT 1 CREATE (a)-[:T]->(a)",
    "CREATE (:A {name: 'x'}), (:A {name: 'x'})",
    "MATCH (b:B) WITH b LIMIT 1 REMOVE b.id",
    "MATCH (a:A)-[r:T]->(b:B) WITH r LIMIT 1 DELETE r",
    "MATCH (b:B) WITH b LIMIT 1 DETACH DELETE b",
]


@pytest.fixture
def db():
    with memoradb.open(None) as database:
        database.execute("CREATE CONSTRAINT a_id FOR (a:A) REQUIRE a.id IS UNIQUE")
        database.execute("UNWIND range(1, 5) AS i CREATE (:A {id: i, name: 'x'})-[:T]->(:B {id: i})")
        yield database


def rows(execute, query):
    return sorted(map(repr, execute(query).rows))


def plain(database, query):
    """The rows of a plan that rests on no fact and uses no rule."""
    from memoradb.memql.rewrite.driver import RULES
    from memoradb.memql.session import Options

    return sorted(map(repr, database.execute(query, options=Options(disabled_rules=[r.__name__ for r in RULES])).rows))


@settings(max_examples=25)
@given(st.lists(st.sampled_from(CHANGES), max_size=3))
def test_a_cached_plan_gives_way_when_a_fact_is_no_longer_true(changes):
    with memoradb.open(None) as database:
        database.execute("CREATE CONSTRAINT a_id FOR (a:A) REQUIRE a.id IS UNIQUE")
        database.execute("UNWIND range(1, 5) AS i CREATE (:A {id: i, name: 'x'})-[:T]->(:B {id: i})")
        for query in QUERIES:
            rows(database.execute, query)  # planned while all facts hold
        for change in changes:
            database.execute(change)
            for query in QUERIES:
                assert rows(database.execute, query) == plain(database, query), (change, query)


@pytest.mark.parametrize("change", CHANGES)
def test_a_transaction_that_changed_the_graph_rests_on_no_fact_of_it(db, change):
    for query in QUERIES:
        rows(db.execute, query)
    with db.begin() as transaction:
        before = {q: rows(transaction.execute, q) for q in QUERIES}
        assert before == {q: rows(db.execute, q) for q in QUERIES}
        transaction.execute(change)
        inside = {q: rows(transaction.execute, q) for q in QUERIES}
    assert inside == {q: plain(db, q) for q in QUERIES}


def test_an_older_snapshot_keeps_its_own_facts(db):
    old = db.storage.snapshot()
    fact = EndsLabelled("T", True, "B")
    assert old.fact(fact)
    db.execute("CREATE (:A {id: 100})-[:T]->(:C)")
    assert not db.storage.snapshot().fact(fact)
    assert old.fact(fact) in (True, False)  # remembered
    assert db.query_engine.prepare(QUERIES[0], db.storage.snapshot()).plan.for_view(old) is not None


def test_facts_say_what_they_say(db):
    view = db.storage.snapshot()
    catalog = PlanningCatalog(view)
    assert catalog.fact(NeverNull("A", "id")) and not catalog.fact(NeverNull("A", "absent"))
    assert catalog.loop_free(["T"]) and not catalog.loop_free([])
    assert catalog.labels_to_check(["T"], Direction.OUT, ("B", "C")) == ("C",)
    assert catalog.labels_to_check(["T"], Direction.IN, ("A", "B")) == ("B",)
    assert catalog.labels_to_check(["T"], Direction.BOTH, ("A",)) == ("A",)
    assert catalog.labels_to_check([], Direction.OUT, ("B",)) == ("B",)
    assert catalog.labels_to_check(["T", "Absent"], Direction.OUT, ("B",)) == ()
    assert catalog.facts == {
        NeverNull("A", "id"),
        LoopFree("T"),
        EndsLabelled("T", True, "B"),
        EndsLabelled("T", False, "A"),
        EndsLabelled("Absent", True, "B"),
    }


def test_what_is_tried_and_not_chosen_is_not_rested_on(db):
    catalog = PlanningCatalog(db.storage.snapshot())
    trial = catalog.trial()
    assert trial.loop_free(["T"])
    assert not catalog.facts
    catalog.adopt(trial)
    assert catalog.facts == {LoopFree("T")}


def test_a_statement_that_writes_rests_on_no_fact(db):
    view = db.storage.snapshot()
    text = "MATCH (a:A)-[f:T]->(b:B) SET a.n = 1 RETURN count(f)"
    assert db.query_engine.prepare(text, view).plan.facts == ()
    logical = db.query_engine.prepare(QUERIES[0], view).plan.logical
    assert plan(logical, view).facts and not plan(logical, view, use_facts=False).facts


def test_a_hub_is_expected_to_be_met_again(db):
    db.execute("CREATE (h:H) WITH h UNWIND range(1, 99) AS i CREATE (:H)-[:U]->(h)")
    catalog = PlanningCatalog(db.storage.snapshot())
    assert catalog.repeated_degree(("H",), ("U",), Direction.IN) == pytest.approx(99.0)
    assert catalog.repeated_degree(("H",), ("U",), Direction.OUT) == pytest.approx(1.0)
    assert catalog.repeated_degree(("H",), ("Absent",), Direction.OUT) == 0.0
