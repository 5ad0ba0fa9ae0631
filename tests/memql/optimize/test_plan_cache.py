"""The plan cache: by text, then by fingerprint; outdated by schema and statistics; bounded."""

import pytest

import memoradb
from memoradb.core.errors import MemQLSyntaxError
from memoradb.core.limits import PLAN_CACHE_TEXT_BYTES
from memoradb.memql.optimize.plan_cache import PlanCache
from memoradb.memql.session import Options


@pytest.fixture
def db():
    with memoradb.open(None) as database:
        database.execute("UNWIND range(1, 300) AS i CREATE (:A {k: i, name: 'n' + toString(i)})")
        yield database


def prepared(db, text):
    return db.query_engine.prepare(text, db.storage.snapshot())


def test_the_same_text_has_the_same_plan(db):
    assert prepared(db, "MATCH (a:A) RETURN a.k") is prepared(db, "MATCH (a:A) RETURN a.k")


def test_other_literals_have_the_same_plan_with_other_values(db):
    one, two = prepared(db, "MATCH (a:A {k: 1}) RETURN a.name"), prepared(db, "MATCH (a:A {k: 2}) RETURN a.name")
    assert one.plan is two.plan and one.literals != two.literals
    assert db.execute("MATCH (a:A {k: 1}) RETURN a.name").rows == [("n1",)]
    assert db.execute("MATCH (a:A {k: 2}) RETURN a.name").rows == [("n2",)]


def test_other_types_of_literals_and_other_names_have_plans_of_their_own(db):
    assert prepared(db, "RETURN 1 AS x").plan is not prepared(db, "RETURN 'a' AS x").plan
    assert prepared(db, "RETURN 1 AS x").plan is not prepared(db, "RETURN 1 AS y").plan
    assert db.execute("RETURN 1").columns != db.execute("RETURN 2").columns


def test_an_index_made_or_dropped_is_used_at_once(db):
    text = "MATCH (a:A {k: 7}) RETURN a.name"
    before = prepared(db, text).plan
    db.execute("CREATE INDEX a_k FOR (a:A) ON (a.k)")
    during = prepared(db, text).plan
    db.execute("DROP INDEX a_k")
    after = prepared(db, text).plan
    names = [[line.name for line in _lines(p)] for p in (before, during, after)]
    assert "NodeIndexSeek" in names[1] and names[0] == names[2] and "NodeIndexSeek" not in names[0]
    assert db.execute(text).rows == [("n7",)]


def _lines(plan):
    from memoradb.memql.plan.explain import physical_lines

    return physical_lines(plan.root)


def test_counts_that_changed_much_make_plans_anew(db):
    db.execute("CREATE (:B)-[:T]->(:A)")
    text = "MATCH (b:B)-[:T]->(a:A) RETURN b, a"
    before = prepared(db, text).plan
    db.execute("CREATE (:C)")
    assert prepared(db, text).plan is before, "a small change is none"
    db.execute("UNWIND range(1, 5000) AS i CREATE (:B)")
    after = prepared(db, text).plan
    assert after is not before
    starts = [next(line.details for line in _lines(p) if line.name == "NodeScan") for p in (before, after)]
    assert starts == ["(b:B)", "(a:A)"]


def test_a_plan_without_some_rule_is_not_kept(db):
    text = "MATCH (a:A) RETURN a.k ORDER BY a.k LIMIT 1"
    db.execute(text, options=Options(disabled_rules=["order_by_limit_to_top"]))
    assert "order_by_limit_to_top" in prepared(db, text).plan.rules


def test_a_registered_procedure_outdates_plans(db):
    db.register_procedure("my.one", [], [("x", "INTEGER")], lambda: [{"x": 1}])
    assert db.execute("CALL my.one() YIELD x RETURN x").rows == [(1,)]
    db.register_procedure("my.one", [], [("y", "INTEGER")], lambda: [{"y": 2}])
    assert db.execute("CALL my.one() YIELD y RETURN y").rows == [(2,)]


def test_an_error_points_into_the_text_as_written(db):
    for text in ("MATCH (a:A {k: 1}) RETURN b", "MATCH (a:A {k: 22222}) RETURN b"):
        with pytest.raises(MemQLSyntaxError) as caught:
            db.execute(text)
        assert caught.value.position is not None and caught.value.position.column == len(text)


def test_least_recently_used_entries_go_first():
    cache: PlanCache[int] = PlanCache(2)
    cache.put("a", (0, 0), 1)
    cache.put("b", (0, 0), 2)
    assert cache.get("a", (0, 0)) == 1
    cache.put("c", (0, 0), 3)
    assert (cache.get("a", (0, 0)), cache.get("b", (0, 0)), cache.get("c", (0, 0))) == (1, None, 3)
    assert len(cache) == 2 and (cache.counters.hits, cache.counters.misses) == (3, 1)
    assert cache.get("a", (1, 0)) is None and cache.get("a", (0, 1)) is None
    cache.put("x" * (PLAN_CACHE_TEXT_BYTES + 1), (0, 0), 4)
    assert len(cache) == 2
    cache.clear()
    assert len(cache) == 0
